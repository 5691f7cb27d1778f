/**
 * Where suspended functions stand: looked up in the process that the snapshot was taken of, within a budget, since every look-up
 * stops the process for a walk over its heap.
 *
 * The process has gone on since its snapshot. What is found belongs to the snapshot when the chain still hangs on the same pending
 * promise: then nothing in it has moved. So a chain is looked up from the inside, and its promise last.
 */
import type { RawFrame, RawGroup } from '../../core/heap/heapAnalysis';
import type { ScriptPosition } from '../../core/heap/heapGraph';
import { VERDICTS } from '../../core/model/dump';
import { TargetError } from '../../cdp/target';
import type { SuspendedFrames } from '../../cdp/target';
import { declarationKey } from './scriptText';
import type { SingleAwaits } from './scriptText';

/**
 * What all look-ups of a dump may take, milliseconds: as long as the snapshot stopped the process, but at least and at most this.
 * When it is used up, the functions that are left have no line, or one that was found for some of them; the dump says which.
 */
export const LOOKUP_BUDGET_RANGE_MS = [2_000, 10_000] as const;
/** Functions of one chain that are looked up. A chain of thousands is a recursion: the rest of its functions have no line. */
const LOOKUPS_PER_CHAIN = 40;
/** What a look-up takes in a small process, milliseconds: as long as none was made. */
const ASSUMED_LOOKUP_MS = 20;
/** Chains of a group that have gone on since the snapshot before it is given up for a moving target. */
const TRIES = 3;

export function defaultLookupBudget(pauseMs: number): number {
  const [least, most] = LOOKUP_BUDGET_RANGE_MS;
  return Math.min(most, Math.max(least, pauseMs));
}

/** What look-ups found. */
export interface FoundPositions {
  /** Where a suspended function stands; undefined where that was not looked up or is not certain. */
  of(id: number, frame: RawFrame): ScriptPosition | undefined;
  /** Whether functions of a frame can stand on one line only, which is known. */
  isSingle(frame: RawFrame): boolean;
  /** Whether its line is asked for: functions of Node itself are looked up once a group, when everything else is known. */
  isWanted(frame: RawFrame): boolean;
  readonly lookups: number;
  /** Whether the budget, and not the work, came to its end. */
  readonly outOfBudget: boolean;
  /** Whether the process ended, or answered no more, before the work was done. */
  readonly brokenOff: boolean;
}

/** What is known without a look-up. */
export function foundWithoutLookUp(singles: SingleAwaits): FoundPositions {
  const singleOf = ({ declared }: RawFrame): ScriptPosition | undefined => (declared === null ? undefined : singles.get(declarationKey(declared)));
  return { of: (_id, frame) => singleOf(frame), isSingle: (frame) => singleOf(frame) !== undefined, isWanted: () => true, lookups: 0, outOfBudget: false, brokenOff: false };
}

export interface LookUpOptions {
  /** Functions that can stand in one place only: they are not looked up. */
  readonly singles: SingleAwaits;
  /** Whether a frame is of Node itself. */
  readonly isOfNode: (frame: RawFrame) => boolean;
  readonly budgetMs: number;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
  /** 0 to 1. */
  readonly progress?: (share: number) => void;
}

/**
 * Looks up one chain of each group, then, while the budget lasts, all chains of the smallest groups, and functions of Node itself last.
 * A process that ends meanwhile, or answers no more, takes nothing with it that was found before.
 * @throws {TargetError} as the look-ups do, but not `closed` and `timeout`
 */
export async function lookUpPositions(groups: readonly RawGroup[], frames: SuspendedFrames, options: LookUpOptions): Promise<FoundPositions> {
  const { budgetMs, isOfNode, now, signal, progress } = options;
  const positions = new Map<number, ScriptPosition>();
  const singles = new Map<string, ScriptPosition | null>(options.singles);
  let lookups = 0;
  let spent = 0;
  let exhausted = false;

  /** The only line where functions of a frame can stand, once it is known. */
  const singleOf = (frame: RawFrame): ScriptPosition | undefined => singles.get(keyOf(frame) ?? '') ?? undefined;
  /** One look-up is always allowed, where any is: nobody knows what it takes. */
  const affords = (count: number): boolean => {
    const each = lookups === 0 ? ASSUMED_LOOKUP_MS : spent / lookups;
    return budgetMs > 0 && ((lookups === 0 && count === 1) || spent + each * count <= budgetMs);
  };
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const began = now();
    try {
      return await work();
    } finally {
      lookups++;
      spent += now() - began;
      progress?.(Math.min(1, spent / budgetMs));
    }
  };

  /** Frames of a chain whose line has to be looked up, the innermost first; of each function one before its others. */
  const unknownIn = (group: RawGroup, chain: number, ofNode: boolean): number[] => {
    const { length } = group.chain;
    const [firsts, others]: [number[], number[]] = [[], []];
    const seen = new Set<string>();
    for (let index = length - 1; index >= 0; index--) {
      const frame = group.chain[index];
      const id = group.members[chain * length + index] ?? 0;
      if (frame === undefined || id === 0 || isOfNode(frame) !== ofNode || positions.has(id) || singleOf(frame) !== undefined) continue;
      const key = keyOf(frame) ?? '';
      if (seen.has(key)) others.push(index);
      else firsts.push(index);
      seen.add(key);
    }
    return [...firsts, ...others].slice(0, LOOKUPS_PER_CHAIN);
  };

  /** @returns whether the chain stands as it did; what was found is kept only then */
  const lookUpChain = async (group: RawGroup, chain: number, unknown: readonly number[]): Promise<boolean> => {
    const found: [number, ScriptPosition][] = [];
    for (const index of unknown) {
      const frame = group.chain[index];
      const id = group.members[chain * group.chain.length + index] ?? 0;
      // an inner frame of the same function may just have shown that it needs no look-up
      if (frame === undefined || singleOf(frame) !== undefined) continue;
      if (signal?.aborted === true || !affords(1)) {
        exhausted = true;
        break;
      }
      const located = await timed(() => frames.locate(id));
      if (located === undefined) return false;
      const key = keyOf(frame);
      const single = located.source !== null && frame.kind === 'async function' && hasOneAwait(located.source);
      if (key !== undefined) singles.set(key, single ? located.at : null);
      if (!single) found.push([id, located.at]);
    }
    if (found.length === 0) return true;
    if (!(await standsStill(group, chain))) return false;
    for (const [id, at] of found) positions.set(id, at);
    return true;
  };

  const standsStill = async (group: RawGroup, chain: number): Promise<boolean> => {
    const promise = group.awaited[chain] ?? 0;
    if (promise === 0 || group.verdict === 'orphan' || group.verdict === 'cycle') return true;
    return timed(() => frames.isPending(promise));
  };

  const left = (): boolean => signal?.aborted !== true && !exhausted;

  const lookUpOneEach = async (ofNode: boolean): Promise<void> => {
    for (const group of byImportance(groups)) {
      for (let chain = 0, tries = 0; chain < chainsOf(group) && tries < TRIES && left(); chain++, tries++) {
        const unknown = unknownIn(group, chain, ofNode);
        if (unknown.length === 0 || (await lookUpChain(group, chain, unknown))) break;
      }
    }
  };
  let outOfBudget = false;
  let brokenOff = false;
  try {
    await lookUpOneEach(false);
    outOfBudget = exhausted;
    // what is looked up in part is told apart no better than before, and stops the process all the same
    for (const group of [...groups].sort((a, b) => chainsOf(a) - chainsOf(b))) {
      const chains = Array.from({ length: chainsOf(group) }, (_, chain) => ({ chain, unknown: unknownIn(group, chain, false) })).filter(({ chain, unknown }) => chain > 0 && unknown.length > 0);
      if (!left() || !affords(chains.reduce((sum, { unknown }) => sum + unknown.length + 1, 0))) break;
      for (const { chain, unknown } of chains) if (left()) await lookUpChain(group, chain, unknown);
    }
    await lookUpOneEach(true);
  } catch (error) {
    if (!isSilence(error)) throw error;
    brokenOff = true;
  }
  return {
    of: (id, frame) => singleOf(frame) ?? positions.get(id),
    isSingle: (frame) => singleOf(frame) !== undefined,
    isWanted: (frame) => !isOfNode(frame),
    lookups,
    outOfBudget,
    brokenOff,
  };
}

/** Whether the target is gone or does not answer: what is known without it stays true. */
export function isSilence(error: unknown): boolean {
  return error instanceof TargetError && (error.reason === 'closed' || error.reason === 'timeout');
}

/** Chains whose objects are known. */
export function chainsOf({ chain, members }: RawGroup): number {
  return chain.length === 0 ? 0 : Math.floor(members.length / chain.length);
}

/**
 * Whether a function that is suspended in an `await` can stand in one place only. The text is what runs; words in comments, strings and
 * inner functions are counted too, so that a yes is certain. `for await` and `await using` wait in several places.
 */
export function hasOneAwait(source: string): boolean {
  const [only, second] = source.matchAll(/(?<![\w$])await(?![\w$])/g);
  if (only === undefined || second !== undefined) return false;
  const before = source.slice(0, only.index);
  const isLoop = [before, withoutComments(before)].some((text) => /\bfor\b[^()]*$/.test(text));
  return !isLoop && !/^\s*using\b/.test(withoutComments(source.slice(only.index + only[0].length)));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/\/\/.*/g, ' ');
}

function keyOf({ declared }: RawFrame): string | undefined {
  return declared === null ? undefined : declarationKey(declared);
}

/** What most needs an answer: the worst verdict, then the most tasks. */
function byImportance(groups: readonly RawGroup[]): readonly RawGroup[] {
  const rank = ({ verdict }: RawGroup): number => (verdict === null ? VERDICTS.length : VERDICTS.indexOf(verdict));
  return [...groups].sort((a, b) => rank(a) - rank(b) || b.count - a.count);
}
