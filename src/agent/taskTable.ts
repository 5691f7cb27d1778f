/**
 * The live tasks and the figures of their sites, as parallel arrays: 36 bytes a task and no object of the agent's that
 * the collector would have to follow. Tasks of a site form a list in order of creation, so the oldest is at its head and
 * an end costs the same for a million tasks as for one.
 *
 * While the hooks are on for a share of the time only, tasks come in bunches: what was made in one slot of time was seen
 * together or not at all. A bunch of one site is counted together, as the error of the sum follows from the bunches.
 */

/** More live samples than this are never kept, whatever memory is allowed: the number of a task has room for so many. */
export const MAX_TASKS = 1 << 20;
/**
 * What a live sample takes at most, in bytes: its row in the table, and of a promise the entry by which it is found and the
 * weak reference. 90 to 130 bytes, by how full the tables are that grow by doubling (Node 24, `npm run bench -- memory`).
 */
export const TASK_BYTES = 160;
const FIRST_CAPACITY = 1 << 10;
const NONE = 0xffffffff;
/** A task's number is `generation * GENERATION + index`, so that a late message about a gone task is recognised. */
const GENERATION = 1 << 20;

export interface SiteFigures {
  /** Sum of the weights of live samples. */
  live: number;
  /** Number of live samples. */
  samples: number;
  /**
   * Variance of `live`. A sample of weight w stands for a number of creations whose variance is w(w - 1). Where the hooks are on
   * for one slot in v only, the bunch of a slot, which stands for s tasks, adds s²(1 - 1/v), and each of its samples w(w/v - 1)
   * (the estimator for two stages: J. N. K. Rao, 1975, with both stages drawn by themselves).
   */
  variance: number;
  started: number;
  ended: number;
  abandoned: number;
  head: number;
  tail: number;
  dirty: boolean;
  /** The bunch that was added to last. */
  bunch: number;
  bunchSlot: number;
}

/** When the hooks were on. */
export interface Slot {
  /** Another number for each. */
  readonly slot: number;
  /** In how many slots they are on once; 1 when always. */
  readonly slotWeight: number;
}

export interface TaskTable {
  readonly size: number;
  /** Sum of the weights of samples that could not be kept. */
  readonly dropped: number;
  /**
   * Starts a task. Returns its number, or -1 when there is no room.
   * @param weight what it stands for in all, the weight of its slot included
   * @param resource what {@link visit} is to be handed; it is kept alive until the end of the task
   */
  start(site: number, weight: number, now: number, resource: object | null, slot?: Slot): number;
  end(task: number, abandoned: boolean): void;
  /** Makes a live task one of another site: ended there, started here, as old as it is. */
  move(task: number, toSite: number): void;
  /** Counts tasks that could not be looked at. */
  drop(weight: number): void;
  siteOf(task: number): number;
  isLive(task: number): boolean;
  /** What was handed over at the start of a live task. */
  resourceOf(task: number): object | null;
  /** Takes the next site number into use; sites are numbered from 0. */
  addSite(): void;
  /** Takes the sites whose figures changed since the last call, in ascending order. */
  takeDirty(): Uint32Array;
  figures(site: number): SiteFigures;
  /** Start of the oldest live task of a site, or -1. */
  oldest(site: number): number;
  /** Start of the first live task of a site that began after `time`, or -1. */
  firstAfter(site: number, time: number): number;
  /** Visits the first `limit` live tasks of a site, oldest first; returns the weight of those not visited. */
  visit(site: number, limit: number, see: (task: number, start: number, weight: number, resource: object | null) => void): number;
}

/** @param limit live samples that are kept at most */
export function createTaskTable(limit = MAX_TASKS): TaskTable {
  let capacity = FIRST_CAPACITY;
  let start = new Float64Array(capacity);
  let weight = new Uint32Array(capacity);
  let site = new Uint32Array(capacity);
  let generation = new Uint32Array(capacity);
  let previous = new Uint32Array(capacity);
  let next = new Uint32Array(capacity);
  /** By task: its bunch, or NONE. */
  let bunch = new Uint32Array(capacity);
  /** By bunch: what it stands for, the weight of its slot, and its live samples or, where there are none, the next free one. */
  let bunchSum = new Float64Array(0);
  let bunchWeight = new Float64Array(0);
  let bunchTasks = new Uint32Array(0);
  let bunches = 0;
  let freeBunch = NONE;
  const resources: (object | null)[] = [];
  let used = 0;
  let free = NONE;
  let size = 0;
  let dropped = 0;
  const sites: SiteFigures[] = [];
  let dirty: number[] = [];

  function grow(): void {
    capacity *= 2;
    start = copy(start, new Float64Array(capacity));
    weight = copy(weight, new Uint32Array(capacity));
    site = copy(site, new Uint32Array(capacity));
    generation = copy(generation, new Uint32Array(capacity));
    previous = copy(previous, new Uint32Array(capacity));
    next = copy(next, new Uint32Array(capacity));
    bunch = copy(bunch, new Uint32Array(capacity));
  }

  function newBunch(slotWeight: number): number {
    let added = freeBunch;
    if (added !== NONE) freeBunch = bunchTasks[added] as number;
    else {
      if (bunches === bunchSum.length) {
        const room = bunches === 0 ? FIRST_CAPACITY : bunches * 2;
        bunchSum = copy(bunchSum, new Float64Array(room));
        bunchWeight = copy(bunchWeight, new Float64Array(room));
        bunchTasks = copy(bunchTasks, new Uint32Array(room));
      }
      added = bunches++;
    }
    bunchSum[added] = 0;
    bunchWeight[added] = slotWeight;
    bunchTasks[added] = 0;
    return added;
  }

  /** The bunch of a site's slot. A slot whose weight changes has a bunch for each: they are taken to be independent. */
  function bunchOf(figures: SiteFigures, { slot, slotWeight }: Slot): number {
    const last = figures.bunch;
    if (last !== NONE && figures.bunchSlot === slot && bunchWeight[last] === slotWeight && (bunchTasks[last] as number) > 0) return last;
    figures.bunch = newBunch(slotWeight);
    figures.bunchSlot = slot;
    return figures.bunch;
  }

  /** Takes a sample into a site's variance, or out of it (`sign` -1). */
  function vary(figures: SiteFigures, index: number, sign: 1 | -1): void {
    const taskWeight = weight[index] as number;
    const of = bunch[index] as number;
    if (of === NONE) {
      figures.variance += sign * taskWeight * (taskWeight - 1);
      return;
    }
    const slotWeight = bunchWeight[of] as number;
    const before = bunchSum[of] as number;
    const after = before + sign * taskWeight;
    bunchSum[of] = after;
    figures.variance += (1 - 1 / slotWeight) * (after * after - before * before) + sign * taskWeight * (taskWeight / slotWeight - 1);
  }

  function leaveBunch(figures: SiteFigures, index: number): void {
    const of = bunch[index] as number;
    if (of === NONE) return;
    bunch[index] = NONE;
    const left = (bunchTasks[of] as number) - 1;
    bunchTasks[of] = left;
    if (left > 0) return;
    if (figures.bunch === of) figures.bunch = NONE;
    bunchTasks[of] = freeBunch;
    freeBunch = of;
  }

  function touch(number: number, figures: SiteFigures): void {
    if (figures.dirty) return;
    figures.dirty = true;
    dirty[dirty.length] = number;
  }

  /** Takes a task out of its site's list. */
  function unlink(index: number, figures: SiteFigures): void {
    const before = previous[index] as number;
    const after = next[index] as number;
    if (before === NONE) figures.head = after;
    else next[before] = after;
    if (after === NONE) figures.tail = before;
    else previous[after] = before;
  }

  const table = {
    get size() {
      return size;
    },
    get dropped() {
      return dropped;
    },
    start(inSite: number, taskWeight: number, now: number, resource: object | null, slot?: Slot): number {
      const figures = sites[inSite] as SiteFigures;
      if (size >= limit) {
        dropped += taskWeight;
        return -1;
      }
      let index: number;
      if (free === NONE) {
        if (used === capacity) grow();
        index = used++;
      } else {
        index = free;
        free = next[index] as number;
      }
      touch(inSite, figures);
      const inBunch = slot === undefined || slot.slotWeight === 1 ? NONE : bunchOf(figures, slot);
      // nothing fails from here on: what ran out of stack half way would leave the list broken, so the hooks make sure of room
      size++;
      start[index] = now;
      weight[index] = taskWeight;
      site[index] = inSite;
      next[index] = NONE;
      previous[index] = figures.tail;
      if (figures.tail === NONE) figures.head = index;
      else next[figures.tail] = index;
      figures.tail = index;
      resources[index] = resource;
      figures.live += taskWeight;
      figures.samples++;
      figures.started += taskWeight;
      bunch[index] = inBunch;
      if (inBunch !== NONE) bunchTasks[inBunch] = (bunchTasks[inBunch] as number) + 1;
      vary(figures, index, 1);
      return (generation[index] as number) * GENERATION + index;
    },
    end(task: number, abandoned: boolean): void {
      const index = task % GENERATION;
      if (generation[index] !== (task - index) / GENERATION) return;
      const inSite = site[index] as number;
      const figures = sites[inSite] as SiteFigures;
      const taskWeight = weight[index] as number;
      unlink(index, figures);
      generation[index] = (generation[index]) + 1;
      resources[index] = null;
      next[index] = free;
      free = index;
      size--;
      figures.live -= taskWeight;
      figures.samples--;
      vary(figures, index, -1);
      leaveBunch(figures, index);
      // sums of fractions do not come out even
      if (figures.samples === 0) figures.variance = 0;
      if (abandoned) figures.abandoned += taskWeight;
      else figures.ended += taskWeight;
      touch(inSite, figures);
    },
    move(task: number, toSite: number): void {
      const index = task % GENERATION;
      const from = site[index] as number;
      if (generation[index] !== (task - index) / GENERATION || from === toSite) return;
      const before = sites[from] as SiteFigures;
      const after = sites[toSite] as SiteFigures;
      const taskWeight = weight[index] as number;
      unlink(index, before);
      // the list stays in order of creation
      let follower: number = NONE;
      let leader = after.tail;
      while (leader !== NONE && (start[leader] as number) > (start[index] as number)) {
        follower = leader;
        leader = previous[leader] as number;
      }
      previous[index] = leader;
      next[index] = follower;
      if (leader === NONE) after.head = index;
      else next[leader] = index;
      if (follower === NONE) after.tail = index;
      else previous[follower] = index;
      site[index] = toSite;
      before.live -= taskWeight;
      before.samples--;
      vary(before, index, -1);
      leaveBunch(before, index);
      before.ended += taskWeight;
      after.live += taskWeight;
      after.samples++;
      vary(after, index, 1);
      after.started += taskWeight;
      touch(from, before);
      touch(toSite, after);
    },
    drop(taskWeight: number): void {
      dropped += taskWeight;
    },
    isLive(task: number): boolean {
      const index = task % GENERATION;
      return generation[index] === (task - index) / GENERATION;
    },
    resourceOf: (task: number): object | null => resources[task % GENERATION] ?? null,
    siteOf(task: number): number {
      return site[task % GENERATION] as number;
    },
    addSite(): void {
      sites[sites.length] = {
        live: 0,
        samples: 0,
        variance: 0,
        started: 0,
        ended: 0,
        abandoned: 0,
        head: NONE,
        tail: NONE,
        dirty: false,
        bunch: NONE,
        bunchSlot: -1,
      };
    },
    takeDirty(): Uint32Array {
      const taken = new Uint32Array(dirty.length);
      for (let i = 0; i < dirty.length; i++) {
        taken[i] = dirty[i] as number;
        (sites[taken[i] as number] as SiteFigures).dirty = false;
      }
      dirty = [];
      apply(sortNumbers, taken, []);
      return taken;
    },
    figures(number: number): SiteFigures {
      return sites[number] as SiteFigures;
    },
    oldest(number: number): number {
      const { head } = sites[number] as SiteFigures;
      return head === NONE ? -1 : (start[head] as number);
    },
    firstAfter(number: number, time: number): number {
      for (let index = (sites[number] as SiteFigures).head; index !== NONE; index = next[index] as number) {
        if ((start[index] as number) > time) return start[index] as number;
      }
      return -1;
    },
    visit(
      number: number,
      limit: number,
      see: (task: number, start: number, weight: number, resource: object | null) => void,
    ): number {
      const figures = sites[number];
      if (figures === undefined) return 0;
      let left = figures.live;
      let seen = 0;
      for (let index = figures.head; index !== NONE && seen < limit; index = next[index] as number) {
        const taskWeight = weight[index] as number;
        see(
          (generation[index] as number) * GENERATION + index,
          start[index] as number,
          taskWeight,
          resources[index] ?? null,
        );
        left -= taskWeight;
        seen++;
      }
      return left;
    },
  };
  return table;
}

const { apply } = Reflect;
const { sort: sortNumbers } = Uint32Array.prototype;

function copy<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
