/** A target that answers when the test says so. */
import type { AttachedTarget, CloseReason, HeapSnapshotOptions, SuspendedFrames, TargetFile } from '../../../src/cdp/target';
import { TargetError } from '../../../src/cdp/target';
import type { AgentPoll, ScriptLesson } from '../../../src/protocol/agent';
import type { PositionSource } from '../../../src/server/sourceMaps';
import { PollBuilder } from '../core/model/pollBuilder';

/** Scripts are what they are: nothing is read. */
export const UNMAPPED: PositionSource = {
  prepare: () => Promise.resolve(),
  lookup: (script, line, column) => ({ file: script, line, column }),
  nameAt: () => undefined,
  onlySource: (script) => script,
  origins: () => [],
  content: () => Promise.resolve(undefined),
  pathInProcess: (file) => (file.startsWith('/') ? file : undefined),
};

interface PendingPoll {
  readonly resolve: (poll: AgentPoll) => void;
  readonly reject: (error: Error) => void;
}

export class FakeTarget implements AttachedTarget {
  readonly info = { pid: 7, node: 'v24.0.0', url: '127.0.0.1:9229', title: '/app/server.js', cwd: '/app' };
  timeOrigin = 1_700_000_000_000.125;
  readonly agent = new PollBuilder();
  readonly watched: (readonly number[])[] = [];
  /** What the agent was told of scripts. */
  readonly learned: (readonly ScriptLesson[])[] = [];
  readonly closed: Promise<CloseReason>;
  detached = 0;
  /** Polls that wait for an answer. */
  readonly pending: PendingPoll[] = [];
  snapshot: (options: HeapSnapshotOptions) => Promise<void> = () => Promise.resolve();
  #close: (reason: CloseReason) => void = () => undefined;
  #isClosed = false;

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  poll(): Promise<AgentPoll> {
    if (this.#isClosed) return Promise.reject(new TargetError('closed', 'closed'));
    return new Promise((resolve, reject) => this.pending.push({ resolve, reject }));
  }

  /** Answers the poll that waits. */
  answer(poll: AgentPoll): void {
    this.#taken().resolve(poll);
  }

  fail(error: Error): void {
    this.#taken().reject(error);
  }

  timeOut(): void {
    this.fail(new TargetError('timeout', 'no answer'));
  }

  watch(rawSiteIds: readonly number[]): Promise<void> {
    this.watched.push(rawSiteIds);
    return Promise.resolve();
  }

  learn(lessons: readonly ScriptLesson[]): Promise<void> {
    this.learned.push(lessons);
    return Promise.resolve();
  }

  sourceMaps(): Promise<readonly (string | null)[]> {
    return Promise.resolve([]);
  }

  /** Files of the process's own file system. */
  readonly files = new Map<string, string>();

  readFile(path: string): Promise<TargetFile> {
    if (this.#isClosed) return Promise.reject(new TargetError('closed', 'closed'));
    const text = this.files.get(path);
    return Promise.resolve(text === undefined ? { code: 'ENOENT' } : { text });
  }

  counts = 0;

  countPromises(): Promise<void> {
    this.counts++;
    return Promise.resolve();
  }

  timerNow(): Promise<number | null> {
    return Promise.resolve(null);
  }

  async takeHeapSnapshot(options: HeapSnapshotOptions): Promise<{ readonly pauseMs: number }> {
    await this.snapshot(options);
    return { pauseMs: 12 };
  }

  heapUsed(): Promise<number> {
    return Promise.resolve(5_000_000);
  }

  peerAddresses(): Promise<ReadonlyMap<number, string>> {
    return Promise.resolve(new Map());
  }

  /** Nothing is found by its id, unless a test says what. */
  frames: SuspendedFrames = {
    locate: () => Promise.resolve(undefined),
    isPending: () => Promise.resolve(true),
    scopes: () => Promise.resolve(undefined),
    members: () => Promise.resolve([]),
    release: () => Promise.resolve(),
  };

  detach(): Promise<void> {
    this.detached++;
    this.close('detached');
    return Promise.resolve();
  }

  close(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#close(reason);
    for (const { reject } of this.pending.splice(0)) reject(new TargetError('closed', 'closed'));
  }

  #taken(): PendingPoll {
    const poll = this.pending.shift();
    if (!poll) throw new Error('nobody polls');
    return poll;
  }
}

/** Lets everything run that is waiting for promises only. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
