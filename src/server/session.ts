/**
 * One watched process from attach to end: polls it, keeps its model, and tells what changed. Knows nothing of LSP; the
 * terminal uses the same parts.
 */
import { assertNever } from '../core/base/assertNever';
import type { Clock } from '../core/base/clock';
import { errorMessage } from '../core/base/errorMessage';
import { originOfScript } from '../core/model/origin';
import type { OriginRules } from '../core/model/origin';
import { displayName } from '../core/format/text';
import { SessionModel } from '../core/model/sessionModel';
import { AUTOMATIC_COUNT_LIMIT } from '../core/model/snapshotCost';
import type { ModelDelta } from '../core/model/sessionModel';
import type { Site, TaskKind } from '../core/model/task';
import { TARGET_FILE_LIMIT_BYTES } from '../cdp/targetFiles';
import { STABLE_MS, attachAgain } from '../cdp/attachAgain';
import { TargetError } from '../cdp/target';
import type { AttachedTarget, CloseReason, HeapSnapshotOptions, HeapSnapshotTaken } from '../cdp/target';
import type { ScriptLesson } from '../protocol/agent';
import type { ScriptSource, SessionEnd, SessionStatus, SessionUpdate, SessionWait, SiteRow } from '../protocol/lsp';
import type { AskForMaps, PositionSource } from './sourceMaps';

/** Polls of a target that does not answer are spread out up to this, in milliseconds. Below the agent's lease. */
export const UNRESPONSIVE_POLL_LIMIT_MS = 5000;

/**
 * A paused session is still polled this often, in milliseconds: the agent would else disarm itself, and what it has
 * counted would be lost. Nothing is shown of these polls.
 */
export const PAUSED_POLL_MS = 5000;

export interface SessionOptions {
  readonly id: string;
  readonly name: string;
  readonly debugSessionId?: string | undefined;
  readonly budgetPercent: number;
  /** Milliseconds between polls; read before each one. */
  readonly pollIntervalMs: () => number;
  /** @param onWaiting called when the target waits before its first line, and so may the attach */
  readonly connect: (signal: AbortSignal, onWaiting: () => void) => Promise<AttachedTarget>;
  /** Attaches to what has taken the target's place at its address; missing where a session ends with its process. */
  readonly connectAgain?: (address: string, signal: AbortSignal, onWaiting: () => void) => Promise<AttachedTarget>;
  /** Whether to wait for a process that has gone; read when it goes, and while it is waited for. */
  readonly followRestarts?: () => boolean;
  readonly positions: PositionSource;
  /** For a process that took the first one's place: its files may be others. */
  readonly createPositions?: () => PositionSource;
  /** What the user says about whose code is whose, as the agent was told. */
  readonly origins?: OriginRules;
  readonly clock: Clock;
  /** Called for every change that a client should see. Must not throw. */
  readonly onUpdate: (update: SessionUpdate) => void;
}

/**
 * Asks a target once and takes the answer into the model. Where the agent waits to be told whose code is in a bundle, it is
 * asked again at once: what it says without knowing is not for people. Rejects as {@link AttachedTarget.poll} does.
 */
export async function pollInto(model: SessionModel, target: AttachedTarget, positions: PositionSource): Promise<ModelDelta> {
  const poll = await target.poll();
  // What is in an answer comes only once: an answer that a map is missing from is taken all the same.
  const ask: AskForMaps = (scripts) => target.sourceMaps(scripts).catch(() => []);
  await positions.prepare([...poll.frames.flatMap(([, script]) => script ?? []), ...poll.unsure.map(([, script]) => script)], ask);
  const delta = model.apply(poll, positions.lookup);
  const lessons = poll.unsure.flatMap(([id, script]): ScriptLesson[] => {
    const origins = positions.origins(script);
    return origins === undefined ? [] : [[id, origins]];
  });
  if (lessons.length === 0) return delta;
  try {
    await target.learn(lessons);
    if (lessons.every(([, origins]) => origins.length === 0)) return delta;
    const again = await target.poll();
    await positions.prepare(again.frames.flatMap(([, script]) => script ?? []), ask);
    return merged(delta, model.apply(again, positions.lookup));
  } catch (error) {
    // The next poll meets it again, and the agent asks again.
    if (error instanceof TargetError) return delta;
    throw error;
  }
}

function merged(first: ModelDelta, second: ModelDelta): ModelDelta {
  const removed = new Set([...first.removed, ...second.removed]);
  for (const id of second.changed) removed.delete(id);
  const changed = new Set([...first.changed, ...second.changed]);
  for (const id of removed) changed.delete(id);
  return { changed: [...changed], removed: [...removed] };
}

/** Counts promises from before the attach where that stops the target for a tenth of a second or two. Without them the rest is as good. */
export async function countPromisesIfCheap(model: SessionModel, target: AttachedTarget): Promise<void> {
  if (model.beforePromises !== undefined || (model.process?.heap.used ?? Infinity) > AUTOMATIC_COUNT_LIMIT) return;
  try {
    await target.countPromises();
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
  }
}

export class Session {
  readonly id: string;
  #model: SessionModel;
  readonly #options: SessionOptions;
  readonly #abort = new AbortController();
  #target: AttachedTarget | undefined;
  #status: SessionStatus = 'attaching';
  #paused = false;
  /** What rows show while the session is paused, by id. */
  #frozen: ReadonlyMap<string, Site> | undefined;
  #unresponsive = false;
  #end: SessionEnd | undefined;
  #endedAt: number | undefined;
  #wait: SessionWait | undefined;
  #emptySince: number | undefined;
  #processes = 0;
  #positions: PositionSource;
  #wake: (() => void) | undefined;
  #watched: readonly string[] = [];
  #watchedRaw = '';
  #snapshots = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.#options = options;
    this.#model = new SessionModel(options.origins);
    this.#positions = options.positions;
  }

  /** Of the process that is watched now: a restarted one has its own, with the ids and the baseline of the one before. */
  get model(): SessionModel {
    return this.#model;
  }

  /** The rows at positions in one file, as they are shown: while the session is paused, as of then. */
  *sitesInFile(file: string): Iterable<Site> {
    if (this.#frozen === undefined) yield* this.#model.sitesInFile(file);
    else for (const site of this.#frozen.values()) if (site.file === file) yield site;
  }

  /** A site as its row shows it. */
  site(id: string): Site | undefined {
    return this.#frozen?.get(id) ?? this.#model.site(id);
  }

  get name(): string {
    return this.#options.name;
  }

  /** Id of the process that is watched now, or was last. */
  get pid(): number | undefined {
    return this.#target?.info.pid;
  }

  /** Whether both watch one process, by whatever addresses. */
  watchesSame(other: Session): boolean {
    const own = this.#target;
    if (own === undefined || own.timeOrigin === 0) return false;
    return own.info.pid === other.#target?.info.pid && own.timeOrigin === other.#target.timeOrigin;
  }

  get status(): SessionStatus {
    return this.#status;
  }

  get end(): SessionEnd | undefined {
    return this.#end;
  }

  /** On the injected clock, milliseconds; undefined while the session is alive. */
  get endedAt(): number | undefined {
    return this.#endedAt;
  }

  /** Since when there has been no process, on the injected clock; undefined while there is one. */
  get emptySince(): number | undefined {
    return this.#endedAt ?? this.#emptySince;
  }

  /**
   * Attaches and takes the first picture, then keeps polling until the session ends.
   * @throws {TargetError} when the target cannot be attached to; the session has ended then.
   */
  async start(): Promise<void> {
    this.#emit(true);
    const { connect } = this.#options;
    let target: AttachedTarget;
    try {
      target = await connect(this.#abort.signal, () => this.#waitForFirstLine());
    } catch (error) {
      if (this.#end) throw new TargetError('cancelled', this.#end.message, { cause: error });
      this.#finish(failureOf(error));
      throw error;
    }
    if (this.#end) {
      // Detached while attaching, and the connection was made all the same.
      await target.detach();
      throw new TargetError('cancelled', this.#end.message);
    }
    const failure = await this.#begin(target);
    if (failure !== undefined) {
      this.#finish(isClosed(failure) ? endOf(await target.closed) : failureOf(failure));
      await target.detach();
      throw failure;
    }
    this.#running = this.#live(target);
  }

  /** The first picture of a process. Resolves with what went wrong when there is none and will be none. */
  async #begin(target: AttachedTarget): Promise<Error | undefined> {
    this.#target = target;
    this.#wait = undefined;
    this.#emptySince = undefined;
    this.#processes++;
    try {
      await pollInto(this.#model, target, this.#positions);
      this.#unresponsive = false;
    } catch (error) {
      // A target that is busy now will answer later; what else went wrong ends the session.
      if (!(error instanceof TargetError && error.reason === 'timeout')) return error instanceof Error ? error : new Error(String(error));
      this.#unresponsive = true;
    }
    this.#setStatus();
    this.#emit(true);
    return undefined;
  }

  /** Watches a process until it is gone, then what takes its place, until the session ends. */
  async #live(first: AttachedTarget): Promise<void> {
    const { clock } = this.#options;
    let target = first;
    let attempts = 0;
    for (;;) {
      const since = clock.now();
      const over: { reason?: CloseReason } = {};
      const closed = target.closed.then((reason) => {
        over.reason = reason;
        this.#wake?.();
      });
      await Promise.all([closed, this.#run(target, over)]);
      if (this.#hasEnded() || over.reason === undefined) return;
      const end = endOf(over.reason);
      if (!this.#follows(end)) {
        this.#finish(end);
        return;
      }
      attempts = clock.now() - since < STABLE_MS ? attempts + 1 : 0;
      const next = await this.#awaitReturn(target, end, attempts);
      if (next === undefined) return;
      target = next;
    }
  }

  #follows(end: SessionEnd): boolean {
    const { connectAgain, followRestarts } = this.#options;
    return connectAgain !== undefined && end.reason !== 'detached' && followRestarts?.() === true;
  }

  /** @returns undefined when the session has ended meanwhile */
  async #awaitReturn(gone: AttachedTarget, end: SessionEnd, attempts: number): Promise<AttachedTarget | undefined> {
    const { clock, connectAgain } = this.#options;
    if (connectAgain === undefined) return undefined;
    this.#emptySince = clock.now();
    this.#unresponsive = false;
    this.#wait = { for: 'restart', message: `${end.message} Waiting for it to come back at ${gone.info.url}.` };
    this.#setStatus();
    this.#emit(true);
    try {
      const target = await attachAgain({
        gone: gone.info,
        attach: (address) => connectAgain(address, this.#abort.signal, () => this.#waitForFirstLine()),
        attempts,
        now: () => clock.now(),
        wait: (ms) => this.#sleep(ms),
        wanted: () => !this.#hasEnded() && this.#follows(end),
      });
      if (target === undefined || this.#hasEnded()) {
        await target?.detach();
        // ended by the setting, not by a detach
        this.#finish(end);
        return undefined;
      }
      this.#model = this.#model.successor();
      this.#positions = this.#options.createPositions?.() ?? this.#positions;
      this.#watchedRaw = '';
      const failure = await this.#begin(target);
      // one that has gone again is waited for again
      if (failure === undefined || isClosed(failure)) return target;
      this.#finish(failureOf(failure));
      await target.detach();
    } catch (error) {
      this.#finish({ reason: end.reason, message: error instanceof TargetError ? error.message : errorMessage(error) });
    }
    return undefined;
  }

  #waitForFirstLine(): void {
    if (this.#end) return;
    this.#wait = {
      for: 'first line',
      message: 'The process waits for a debugger before its first line (--inspect-brk). It is watched as soon as it runs.',
    };
    this.#setStatus();
    this.#emit(false);
  }

  /** Resolves once nothing of the session runs any more. */
  get settled(): Promise<void> {
    return this.#running;
  }

  /** Removes the agent and ends the session. Idempotent; never rejects. */
  async detach(): Promise<void> {
    this.#finish(endOf('detached'));
    await this.#target?.detach();
    await this.#running;
  }

  /** Freezes what is shown, or shows again what has happened since. */
  setPaused(paused: boolean): void {
    if (this.#paused === paused || this.#end) return;
    this.#paused = paused;
    this.#frozen = paused ? byId(this.#model.sites()) : undefined;
    this.#setStatus();
    // What happened while it was paused is not in any delta.
    this.#emit(!paused);
    this.#wake?.();
  }

  /** Changes are relative to now. */
  setBaseline(): void {
    this.model.setBaseline();
    this.#emit(true);
  }

  /** Sets the sites whose tasks every update lists. Rejects as {@link AttachedTarget.watch} does. */
  async watch(siteIds: readonly string[]): Promise<void> {
    this.#watched = siteIds;
    await this.#watchRawSites();
    this.#wake?.();
  }

  /** Counts promises from before the attach; the next update has them. Rejects as {@link AttachedTarget.countPromises} does. */
  async countPromises(): Promise<void> {
    if (!this.#target || this.#end) throw new TargetError('closed', 'The session has ended.');
    this.#snapshots++;
    try {
      await this.#target.countPromises();
    } finally {
      this.#snapshots--;
    }
    this.#wake?.();
  }

  /**
   * The text of a file that the process runs code of, from its map or out of the process. Nothing else is read there.
   * @param file as sites and frames name it
   * @param isTold whether a dump of the process has told of the file; asked only where polls have not
   */
  async scriptSource(file: string, isTold: () => boolean = () => false): Promise<ScriptSource> {
    if (!this.#model.hasCodeIn(file) && !isTold()) return { text: null, reason: 'unknown', message: 'This process has told of no code in this file. It may have been restarted.' };
    const target = this.#end || this.#emptySince !== undefined ? undefined : this.#target;
    const held = await this.#positions.content(file, target && ((scripts) => target.sourceMaps(scripts).catch(() => [])));
    if (held !== undefined) return { text: held, from: 'source map' };
    if (originOfScript(file) === 'node') return { text: null, reason: 'no file', message: 'This is code of Node itself, which stands in no file.' };
    const path = this.#positions.pathInProcess(file);
    if (path === undefined) {
      return {
        text: null,
        reason: 'no file',
        message: 'The process evaluated this code, and it stands in no file. Node gives its text to a debugger only: start the program with F5, or attach the debugger, and open it again.',
      };
    }
    if (target === undefined) return { text: null, reason: 'gone', message: 'This file is not on this machine, and the process that could read it is gone.' };
    try {
      const read = await target.readFile(path);
      return 'text' in read ? { text: read.text, from: 'process' } : { text: null, reason: 'unreadable', message: unreadable(read.code) };
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      return { text: null, reason: 'gone', message: `This file is not on this machine, and the process does not answer: ${error.message}` };
    }
  }

  /** Rejects as {@link AttachedTarget.takeHeapSnapshot} does. */
  takeHeapSnapshot(options: HeapSnapshotOptions): Promise<HeapSnapshotTaken> {
    return this.lookAtHeap((target) => target.takeHeapSnapshot(options));
  }

  /**
   * Runs work that walks the heap of the process, which answers no polls meanwhile.
   * @param expected the process that is meant: another may have taken its place
   * @throws {TargetError} `closed` when there is no such process any more, and what `work` throws
   */
  async lookAtHeap<T>(work: (target: AttachedTarget) => Promise<T>, expected = this.#target): Promise<T> {
    if (!this.#target || this.#end || this.#target !== expected) throw new TargetError('closed', 'The session has ended.');
    this.#snapshots++;
    try {
      return await work(this.#target);
    } finally {
      this.#snapshots--;
    }
  }

  /** Of the process that is watched now. */
  get positions(): PositionSource {
    return this.#positions;
  }

  /** What the user says about whose code is whose. */
  get origins(): OriginRules | undefined {
    return this.#options.origins;
  }

  async #run(target: AttachedTarget, over: { readonly reason?: CloseReason }): Promise<void> {
    let delay = this.#options.pollIntervalMs();
    if (!this.#unresponsive) await countPromisesIfCheap(this.#model, target);
    while (!this.#end) {
      if (over.reason === undefined) await this.#sleep(this.#paused ? PAUSED_POLL_MS : delay);
      if (this.#hasEnded() || over.reason !== undefined) return;
      try {
        const delta = await pollInto(this.#model, target, this.#positions);
        if (this.#hasEnded()) return;
        delay = this.#options.pollIntervalMs();
        this.#unresponsive = false;
        this.#setStatus();
        if (!this.#paused) this.#emit(false, delta);
        await this.#watchRawSites();
      } catch (error) {
        if (this.#hasEnded() || isClosed(error)) return;
        if (!(error instanceof TargetError && error.reason === 'timeout')) {
          this.#finish(failureOf(error));
          await target.detach();
          return;
        }
        // A target that writes a heap snapshot for us is not unresponsive.
        if (this.#snapshots > 0) continue;
        delay = Math.min(UNRESPONSIVE_POLL_LIMIT_MS, Math.max(delay, 250) * 2);
        const news = !this.#unresponsive;
        this.#unresponsive = true;
        this.#setStatus();
        if (news) this.#emit(false);
      }
    }
  }

  // Reads the field anew: the compiler takes it for unchanged across an await.
  #hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Waits for the time to poll, or for something that makes it worth polling at once. */
  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#wake = undefined;
        resolve();
      };
      const cancel = this.#options.clock.schedule(delayMs, wake);
      this.#wake = wake;
    });
  }

  async #watchRawSites(): Promise<void> {
    const raw = this.#watched.flatMap((id) => this.model.rawSiteIds(id));
    // an agent that was put in again watches none
    const key = raw.length === 0 ? '' : `${this.model.restarts}: ${raw.join()}`;
    if (key === this.#watchedRaw || !this.#target || this.#end) return;
    await this.#target.watch(raw);
    this.#watchedRaw = key;
  }

  #setStatus(): void {
    if (this.#end) return;
    this.#status = this.#wait ? 'waiting' : this.#unresponsive ? 'unresponsive' : this.#paused ? 'paused' : 'attached';
  }

  #finish(end: SessionEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#status = 'ended';
    this.#endedAt = this.#options.clock.now();
    this.#abort.abort();
    this.#emit(false);
    this.#wake?.();
  }

  #emit(full: boolean, delta?: ModelDelta): void {
    const { model } = this;
    const { id, name, debugSessionId, budgetPercent } = this.#options;
    const overhead = model.overhead(budgetPercent);
    const gone = this.#end !== undefined || this.#emptySince !== undefined;
    const sites = gone && full ? [] : full ? [...model.sites()] : (delta?.changed ?? []).flatMap((each) => model.site(each) ?? []);
    if (full && this.#paused) this.#frozen = byId(sites);
    const known = model.process !== undefined;
    this.#options.onUpdate({
      sessionId: id,
      name,
      ...(debugSessionId !== undefined && { debugSessionId }),
      status: this.#status,
      ...(this.#end && { end: this.#end }),
      ...(this.#wait && !this.#end && { wait: this.#wait }),
      ...(this.#target && { target: this.#target.info }),
      full,
      sites: sites.map(toRow),
      removed: full ? [] : (delta?.removed ?? []),
      ...(known && { clockMs: model.clockMs }),
      totals: gone ? NO_TASKS : model.totals,
      before: {
        totals: gone ? NO_TASKS : model.before,
        notFollowed: gone ? 0 : model.beforeNotFollowed,
        ...(model.beforePromises && { promises: model.beforePromises }),
        canCountPromises: model.canCountPromises,
        uptimeMs: model.uptimeAtAttachMs,
      },
      origins: gone ? { app: 0, dependency: 0, node: 0 } : model.origins,
      dropped: model.dropped,
      lostPolls: model.lostPolls,
      agentRestarts: model.restarts,
      processRestarts: Math.max(0, this.#processes - 1),
      stacks: model.stacks,
      beforeMissed: model.losses.beforeMissed,
      ...(overhead && { overhead }),
      ...(model.process && { process: model.process }),
      tasks: model.taskLists(),
      ...(model.baselineAt !== undefined && { baselineAt: model.baselineAt }),
    });
  }
}

function byId(sites: Iterable<Site>): ReadonlyMap<string, Site> {
  return new Map([...sites].map((site) => [site.id, site]));
}

const NO_TASKS: Readonly<Record<TaskKind, number>> = { promise: 0, timeout: 0, interval: 0, immediate: 0, handle: 0, request: 0 };

function toRow(site: Site): SiteRow {
  const row: SiteRow & { stack?: unknown } = { ...site };
  delete row.stack;
  return row;
}

function unreadable(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'There is no such file, neither on this machine nor where the process runs. It may have been deleted, or the code was given this name when it was evaluated: then a debugger can show it.';
    case 'ERR_ACCESS_DENIED':
    case 'EACCES':
    case 'EPERM':
      return 'This file is not on this machine, and the process may not read it.';
    case 'too large':
      return `This file is not on this machine, and larger than ${TARGET_FILE_LIMIT_BYTES / 1024 / 1024} MB: it is not read out of the process.`;
    default:
      return `This file is not on this machine, and the process cannot read it (${displayName(code)}).`;
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof TargetError && error.reason === 'closed';
}

function endOf(reason: CloseReason): SessionEnd {
  switch (reason) {
    case 'detached':
      return { reason, message: 'Detached.' };
    case 'target exited':
      return { reason, message: 'The process has exited.' };
    case 'inspector closed':
      return { reason, message: 'The program has closed its inspector, or another tool has. The process runs on.' };
    case 'debugger ended':
      return { reason, message: 'The debug session ended.' };
    case 'connection lost':
      return { reason, message: 'The connection to the process was lost. If it still runs, attach again.' };
    default:
      return assertNever(reason);
  }
}

function failureOf(error: unknown): SessionEnd {
  if (!(error instanceof TargetError)) {
    return { reason: 'agent failed', message: `The process sent something unexpected: ${errorMessage(error)}` };
  }
  switch (error.reason) {
    case 'closed':
      return endOf('connection lost');
    case 'cancelled':
      return endOf('detached');
    default:
      return { reason: error.reason, message: error.message };
  }
}
