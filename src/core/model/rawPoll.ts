/**
 * What the model takes from one answer of the agent, in the model's own words. The validated answer of
 * `src/protocol/agent.ts` is assignable to it; that file explains every field. The model lives below the protocol and
 * does not import it.
 */
import type { CountingStep, MeasuredCost, ProcessFigures, TaskKind } from './task';

/** Flag of a {@link RawFrame}: a builtin of V8 without a script. */
export const NATIVE_FRAME = 1;
/** Flag of a {@link RawFrame}: a function that awaits what the frame below it does. */
export const ASYNC_FRAME = 2;

/** `[function, script, line, column, flags]`; line and column are 1-based in the script that runs. */
export type RawFrame = readonly [string | null, string | null, number, number, number];

export interface RawSite {
  readonly id: number;
  readonly kind: TaskKind;
  readonly type: string;
  readonly label: string | null;
  /** Indices of frames, innermost first. */
  readonly frames: readonly number[];
  readonly inner: boolean;
  readonly asyncCall: boolean;
  readonly cause: number | null;
  /** Its tasks began before the attach: the frame is the position of a function that they will call. */
  readonly before?: { readonly estimated: boolean } | undefined;
  /** The program let the agent take no stack. */
  readonly blind?: boolean | undefined;
}

/** How far stacks go that the program lets the agent take. */
export type StackReach = 'whole' | 'cut' | 'none';

/** `[site, live, variance, started, abandoned, oldest]`. */
export type RawChange = readonly [number, number, number, number, number, number];

export interface RawTask {
  readonly id: number;
  readonly start: number;
  readonly weight: number;
  readonly state: string;
  readonly delayMs?: number | undefined;
  readonly repeats?: boolean | undefined;
  readonly refed?: boolean | undefined;
  readonly type?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly remoteAddress?: string | undefined;
  readonly path?: string | undefined;
  readonly pid?: number | undefined;
  readonly dueInMs?: number | undefined;
  readonly running?: boolean | undefined;
  readonly open?: boolean | undefined;
  readonly connecting?: boolean | undefined;
  readonly tls?: boolean | undefined;
  readonly halfOpen?: 'ended by the other end' | 'ended by us' | undefined;
  readonly waitingBytes?: number | undefined;
  readonly carries?: 'request' | undefined;
  readonly connections?: number | undefined;
  readonly command?: string | undefined;
  readonly threadId?: number | undefined;
  readonly fd?: number | undefined;
  readonly receiving?: boolean | undefined;
}

export interface RawPoll {
  readonly seq: number;
  readonly now: number;
  readonly wall: number;
  readonly firstFrame: number;
  readonly frames: readonly RawFrame[];
  readonly sites: readonly RawSite[];
  readonly changes: readonly RawChange[];
  readonly dropped: number;
  readonly beforeNotFollowed: number;
  readonly beforeComplete: boolean;
  readonly stacks?: StackReach | undefined;
  readonly beforePromises: { readonly at: number; readonly more: number } | null;
  readonly sampledPromises: boolean;
  readonly sampledResources: boolean;
  readonly promiseWeight: number;
  readonly resourceWeight: number;
  readonly promiseCounting: CountingStep;
  readonly resourceCounting: CountingStep;
  readonly memoryBytes: number;
  readonly memoryLimited: boolean;
  readonly measured: MeasuredCost | null;
  readonly agentMs: number;
  readonly spanMs: number;
  readonly pollMs: number;
  readonly process: ProcessFigures;
  readonly tasks: readonly { readonly site: number; readonly rows: readonly RawTask[]; readonly more: number }[];
}
