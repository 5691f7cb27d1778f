/**
 * Whose call goes on, when an async function of other code is resumed and opens something: a client that connects after an
 * `await` has no frame of the user's on its stack any more. The function that was resumed is, and its calls that are not
 * done yet are known, with their sites.
 */
import type { TaskTable } from './taskTable';

/** Sites of one function beyond these are too many to look through for a promise. */
const FEW_SITES = 8;

/** Generators beyond these are not remembered: what they make after an `await` may then show beside what they handed out. */
const GENERATORS_LIMIT = 4096;

/** An async function of other code, and its calls. */
export interface AsyncFunction {
  readonly sites: number[];
  /** By type of resource: when the call began that the last one was put down to. */
  readonly last: Map<string, number>;
  /** What Node ran when the last call began, as an async id, and when the first call of that turn began. */
  turn: number;
  turnStart: number;
}

export interface Continuations {
  /**
   * A site of calls of an async function of other code.
   * @param ownedByUser a frame of the user's is on the stack
   */
  add(fn: string, site: number, ownedByUser: boolean): AsyncFunction;
  /** The function is a generator's. */
  isGenerator(fn: string): void;
  /** Whether it is an async function that was seen to be called, or a generator's. */
  knows(fn: string): boolean;
  /** A call of the function begins. `turn`: what Node runs, as an async id. `now`: the agent's clock, milliseconds. */
  begins(fn: AsyncFunction, turn: number, now: number): void;
  /**
   * The site of the user's whose call goes on in a function, or -1 where that is not known. Where calls from several sites
   * are under way, those that were made in this very turn come first, and they get there in the order in which they were made.
   */
  siteOf(fn: string, type: string, turn: number): number;
  /** A function that was called at a site of no user's was called by one whose call from `cause` goes on (-1: not known). */
  calledBy(site: number, cause: number): void;
  /** As {@link siteOf}, where there is no doubt; cheap. */
  onlySiteOf(fn: string): number;
}

export function createContinuations(table: TaskTable): Continuations {
  const functions = new Map<string, AsyncFunction>();
  const generators = new Set<string>();
  /** Of sites without a frame of the user's: the site of the user's behind them, -1 when there are several or none. */
  const causes = new Map<number, number>();

  function behind(site: number): number {
    return causes.get(site) ?? site;
  }

  return {
    add(fn, site, ownedByUser) {
      let calls = functions.get(fn);
      if (calls === undefined) functions.set(fn, (calls = { sites: [], last: new Map(), turn: -1, turnStart: Infinity }));
      if (!calls.sites.includes(site)) calls.sites[calls.sites.length] = site;
      if (ownedByUser) causes.delete(site);
      else causes.set(site, -1);
      return calls;
    },
    isGenerator(fn) {
      if (generators.size < GENERATORS_LIMIT) generators.add(fn);
    },
    knows: (fn) => functions.has(fn) || generators.has(fn),
    begins(calls, turn, now) {
      if (calls.turn === turn) return;
      calls.turn = turn;
      calls.turnStart = now;
    },
    siteOf(fn, type, turn) {
      const calls = functions.get(fn);
      if (calls === undefined) return -1;
      let after = calls.last.get(type) ?? -1;
      if (calls.turn === turn && after < calls.turnStart) after = before(calls.turnStart);
      let next = -1;
      let nextStart = Infinity;
      let oldest = -1;
      let oldestStart = Infinity;
      for (let i = 0; i < calls.sites.length; i++) {
        const site = calls.sites[i] as number;
        if (table.figures(site).samples === 0) continue;
        const start = table.oldest(site);
        if (start < oldestStart) {
          oldestStart = start;
          oldest = site;
        }
        const later = table.firstAfter(site, after);
        if (later !== -1 && later < nextStart) {
          nextStart = later;
          next = site;
        }
      }
      if (next === -1) {
        next = oldest;
        nextStart = oldestStart;
      }
      if (next === -1) return -1;
      calls.last.set(type, nextStart);
      return behind(next);
    },
    onlySiteOf(fn) {
      const calls = functions.get(fn);
      if (calls === undefined || calls.sites.length > FEW_SITES) return -1;
      let only = -1;
      for (let i = 0; i < calls.sites.length; i++) {
        const site = calls.sites[i] as number;
        if (table.figures(site).samples === 0) continue;
        const cause = behind(site);
        if (cause === -1 || (only !== -1 && only !== cause)) return -1;
        only = cause;
      }
      return only;
    },
    calledBy(site, cause) {
      if (!causes.has(site)) return;
      // as long as nothing is alive there, the past does not matter
      if (table.figures(site).samples === 0) causes.set(site, cause);
      else if (causes.get(site) !== cause) causes.set(site, -1);
    },
  };
}

/** A little earlier: so that what began at `time` began after it. */
function before(time: number): number {
  return time - 1e-6;
}
