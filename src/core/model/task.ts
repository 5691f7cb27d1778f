/**
 * The words of the model: what a task is, what a site is, and what is known about a process. See ARCHITECTURE.md,
 * "Words".
 */

/** What a live asynchronous operation is. */
export type TaskKind = 'promise' | 'timeout' | 'interval' | 'immediate' | 'handle' | 'request';

/** Every kind, in the order in which they are listed to people. */
export const TASK_KINDS: readonly TaskKind[] = ['promise', 'timeout', 'interval', 'immediate', 'handle', 'request'];

/** Whose code spawned a task: the user's own, a package in `node_modules`, or Node itself. */
export type Origin = 'app' | 'dependency' | 'node';

/** One frame of a stack, in original sources. Innermost frames come first. */
export interface StackFrame {
  /** Function name, or null at the top level of a module and for anonymous functions. */
  readonly function: string | null;
  /** Absolute path of a file on this machine, or the script's URL where there is no such file; null for builtins. */
  readonly file: string | null;
  /** 1-based; 0 for builtins. */
  readonly line: number;
  /** 1-based; 0 for builtins. */
  readonly column: number;
}

/** When the promises from before the attach were counted, which takes a walk through the heap. */
export interface PromiseCount {
  /** Milliseconds after the attach. What `then` made in between is among them. */
  readonly afterMs: number;
  /** Pending then, and in no other figure: a limit of the agent. */
  readonly more: number;
}

/**
 * When the tasks of a site began. Of those from `before` the attach nobody saw the beginning: they stand at the function
 * that they will call (a timer's callback, a server's listener), and are at least as old as they are said to be.
 */
export type Since = 'attach' | 'before';

/** A source position that spawned tasks of one kind, and how many of them are alive. */
export interface Site {
  /** Stable for the life of a session. */
  readonly id: string;
  readonly kind: TaskKind;
  readonly since: Since;
  readonly origin: Origin;
  /** Function or callback the task runs, else the function that contains the site; null at module level. */
  readonly function: string | null;
  /** Absolute path, or a URL such as `node:fs` where there is no file. */
  readonly file: string | null;
  /** 1-based; 0 when `file` is null. */
  readonly line: number;
  /** 1-based; 0 when `file` is null. */
  readonly column: number;
  /** Live tasks. An estimate unless `exact`. */
  readonly count: number;
  /** False once creations of this kind were sampled rather than counted. */
  readonly exact: boolean;
  /** Half width of the 95 % interval of `count`, in tasks; 0 when exact. */
  readonly error: number;
  /**
   * Whether its tasks may have been counted in some moments only, drawn at random. A moment is seen or missed for all sites of its class
   * (promises, or everything else) alike, so their errors go the same way.
   */
  readonly bunched: boolean;
  /** Age of the oldest live task in milliseconds; 0 when there is none. */
  readonly oldestMs: number;
  /** Tasks started per second over the last {@link RATE_WINDOW_MS}. */
  readonly ratePerSec: number;
  /** Tasks ended per second over the same window. */
  readonly endedPerSec: number;
  /** Tasks started since the attach. */
  readonly started: number;
  /** Promises that were collected while pending, since the attach. They are not in `count`. */
  readonly abandoned: number;
  /** Change of `count` since the baseline (the attach, until another is set). */
  readonly sinceBaseline: number;
  /** A sample stack, innermost frame first. */
  readonly stack: readonly StackFrame[];
}

/** The span over which rates are taken, in milliseconds. */
export const RATE_WINDOW_MS = 10_000;

/** One live task of a site. */
export interface Task {
  /** Unique within its session. */
  readonly id: number;
  readonly kind: TaskKind;
  readonly ageMs: number;
  /** In a user's words, such as `pending`, `due in 3 s · unref'd`, `connecting`, `listening · 3 connections`. */
  readonly state: string;
  /** How many tasks this row stands for: 1, or a sampling weight. */
  readonly weight: number;
  /** Timers: milliseconds. */
  readonly delayMs?: number;
  /** Timers: fires again and again. */
  readonly repeats?: boolean;
  /** Timers and handles: keeps the process alive. */
  readonly refed?: boolean;
  /** Handles and requests: what Node calls it, such as `TCPWRAP`. */
  readonly type?: string;
  /** Sockets and servers. */
  readonly localAddress?: string;
  readonly remoteAddress?: string;
  /** Pipes, watchers. */
  readonly path?: string;
  /** Child processes. */
  readonly pid?: number;
}

/** How many tasks of one site are listed. Beyond it the rest is counted ("N more"), never hidden. */
export const TASK_ROW_LIMIT = 100;

/** The tasks of one site, oldest first. */
export interface TaskList {
  readonly siteId: string;
  readonly tasks: readonly Task[];
  /** Live tasks of the site that are not in `tasks`. */
  readonly more: number;
}

/** Memory in bytes. */
export interface HeapFigures {
  readonly used: number;
  readonly total: number;
  readonly limit: number;
  readonly rss: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

/** Event loop since the last poll. */
export interface LoopFigures {
  /** Milliseconds beyond the timer resolution. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  /** 0 to 1. */
  readonly utilization: number;
  /** How long the loop has stood still until the last poll, in milliseconds: a debugger holds it, or one callback does; else 0. */
  readonly stillMs: number;
}

/** From here on it is told that the loop stands still, in milliseconds: shorter stops are figures of the loop's delay. */
export const STILL_THRESHOLD_MS = 2_000;

/** Garbage collections since the attach. */
export interface GcFigures {
  readonly count: number;
  readonly totalMs: number;
  /** There are so many that only some were counted, and stand for the others. */
  readonly estimated: boolean;
}

export interface ProcessFigures {
  readonly heap: HeapFigures;
  readonly loop: LoopFigures;
  readonly gc: GcFigures;
  /** `process.getActiveResourcesInfo()`: how many of each type keep the process alive. */
  readonly activeResources: Readonly<Record<string, number>>;
  readonly uptimeMs: number;
}

/** What is missing from a session's figures, since the attach. */
export interface Losses {
  /** Creations that nobody looked at and that no weight stands for. */
  readonly dropped: number;
  /** Answers of the agent that never arrived. */
  readonly lostPolls: number;
  /** How often the agent had to be put into the target anew. */
  readonly restarts: number;
  /** How far stacks go that the program lets the agent take: `cut` and `none` leave tasks without a line. */
  readonly stacks: 'whole' | 'cut' | 'none';
  /** Part of what was there before the attach could not be looked at, and is not counted. */
  readonly beforeMissed: boolean;
}

/** What the observer costs and how exact it is. */
export interface Overhead {
  /**
   * Share of the target's time spent in the agent over the last ten seconds, or since its first second, in percent: by the agent's own
   * clock, with what a call of a hook costs that does nothing. Null until the process has been observed for about a second.
   */
  readonly percent: number | null;
  /** The same by comparison, over the last half minute or so; null while hooks are always on, so that there is nothing to compare. */
  readonly measured: MeasuredCost | null;
  /** What the user allows, in percent. */
  readonly budgetPercent: number;
  /** Milliseconds the last poll took inside the target. */
  readonly pollMs: number;
  readonly mode: SamplingMode;
  /** What is done now, for promises or for the rest, whichever is further from exact. */
  readonly counting: CountingStep;
  /** What live samples take in the target, about. */
  readonly memoryBytes: number;
  /** They are so many that the memory limit makes samples thinner. */
  readonly memoryLimited: boolean;
  /** One creation in how many is looked at now; 1 when all are. */
  readonly promiseWeight: number;
  readonly resourceWeight: number;
}

/** `sampled` once any creation was not looked at: such a count stays an estimate. */
export type SamplingMode = 'exact' | 'sampled';

/**
 * What the agent does to stay within its budget, from the most exact to the cheapest:
 * - `exact`: every creation is looked at.
 * - `sampled stacks`: every creation is seen, a random share is looked at.
 * - `sampled counts`: ends are no longer told by hooks, they are read of the samples at polls.
 * - `duty-cycled`: hooks are on in some slots of time, drawn at random.
 */
export type CountingStep = 'exact' | 'sampled stacks' | 'sampled counts' | 'duty-cycled';
export const COUNTING_STEPS: readonly CountingStep[] = ['exact', 'sampled stacks', 'sampled counts', 'duty-cycled'];

/** In percent of the target's processor time. */
export interface MeasuredCost {
  /** Noise may make it negative. */
  readonly percent: number;
  /** Half width of the 95 % interval. */
  readonly error: number;
}

/** Who is being looked at. */
export interface TargetInfo {
  readonly pid: number;
  /** Such as `v24.9.0`. */
  readonly node: string;
  /** Address of the inspector, without its secret path: `host:port`. */
  readonly url: string;
  /** Main script or process title, for people. */
  readonly title: string;
  readonly cwd: string;
  /** What is known comes through a debugger's session, as the inspector itself is out of reach. */
  readonly throughDebugger?: boolean;
}
