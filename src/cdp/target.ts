/** What the layers above know of an attached target. Implemented by `attach` in `./attach.ts`. */
import type { ScriptPosition } from '../core/heap/heapGraph';
import type { OriginRules } from '../core/model/origin';
import type { TargetInfo } from '../core/model/task';
import type { AgentPoll, ScriptLesson } from '../protocol/agent';
import type { RemoteValue } from './remoteValue';

/** How the connection came to its end. */
export type CloseReason = 'detached' | 'target exited' | 'connection lost' | 'inspector closed' | 'debugger ended';

export interface HeapSnapshotOptions {
  /** Called in order, one at a time. Chunks are at most about 100 KB of text. */
  readonly write: (chunk: string) => void | Promise<void>;
  /** Share of the heap walked, 0 to 1. */
  readonly progress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** What came of reading a file in a process; `code` is Node's (`ENOENT`, `ERR_ACCESS_DENIED`), or `too large` or `no file`. */
export type TargetFile = { readonly text: string } | { readonly code: string };

export interface HeapSnapshotTaken {
  /** How long the target stood still, milliseconds by its own clock. */
  readonly pauseMs: number;
}

/** Where a suspended function stands. */
export interface SuspendedFrame {
  /** 0-based, as V8 has it. */
  readonly at: ScriptPosition;
  /** Text of the whole function, or of the module for its top level; null where V8 does not give it. */
  readonly source: string | null;
}

/** What a scope of a suspended function holds. */
export interface RemoteScope {
  /** As V8 names it: `Local (load)`, `Closure (main)`, `Module`. */
  readonly name: string;
  readonly variables: readonly RemoteVariable[];
}

export interface RemoteVariable {
  readonly name: string;
  /** Null for an accessor, which is not called. */
  readonly value: RemoteValue | null;
  readonly accessor: boolean;
}

/**
 * Suspended functions, by the ids of a heap snapshot. Every look-up by an id stops the target for a walk over its heap. All reject with
 * a {@link TargetError}.
 */
export interface SuspendedFrames {
  /** Undefined: it is gone, or no longer suspended. */
  locate(id: number): Promise<SuspendedFrame | undefined>;
  /** Whether that promise is there, and pending. */
  isPending(id: number): Promise<boolean>;
  /**
   * The scopes of a suspended function, the innermost first and the global one left out; undefined as in {@link locate}. Values stay
   * alive in the target until their group is released.
   */
  scopes(id: number, group: string): Promise<{ readonly frame: SuspendedFrame; readonly scopes: readonly RemoteScope[] } | undefined>;
  /** What is in a value, which stays in the value's group. Getters are not called. */
  members(objectId: string): Promise<readonly RemoteVariable[]>;
  release(group: string): Promise<void>;
}

/** A Node process whose heap can be looked at, with the agent in it or without. */
export interface HeapTarget {
  readonly info: TargetInfo;
  /** Bytes of V8's heap that are in use. */
  heapUsed(): Promise<number>;
  /** What Node's timers take for now, milliseconds since a moment at the process's start; null where it does not tell. Never rejects. */
  timerNow(): Promise<number | null>;
  takeHeapSnapshot(options: HeapSnapshotOptions): Promise<HeapSnapshotTaken>;
  /**
   * The source maps that Node has kept of scripts, as JSON: of those that a loader has transformed while the program keeps
   * source maps. One evaluation. Null where there is none.
   */
  sourceMaps(scripts: readonly string[]): Promise<readonly (string | null)[]>;
  /**
   * Where sockets are connected to, `10.0.0.7:5432`, by the ids that a snapshot of this connection has for them; those that are not open
   * any more, or that do not keep the process alive, are missing.
   */
  peerAddresses(sockets: ReadonlySet<number>): Promise<ReadonlyMap<number, string>>;
  readonly frames: SuspendedFrames;
  /** Resolves once the connection is closed, for whatever reason. */
  readonly closed: Promise<CloseReason>;
}

/** A Node process with the agent in it. Every method rejects with a {@link TargetError} once the connection is closed. */
export interface AttachedTarget extends HeapTarget {
  /** When the process began, milliseconds and their fractions since the epoch by its own clock: no other of the same id began just then. 0 where it does not tell. */
  readonly timeOrigin: number;
  /** Asks the agent for what changed. Rejects with reason `timeout` when the target does not answer. */
  poll(): Promise<AgentPoll>;
  /** Sets the raw sites whose tasks every poll lists. */
  watch(rawSiteIds: readonly number[]): Promise<void>;
  /** Tells whose code is in scripts: the answer to {@link AgentPoll.unsure}. */
  learn(lessons: readonly ScriptLesson[]): Promise<void>;
  /**
   * Reads a file in the process's own file system, which may be another one than ours. One evaluation, and the process stands still
   * for the reading: for what a person asks to see.
   * @param path absolute, there
   */
  readFile(path: string): Promise<TargetFile>;
  /**
   * Counts the promises from before the attach that are pending, and follows them: the target stands still for about
   * 10 ms for each megabyte of heap in use.
   */
  countPromises(): Promise<void>;
  /** Removes the agent and closes the connection. Idempotent; never rejects. */
  detach(): Promise<void>;
}

export interface AttachOptions {
  readonly budgetPercent: number;
  /** Memory that the agent's live samples may take; near it, samples are taken more thinly. 64 MB unless given. */
  readonly memoryLimitBytes?: number | undefined;
  readonly leaseMs?: number;
  /** What the user says about whose code is whose; the model is to be given the same. */
  readonly origins?: OriginRules;
  /** Aborted: the attach is given up, and rejects with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Without it a host other than this machine is refused with `remote host`. */
  readonly allowRemote?: boolean;
  /** Send SIGUSR1 also to a program that may handle it itself, which is refused with `signal unsure` otherwise. */
  readonly allowSignal?: boolean;
  /** Called once when the target waits for a debugger before its first line; the attach goes on once it runs. */
  readonly onWaiting?: () => void;
  /** Which process a process id meant when it was chosen, see `NodeProcess` in the protocol. */
  readonly identity?: string | undefined;
}

export type TargetErrorReason =
  | 'bad target'
  | 'attached already'
  | 'refused'
  | 'remote host'
  | 'signal unsure'
  | 'not an inspector'
  | 'not node'
  | 'node too old'
  | 'timeout'
  | 'agent failed'
  | 'closed'
  | 'cancelled';

/** Something about a target went wrong; `message` is for people and says what to do. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
  constructor(
    readonly reason: TargetErrorReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** @throws {TargetError} `cancelled` */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new TargetError('cancelled', 'The attach was cancelled.');
}
