/** What may settle a promise, as found in the heap: a candidate for what people are told that it waits for. */
import type { RawPosition, RawText } from '../heapAnalysis';
import type { NodeIndex } from '../heapGraph';
import type { WaitsForKind } from '../../model/dump';

/**
 * Who can settle a promise: something live will (a timer, socket, request …); only the program's own code that holds the resolver;
 * native code may; or nothing was found.
 */
export type Settlers = 'in flight' | 'held' | 'native' | 'none';
export type Details = Record<string, string | number | boolean | null>;

/**
 * How much one of several possible settlers tells, the best first. Work under way goes before what only some code of the app can
 * do; a timer beside other work under way is mostly there to give up.
 */
export const RANK = { work: 0, timer: 10, stream: 20, event: 30, held: 50, unknown: 90 } as const;
/** Added where the path leads through `reject` only, or through an event that mostly says that nothing comes any more. */
export const FAILURE_RANK = 5;

export interface Leaf {
  readonly kind: WaitsForKind;
  readonly rank: number;
  readonly settlers: Settlers;
  readonly text: RawText;
  /** The leaf's own place, where it has a better one than the function that was found on the way. */
  readonly at: RawPosition | null;
  readonly details: Details;
  /** What tells leaves apart that are not alike; without what differs between alike ones, such as a local port. */
  readonly key: string;
  /** The object that stands behind it: found twice, it is one leaf. */
  readonly node: NodeIndex;
  /** The socket whose address the heap does not hold. */
  readonly peer?: NodeIndex;
  /** What comes from it: the event, `write`. Several of one object are told together. */
  readonly event?: string;
}

/** A leaf for work under way: of what is over only its events may still come. */
export function workLeaf(leaf: Pick<Leaf, 'kind' | 'text' | 'details' | 'node' | 'event' | 'peer'>, { isOpen, keyKind }: { readonly isOpen: boolean; readonly keyKind: string }): Leaf {
  return { rank: isOpen ? RANK.work : RANK.event, settlers: isOpen ? 'in flight' : 'held', at: null, key: keyOf(keyKind, leaf.text, null), ...leaf };
}

/** One step of the way up from a promise: `node` refers to the node of `below` by `edge`. */
export interface Step {
  readonly node: NodeIndex;
  /** -1 at the promise itself, and where the step is not an edge (from a function to the promise that it awaits). */
  readonly edge: number;
  readonly below: Step | null;
  /** The way begins at `reject`. */
  readonly rejects: boolean;
}

/**
 * What is true of all of several that are alike. Of timers that are not due together, when the first is (`dueInMs`) and the last
 * (`lastDueInMs`).
 */
export function commonDetails(details: Readonly<Details>, others: Readonly<Details>): Readonly<Details> {
  if (details === others) return details;
  const differing = Object.keys(details).filter((name) => details[name] !== others[name]);
  if (differing.length === 0 && others['lastDueInMs'] === undefined) return details;
  const common = { ...details };
  for (const name of differing) Reflect.deleteProperty(common, name);
  const { dueInMs: mine, lastDueInMs: myLast = mine } = details;
  const { dueInMs: theirs, lastDueInMs: theirLast = theirs } = others;
  if (typeof mine !== 'number' || typeof theirs !== 'number' || typeof myLast !== 'number' || typeof theirLast !== 'number') return common;
  const [first, last] = [Math.min(mine, theirs), Math.max(myLast, theirLast)];
  return { ...common, dueInMs: first, ...(last > first && { lastDueInMs: last }) };
}

/** The value that a key is made of: texts, with positions written out. */
export function keyOf(kind: string, text: RawText, at: RawPosition | null): string {
  const parts = text.map((part) => (typeof part === 'string' ? part : 'at' in part ? positionKey(part.at) : 'file' in part ? String(part.file.scriptId) : 'variable' in part ? `${part.script}:${part.variable}` : 'function' in part ? part.function : ''));
  return [kind, ...parts, at === null ? '' : positionKey(at)].join('\u0000');
}

function positionKey({ scriptId, line, column }: RawPosition): string {
  return `${scriptId}:${line}:${column}`;
}
