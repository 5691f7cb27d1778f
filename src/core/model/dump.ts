/**
 * The async dump: everything that waits in a process at one moment, out of a heap snapshot. These are the words of
 * `asyncscope dump --json`, of the tree, the graph and the marks alike. Lines and columns are 1-based, in original sources.
 */

/** Raised when a field is removed or changes its meaning; fields may be added within a version. */
export const DUMP_FORMAT_VERSION = 1;

/** Whatever in it came from the process is data: escape it where it is shown. */
export interface Dump {
  readonly formatVersion: typeof DUMP_FORMAT_VERSION;
  readonly target: DumpTarget;
  /** ISO 8601 in UTC; of a file, when it was written. */
  readonly at: string;
  /** How long the process stood still for the snapshot, milliseconds; null for a file from elsewhere. */
  readonly pauseMs: number | null;
  /** From the last byte of the snapshot to this object, milliseconds. */
  readonly analysisMs: number;
  /**
   * Whether tasks, or parts of their chains, are missing; `notes` says what. Lines that were not looked up do not count: frames tell of
   * their own ({@link DumpFrame.awaitingKnown}).
   */
  readonly partial: boolean;
  /** For people, one sentence each. */
  readonly notes: readonly string[];
  readonly totals: DumpTotals;
  /** The most numerous first. */
  readonly groups: readonly DumpGroup[];
  readonly resources: DumpResources;
}

/** Of a process, as in `ps`; of a snapshot file, `file` alone is certain. */
export interface DumpTarget {
  readonly pid: number | null;
  /** Such as `v24.9.0`; null for a file. */
  readonly node: string | null;
  /** `host:port` of the inspector, without the secret path; null for a file. */
  readonly url: string | null;
  readonly title: string;
  readonly cwd: string | null;
  /** Absolute path of the `.heapsnapshot`; null for a process. */
  readonly file: string | null;
}

export interface DumpTotals {
  /** Suspended calls of async functions and async generators. */
  readonly suspended: number;
  readonly pendingPromises: number;
  readonly timers: number;
  readonly handles: number;
  readonly requests: number;
}

export type Verdict = 'orphan' | 'cycle' | 'stuck' | 'in flight' | 'crowd';
/** From the worst to the best. */
export const VERDICTS: readonly Verdict[] = ['orphan', 'cycle', 'crowd', 'stuck', 'in flight'];

export type FrameKind = 'async function' | 'async generator' | 'then' | 'combinator' | 'module' | 'thenable' | 'native';

/** Tasks that stand alike: the same chain of functions at the same lines, waiting for the same sort of thing. */
export interface DumpGroup {
  /** Unique in its dump, and the same in the next dump for the same chain and wait. */
  readonly id: string;
  /** How many chains there are: calls of the outermost function. */
  readonly count: number;
  readonly verdict: Verdict | null;
  /** What the verdict rests on, and what to do: one to three sentences; empty without a verdict. */
  readonly why: string;
  /** Outermost first. Empty for a promise that nobody awaits in a function. */
  readonly chain: readonly DumpFrame[];
  readonly waitsFor: WaitsFor;
  /** What keeps these tasks in memory, the most frequent first. */
  readonly heldBy: readonly DumpHolder[];
}

export interface DumpFrame {
  /** Name as people know it, such as `OrderStore.load`; null for an anonymous function. */
  readonly function: string | null;
  readonly kind: FrameKind;
  /** Whose code it is. */
  readonly origin: 'app' | 'dependency' | 'node';
  readonly declared: DumpPosition | null;
  /** Where it stands now; null where that is not known (a file without the process, a `then`). */
  readonly awaiting: DumpPosition | null;
  /** How many of the group's tasks were looked up for `awaiting`; the group's count when all were, or need not be. */
  readonly awaitingKnown: number;
  /** How often the same frame follows itself: 1 unless a function calls itself. */
  readonly repeats: number;
  /** Combinators: such as `Promise.all`; null for others. */
  readonly detail: string | null;
}

export interface DumpPosition {
  /** Absolute path of a file on this machine, else the script's URL. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type WaitsForKind =
  | 'timer'
  | 'socket'
  | 'http request'
  | 'fs'
  | 'child process'
  | 'worker'
  | 'event'
  | 'stream'
  | 'app promise'
  | 'combinator'
  | 'native'
  | 'cycle'
  | 'nothing';

/** What everything of a chain hangs on. */
export interface WaitsFor {
  readonly kind: WaitsForKind;
  /** In a user's words, such as `timer: 30 s, refresh (src/cache.ts:12), due in 12 s` or `socket 10.0.0.7:5432`. */
  readonly text: string;
  /** The timer's callback, the listener, the function that holds the resolver. */
  readonly at: DumpPosition | null;
  /** Facts by name, those that the heap holds: `delayMs`, `dueInMs`, `address`, `method`, `path`, `event`, `emitter`, `settled`, `of` … */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export interface DumpHolder {
  readonly count: number;
  /** Named edges from a root, such as `Map cache in src/users.ts › value › onRequest`. */
  readonly path: string;
}

export interface DumpResources {
  readonly timers: readonly DumpResource[];
  readonly handles: readonly DumpResource[];
  readonly requests: readonly DumpResource[];
  readonly listeners: readonly DumpListeners[];
  readonly streams: readonly DumpStream[];
}

/** Alike resources: the same kind, callback and description. */
export interface DumpResource {
  readonly count: number;
  /** `timeout`, `interval`, `immediate`; what Node calls a handle or a request, such as `TCP`, `FSReqCallback`. */
  readonly type: string;
  readonly text: string;
  /** The callback. */
  readonly at: DumpPosition | null;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/** Listeners of one event on one emitter (or signal), where there are more than its limit, or many alike. */
export interface DumpListeners {
  /** Class of the emitter, such as `Socket`, `AbortSignal`. */
  readonly emitter: string;
  readonly event: string;
  /** On this many emitters alike. */
  readonly emitters: number;
  /** Listeners on the emitter that has the most. */
  readonly count: number;
  /** The emitter's own limit; null where it has none. */
  readonly limit: number | null;
  readonly aboveLimit: boolean;
  /** Of the most frequent listener. */
  readonly at: DumpPosition | null;
}

export interface DumpStream {
  /** Class, such as `Writable`, `Socket`. */
  readonly stream: string;
  readonly count: number;
  readonly state: string;
  /** Of the fullest of them, bytes (objects in object mode). */
  readonly bufferedBytes: number;
  readonly highWaterMark: number;
  readonly objectMode: boolean;
}
