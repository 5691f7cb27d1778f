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
}

/** A site of promises below a call, as the agent knows it. */
export interface Way {
  readonly site: number;
  readonly call: Call;
  readonly depth: number;
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
}

/** @param onChange called when a site turns out to be plumbing, or not to be */
export function createCalls(onChange: (way: Way) => void): Calls {
  const calls = new Map<string, Call>();

  function change(way: Way, inner: boolean): void {
    if (way.inner === inner) return;
    way.inner = inner;
    onChange(way);
  }

  function stand(call: Call, way: Way): void {
    call.stands = way;
    change(way, false);
  }

  return {
    add(site, { key, ofCall, never, depth }) {
      let call = calls.get(key);
      if (call === undefined) {
        calls.set(key, (call = { async: false, ways: [], stands: undefined, last: undefined, turn: -1, outside: [], outsideFrom: 0 }));
      }
      const way: Way = { site, call, depth, inner: true, outdone: never };
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
      call.last = way;
    },
  };
}

/** Whether the frames outside of the user's are the same, as far as both stacks were taken. */
function sameOutside({ outside, outsideFrom }: Call, frames: readonly Frame[], from: number): boolean {
  const count = Math.min(outside.length - outsideFrom, frames.length - from);
  for (let i = 0; i < count; i++) {
    if ((outside[outsideFrom + i] as Frame).id !== (frames[from + i] as Frame).id) return false;
  }
  return true;
}
