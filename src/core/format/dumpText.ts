/** Verdicts, frames and chains of an async dump in a reader's words: the same in tree, graph and on the line. */
import type { DumpFrame, DumpGroup, DumpPosition, Verdict, WaitsFor } from '../model/dump';
import { VERDICTS } from '../model/dump';
import { frameFunction } from './functionName';
import { shortPosition } from './position';
import { counted, formatCount, formatDuration } from './quantity';
import { displayName, stripControls } from './text';

interface VerdictText {
  /** Of one. */
  readonly name: string;
  /** Heading of a list. */
  readonly title: string;
  /** What it says about the tasks, as the end of a sentence that begins with them. */
  readonly meaning: string;
}

const VERDICT_TEXTS: Readonly<Record<Verdict, VerdictText>> = {
  orphan: { name: 'orphan', title: 'Orphans', meaning: 'can never settle: nothing is left that could settle them' },
  cycle: { name: 'cycle', title: 'Cycles', meaning: 'wait for themselves' },
  crowd: { name: 'crowd', title: 'Crowds', meaning: 'hang on one promise that gathers very many reactions' },
  stuck: { name: 'stuck', title: 'Stuck', meaning: 'have waited for long, and what could settle them is alive' },
  'in flight': { name: 'in flight', title: 'In Flight', meaning: 'wait for a live timer, socket or request' },
};
const NO_VERDICT: VerdictText = { name: 'no verdict', title: 'No Verdict', meaning: 'may settle: nothing proves that they cannot' };

export function verdictText(verdict: Verdict | null): VerdictText {
  return verdict === null ? NO_VERDICT : VERDICT_TEXTS[verdict];
}

/** The verdicts from the worst to the best; at last, what has none. */
export const VERDICTS_AND_NONE: readonly (Verdict | null)[] = [...VERDICTS, null];

/** The worst of several. */
export function worstVerdict(verdicts: Iterable<Verdict | null>): Verdict | null {
  let worst = VERDICTS_AND_NONE.length - 1;
  for (const verdict of verdicts) worst = Math.min(worst, VERDICTS_AND_NONE.indexOf(verdict));
  return VERDICTS_AND_NONE[worst] ?? null;
}

/** Groups from the worst verdict to the best, and the most numerous first. */
export function byVerdictAndCount(a: DumpGroup, b: DumpGroup): number {
  return VERDICTS_AND_NONE.indexOf(a.verdict) - VERDICTS_AND_NONE.indexOf(b.verdict) || b.count - a.count;
}

/** What names a frame. */
export type NamedFrame = Pick<DumpFrame, 'function' | 'kind' | 'origin' | 'repeats' | 'detail' | 'awaiting' | 'declared'>;

/** The function of a frame, or what else it is; `×12` when it follows itself so often. */
export function frameName(frame: NamedFrame): string {
  const name = displayName(plainName(frame));
  return frame.repeats > 1 ? `${name} ×${formatCount(frame.repeats)}` : name;
}

function plainName(frame: NamedFrame): string {
  switch (frame.kind) {
    case 'combinator':
      return frame.detail ?? frame.function ?? 'combinator';
    case 'then':
      return frame.function === null ? 'then' : `then ${frame.function}`;
    case 'module':
      return frame.function ?? '(top-level await)';
    case 'native':
      return frame.function ?? '(native)';
    case 'thenable':
      return frame.function ?? '(thenable)';
    case 'async function':
    case 'async generator':
      return frameFunction(frame);
  }
}

/** Between the functions of a chain, outermost first. */
export const CHAIN_ARROW = ' › ';

/** Functions of a chain that are named; of longer ones the middle is left out. */
const CHAIN_NAME_LIMIT = 4;

/** `onRequest › loadUser › query`. Node's own functions are left out where there are others; what has no name says where it is. */
export function chainText(frames: readonly NamedFrame[]): string {
  const named = frames.filter(({ origin }) => origin !== 'node');
  const names = (named.length > 0 ? named : frames).map((frame) => {
    const position: DumpPosition | null = frame.awaiting ?? frame.declared;
    return frame.function === null && frame.detail === null && position !== null ? `${frameName(frame)} ${shortPosition(position)}` : frameName(frame);
  });
  if (names.length <= CHAIN_NAME_LIMIT) return names.join(CHAIN_ARROW);
  return [...names.slice(0, 1), '…', ...names.slice(1 - CHAIN_NAME_LIMIT)].join(CHAIN_ARROW);
}

/** The name of a chain without functions. */
export const NO_CHAIN = '(promises that no function awaits)';

/** What is waited for, as the end of a sentence: `waits for …`. */
export function waitsForText({ kind, text }: Pick<WaitsFor, 'kind' | 'text'>): string {
  // Of a promise of the program's own there is nothing to name but who can settle it.
  return stripControls(kind === 'app promise' && text.startsWith('its ') ? `a promise: ${text}` : text.replace(/^http /, 'HTTP '));
}

/** Whether code of the user or of a package takes part; promises that no function awaits may be theirs. */
export function isUsersChain(chain: readonly Pick<DumpFrame, 'origin'>[]): boolean {
  return chain.length === 0 || chain.some(({ origin }) => origin !== 'node');
}

/** `1,204 tasks`. */
export function taskCount(count: number): string {
  return counted(count, 'task');
}

/** `3 groups`. */
export function groupCount(count: number): string {
  return counted(count, 'group');
}

/** A fact by its name: `dueInMs: 12400` as `due in` and `12 s`. */
export function factText(name: string, value: string | number | boolean | null): readonly [name: string, value: string] {
  const isDuration = name.endsWith('Ms') && typeof value === 'number';
  const words = displayName(isDuration ? name.slice(0, -2) : name).replace(/([a-z])([A-Z])/g, (_, end: string, begin: string) => `${end} ${begin.toLowerCase()}`);
  if (isDuration) return [words, formatDuration(value)];
  return [words, typeof value === 'number' ? formatCount(value) : displayName(String(value))];
}
