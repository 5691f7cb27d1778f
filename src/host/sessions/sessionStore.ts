/** What the host knows of every session: the server's updates put together. */
import { stripControls } from '../../core/format/text';
import type { Losses, Origin, Overhead, ProcessFigures, TargetInfo, TaskKind, TaskList } from '../../core/model/task';
import type { SessionEnd, SessionStatus, SessionUpdate, SessionWait, SiteRow } from '../../protocol/lsp';
import type { Disposable } from '../base/disposable';
import { Emitter } from '../base/emitter';

/** One session as last reported. The maps are live: they change in place with the next update. */
export interface Session {
  readonly id: string;
  readonly name: string;
  readonly debugSessionId: string | undefined;
  readonly status: SessionStatus;
  readonly end: SessionEnd | undefined;
  readonly wait: SessionWait | undefined;
  readonly target: TargetInfo | undefined;
  /** As they were when last sent; {@link siteAge} has their age. */
  readonly sites: ReadonlyMap<string, SiteRow>;
  /** {@link clockMs} when each site was last sent. */
  readonly siteClocks: ReadonlyMap<string, number>;
  /** The session's clock, milliseconds. It stands still while nothing answers. */
  readonly clockMs: number;
  /** Live tasks of the user's own code. */
  readonly totals: Readonly<Record<TaskKind, number>>;
  /** Live tasks of all code. */
  readonly origins: Readonly<Record<Origin, number>>;
  /** What of it began before the attach. */
  readonly before: SessionUpdate['before'];
  /** The debugger that it belongs to has stopped it at a breakpoint or the like. */
  readonly stoppedByDebugger: boolean;
  readonly dropped: number;
  readonly lostPolls: number;
  readonly agentRestarts: number;
  readonly processRestarts: number;
  readonly losses: Losses;
  readonly overhead: Overhead | undefined;
  readonly process: ProcessFigures | undefined;
  /** By site: only sites that are watched. */
  readonly tasks: ReadonlyMap<string, TaskList>;
  readonly baselineAt: number | undefined;
}

/** Ended sessions that stay in the tree to say why they ended; the oldest goes first. */
export const ENDED_SESSIONS_KEPT = 3;

export class SessionStore implements Disposable {
  readonly #sessions = new Map<string, Session>();
  readonly #changed = new Emitter<void>();
  /** Debug sessions whose process is stopped. */
  readonly #stopped = new Set<string | undefined>();

  /** Something about any session changed. */
  readonly onDidChange = this.#changed.event;

  /** In the order in which they began. */
  all(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  get(sessionId: string): Session | undefined {
    return this.#sessions.get(sessionId);
  }

  apply(update: SessionUpdate): void {
    const before = this.#sessions.get(update.sessionId);
    if (update.status === 'ended' && update.end?.reason === 'detached') {
      // The user asked for this end, so there is nothing to tell; unless the debugger has told it already.
      if (before?.status !== 'ended') this.remove(update.sessionId);
      return;
    }
    if (update.status === 'ended' && before?.target === undefined && update.target === undefined) {
      // It never came about: whoever asked for it is told by the answer.
      this.remove(update.sessionId);
      return;
    }
    // In place: a copy of ten thousand rows would cost more than all that an update changes.
    const sites = update.full || before === undefined ? new Map<string, SiteRow>() : (before.sites as Map<string, SiteRow>);
    const siteClocks = update.full || before === undefined ? new Map<string, number>() : (before.siteClocks as Map<string, number>);
    const clockMs = update.clockMs ?? before?.clockMs ?? 0;
    for (const siteId of update.removed) {
      sites.delete(siteId);
      siteClocks.delete(siteId);
    }
    for (const site of update.sites) {
      sites.set(site.id, site);
      siteClocks.set(site.id, clockMs);
    }
    if (before === undefined) this.#forgetEnded(update.name);
    this.#sessions.set(update.sessionId, {
      id: update.sessionId,
      name: update.name,
      debugSessionId: update.debugSessionId ?? before?.debugSessionId,
      status: update.status,
      end: update.end,
      wait: update.wait,
      target: update.target ?? before?.target,
      sites,
      siteClocks,
      clockMs,
      totals: update.totals,
      origins: update.origins,
      before: update.before,
      stoppedByDebugger: this.#stopped.has(update.debugSessionId ?? before?.debugSessionId),
      dropped: update.dropped,
      lostPolls: update.lostPolls,
      agentRestarts: update.agentRestarts,
      processRestarts: update.processRestarts,
      losses: { dropped: update.dropped, lostPolls: update.lostPolls, restarts: update.agentRestarts, stacks: update.stacks, beforeMissed: update.beforeMissed },
      overhead: update.overhead ?? before?.overhead,
      process: update.process ?? before?.process,
      tasks: new Map(update.tasks.map((list) => [list.siteId, list])),
      baselineAt: update.baselineAt,
    });
    this.#changed.fire();
  }

  /** A debugger has stopped its process, or lets it go on. */
  setStopped(debugSessionId: string, stopped: boolean): void {
    if (this.#stopped.has(debugSessionId) === stopped) return;
    if (stopped) this.#stopped.add(debugSessionId);
    else this.#stopped.delete(debugSessionId);
    for (const [id, session] of this.#sessions) {
      if (session.debugSessionId === debugSessionId) this.#sessions.set(id, { ...session, stoppedByDebugger: stopped });
    }
    this.#changed.fire();
  }

  /**
   * The debug session that this one belonged to is over, which the server cannot know.
   * @param launched the debugger had started the program, which ends with it
   */
  debuggerEnded(sessionId: string, launched: boolean): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined || session.status === 'ended') return;
    this.#sessions.set(sessionId, {
      ...session,
      status: 'ended',
      end: { reason: launched ? 'target exited' : 'debugger ended', message: 'The debug session ended.' },
    });
    this.#changed.fire();
  }

  remove(sessionId: string): void {
    if (this.#sessions.delete(sessionId)) this.#changed.fire();
  }

  /** The server's state is gone. */
  clear(): void {
    if (this.#sessions.size === 0) return;
    this.#sessions.clear();
    this.#changed.fire();
  }

  dispose(): void {
    this.#sessions.clear();
    this.#changed.dispose();
  }

  /** A new run replaces the ended one of the same name; of the others only the youngest stay. */
  #forgetEnded(name: string): void {
    const ended = this.all().filter((session) => session.status === 'ended');
    const tooMany = ended.slice(0, Math.max(0, ended.length - ENDED_SESSIONS_KEPT + 1));
    for (const session of ended) {
      if (session.name === name || tooMany.includes(session)) this.#sessions.delete(session.id);
    }
  }
}

/**
 * What a session is called. A debugger's session has the name that the debugger shows; an address says little, so what
 * was attached to by address is called after the folder that it runs in.
 */
export function displayName({ name, debugSessionId, target }: Session): string {
  if (debugSessionId !== undefined || target === undefined) return name;
  const folder = target.cwd.split(/[\\/]/).findLast((part) => part !== '');
  return folder === undefined ? name : stripControls(folder);
}

/** The session's target is being watched, or would be if it answered or were not paused. */
export function isLive(session: Session): boolean {
  return session.status === 'attached' || session.status === 'paused' || session.status === 'unresponsive';
}

/** Live tasks of the user's own code in all sessions. */
export function appTasks(sessions: readonly Session[]): number {
  return sessions.filter(isLive).reduce((sum, session) => sum + session.origins.app, 0);
}

/**
 * Age of a site's oldest task as of now, in milliseconds: a site is not sent again for having grown older.
 */
export function siteAge(session: Session, site: SiteRow): number {
  if (site.count === 0) return site.oldestMs;
  return site.oldestMs + Math.max(0, session.clockMs - (session.siteClocks.get(site.id) ?? session.clockMs));
}

/** A site as it is now. */
export function currentSite(session: Session, siteId: string): SiteRow | undefined {
  const site = session.sites.get(siteId);
  return site === undefined ? undefined : { ...site, oldestMs: siteAge(session, site) };
}

/** False when any figure that a total is made of is an estimate. */
export function isExact(session: Session): boolean {
  return session.overhead?.mode !== 'sampled';
}
