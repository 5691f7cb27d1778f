/**
 * Which of the promises that other code makes below one call of the user's is the one that the call hands out. What a
 * function returns cannot be seen from a hook; what can be seen is who made a promise, for whom, and in which order.
 *
 * One call is one task, so exactly one promise of each call may stand for it, by these rules, strongest first:
 * 1. The call of an async function hands out the promise of that call. Everything below is its plumbing.
 * 2. A constructor hands out an object: promises made below it are plumbing, except the one that it makes itself.
 * 3. Of the promises of one call, the one made nearest to the user's frame; what joins others (`Promise.all`) is nearer
 *    than what it joins. Among equals, the first.
 * 4. A promise that is made without the others is from a call that took another way, and stands for that call.
 * 5. Where the call of an async function was taken for the promise of the call, has settled, and another one that was made after
 *    it and not for its sake has not, that other one stands for the call: a function first starts what it does not wait for, and
 *    returns what it does. Whoever waits for one of the two decides at once: the user's code gets what is handed out.
 */

/** What the stack says of a promise below a call. */
export interface MadeBelow {
  /** The user's frame that calls, and the function called: calls that agree in these take the same or another way. */
  readonly key: string;
  /** The promise is that of the call itself, the called function being async. */
  readonly ofCall: boolean;
  /** No promise of this call is handed out. */
  readonly never: boolean;
  /** How many frames are between the user's and the one that gets the promise. */
  readonly depth: number;
  /** The frames between the promise and the user's, innermost first; the first is the called function's own of an async one. */
  readonly path: readonly PathFrame[];
  readonly asyncCall: boolean;
}

export interface PathFrame {
  readonly id: number;
  readonly fn: string;
  readonly origin: string;
}

/** Undecided pairs beyond these are left as they are. */
const RIVALS_LIMIT = 256;
/** So many times in a row a promise must be seen to be alive without the one that stands for the call. */
const OUTLIVES = 2;
/** Pairs that are not decided after so many looks are left as they are: until then each `await` of the program costs a little. */
const LOOKS_LIMIT = 30;

/** A site of promises below a call, as the agent knows it. */
export interface Way {
  readonly site: number;
  readonly call: Call;
  readonly depth: number;
  readonly path: readonly PathFrame[];
  readonly asyncCall: boolean;
  inner: boolean;
  /** Another promise of the same call stands for the call. */
  outdone: boolean;
}

interface Call {
  /** Rule 1 holds. */
  async: boolean;
  readonly ways: Way[];
  /** What stands for the call that made the last promise. */
  stands: Way | undefined;
  last: Way | undefined;
  /** What Node ran, and from where the user's frame was called, when the last promise was made. */
  turn: number;
  outside: readonly Frame[];
  outsideFrom: number;
}

interface Frame {
  readonly id: number;
}

export interface Calls {
  /** A promise at a site that is new. */
  add(site: number, made: MadeBelow): Way;
  /**
   * A promise was made.
   * @param exact every promise is looked at: only then does the order of the promises tell anything
   * @param turn what Node runs, as an async id
   * @param frames the stack, and in it the index of the first frame outside of the user's that calls
   */
  saw(way: Way, exact: boolean, turn: number, frames: readonly Frame[], outsideFrom: number): void;
  /** Applies rule 5; to be called now and then. `live` tells how many promises of a site are alive. */
  review(live: (site: number) => number): void;
  /** Pairs of promises that rule 5 has not decided on yet. */
  readonly undecided: number;
  /** Whether rule 5 may still decide on a site. */
  isUndecided(site: number): boolean;
  /** Somebody waits for a promise of a site. */
  observed(site: number, byUser: boolean): void;
}

/** Two promises of one call, of which the first was taken for what the call hands out. */
interface Rivals {
  readonly first: Way;
  readonly later: Way;
  outlived: number;
  looks: number;
}

/** @param onChange called when a site turns out to be plumbing, or not to be */
export function createCalls(onChange: (way: Way) => void): Calls {
  const calls = new Map<string, Call>();
  let rivals: Rivals[] = [];

  function change(way: Way, inner: boolean): void {
    if (way.inner === inner) return;
    way.inner = inner;
    onChange(way);
  }

  function stand(call: Call, way: Way): void {
    call.stands = way;
    change(way, false);
  }

  function areRivals(first: Way, later: Way): boolean {
    for (let i = 0; i < rivals.length; i++) {
      const pair = rivals[i] as Rivals;
      if (pair.first === first && pair.later === later) return true;
    }
    return false;
  }

  function outdo(first: Way, later: Way): void {
    first.outdone = true;
    change(first, true);
    stand(first.call, later);
  }

  return {
    get undecided() {
      return rivals.length;
    },
    isUndecided(site) {
      for (let i = 0; i < rivals.length; i++) {
        const { first, later } = rivals[i] as Rivals;
        if (first.site === site || later.site === site) return true;
      }
      return false;
    },
    observed(site, byUser) {
      for (let i = 0; i < rivals.length; i++) {
        const { first, later } = rivals[i] as Rivals;
        if (later.site === site && !later.outdone) {
          if (byUser && !first.outdone) outdo(first, later);
          else if (!byUser) later.outdone = true;
        } else if (first.site === site && byUser) later.outdone = true;
      }
    },
    add(site, { key, ofCall, never, depth, path, asyncCall }) {
      let call = calls.get(key);
      if (call === undefined) {
        calls.set(key, (call = { async: false, ways: [], stands: undefined, last: undefined, turn: -1, outside: [], outsideFrom: 0 }));
      }
      const way: Way = { site, call, depth, path, asyncCall, inner: true, outdone: never };
      if (ofCall) {
        call.async = true;
        for (let i = 0; i < call.ways.length; i++) change(call.ways[i] as Way, true);
        way.inner = false;
      }
      call.ways[call.ways.length] = way;
      return way;
    },
    saw(way, exact, turn, frames, outsideFrom) {
      const { call } = way;
      if (call.async || way.outdone) return;
      const { stands } = call;
      const sameTurn = call.turn === turn && sameOutside(call, frames, outsideFrom);
      call.turn = turn;
      call.outside = frames;
      call.outsideFrom = outsideFrom;
      if (stands === undefined || (exact && !sameTurn)) stand(call, way);
      else if (way.depth < stands.depth) {
        stands.outdone = true;
        change(stands, true);
        stand(call, way);
      } else if (!way.inner) call.stands = way;
      // twice in a row without what stood for the call: this one had no part in it
      else if (exact && way.depth === stands.depth && call.last === way) stand(call, way);
      else if (exact && stands.asyncCall && rivals.length < RIVALS_LIMIT && !isBelow(way, stands) && !areRivals(stands, way)) {
        rivals[rivals.length] = { first: stands, later: way, outlived: 0, looks: 0 };
      }
      call.last = way;
    },
    review(live) {
      const undecided: Rivals[] = [];
      for (let i = 0; i < rivals.length; i++) {
        const pair = rivals[i] as Rivals;
        const { first, later } = pair;
        if (first.call.async || first.outdone || later.outdone || !later.inner) continue;
        pair.outlived = live(first.site) < live(later.site) ? pair.outlived + 1 : 0;
        if (pair.outlived >= OUTLIVES) outdo(first, later);
        else if (++pair.looks < LOOKS_LIMIT) undecided[undecided.length] = pair;
      }
      rivals = undecided;
    },
  };
}

/** Whether a promise was made by what made the other one: in the async function that was called, in the executor of a promise. */
function isBelow(way: Way, other: Way): boolean {
  // from the user's frame inwards, as far as the one that the other promise was made for
  const own = other.asyncCall ? 1 : other.path.findIndex(({ origin }) => origin !== 'native');
  const shared = other.path.length - own;
  const inside = way.path.length - shared - 1;
  if (own < 1 || inside < 0) return false;
  for (let i = 1; i <= shared; i++) {
    if (way.path[way.path.length - i]?.id !== other.path[other.path.length - i]?.id) return false;
  }
  const next = way.path[inside] as PathFrame;
  return other.asyncCall ? next.fn === other.path[0]?.fn : next.origin === 'native';
}

/** Whether the frames outside of the user's are the same, as far as both stacks were taken. */
function sameOutside({ outside, outsideFrom }: Call, frames: readonly Frame[], from: number): boolean {
  const count = Math.min(outside.length - outsideFrom, frames.length - from);
  for (let i = 0; i < count; i++) {
    if ((outside[outsideFrom + i] as Frame).id !== (frames[from + i] as Frame).id) return false;
  }
  return true;
}
