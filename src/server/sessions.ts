/** All sessions of one server. */
import type { Clock } from '../core/base/clock';
import { SITE_LINGER_MS } from '../core/model/sessionModel';
import { formatTarget, parseTarget } from '../cdp/address';
import { displayName } from '../core/format/text';
import { TargetError } from '../cdp/target';
import type { AttachOptions, AttachedTarget } from '../cdp/target';
import type { AttachParams, ServerSettings, SessionUpdate } from '../protocol/lsp';
import { Session } from './session';
import { createSourceMaps } from './sourceMaps';
import type { PositionSource } from './sourceMaps';

/** Makes the connection that {@link AttachParams} describe. Rejects with a `TargetError`. */
export type Attach = (params: AttachParams, options: AttachOptions) => Promise<AttachedTarget>;

export interface SessionsOptions {
  readonly attach: Attach;
  readonly clock: Clock;
  readonly settings: () => ServerSettings;
  readonly onUpdate: (update: SessionUpdate) => void;
  /** An ended session is gone for good, and with it what was still drawn of it. */
  readonly onForgotten: () => void;
  readonly createPositions?: () => PositionSource;
  /** A source map cannot be used; in words. */
  readonly onProblem?: (message: string) => void;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #forgetting = new Set<() => void>();
  #nextId = 1;
  #disposed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Live sessions, and for a while those that have ended. */
  all(): Iterable<Session> {
    return this.#sessions.values();
  }

  get(sessionId: string): Session | undefined {
    return this.#sessions.get(sessionId);
  }

  /**
   * Attaches; resolves once the agent is in place.
   * @param signal gives up when aborted.
   * @throws {TargetError}
   */
  async attach(params: AttachParams, signal: AbortSignal): Promise<Session> {
    const { clock, settings, attach, onUpdate, createPositions, onProblem } = this.#options;
    const { budgetPercent, memoryLimitMb, origin: origins, pathMappings } = settings();
    const positions = createPositions ?? (() => createSourceMaps(undefined, origins, onProblem, { ...pathMappings, ...params.pathMappings }));
    const options = (abort: AbortSignal): AttachOptions => ({
      budgetPercent,
      memoryLimitBytes: memoryLimitMb * 1024 * 1024,
      origins,
      signal: abort,
      allowSignal: params.consents?.includes('signal') === true,
      allowRemote: params.consents?.includes('remote host') === true,
    });
    const session = new Session({
      id: `session-${this.#nextId++}`,
      name: params.name ?? nameOf(params.target),
      debugSessionId: params.debugSessionId,
      budgetPercent,
      pollIntervalMs: () => settings().pollIntervalMs,
      connect: (abort, onWaiting) => attach(params, { ...options(abort), onWaiting, identity: params.identity }),
      // A debugger tells of a restart by a session of its own.
      ...(params.proxy === undefined && {
        connectAgain: (address: string, abort: AbortSignal, onWaiting: () => void) => attach({ target: address }, { ...options(abort), onWaiting }),
      }),
      followRestarts: () => settings().followRestarts,
      positions: positions(),
      createPositions: positions,
      origins,
      clock,
      onUpdate: (update) => {
        onUpdate(update);
        if (update.status === 'ended') this.#forgetLater(update.sessionId);
      },
    });
    this.#sessions.set(session.id, session);
    const giveUp = (): Promise<void> => session.detach();
    const stop = onAbort(signal, giveUp);
    try {
      await session.start();
    } finally {
      await stop();
    }
    // of two that are under way at a time the first stays
    const before = [...this.#sessions.values()];
    const same = before.slice(0, before.indexOf(session)).find((other) => other.emptySince === undefined && other.watchesSame(session));
    if (same === undefined) return session;
    await session.detach();
    // each of its tasks would be counted twice on its line
    throw new TargetError('attached already', `Process ${same.pid ?? ''} is attached to already, as "${displayName(same.name)}".`);
  }

  /** Ends every session. Never rejects. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await Promise.all([...this.#sessions.values()].map((session) => session.detach()));
    for (const cancel of this.#forgetting) cancel();
    this.#forgetting.clear();
    this.#sessions.clear();
  }

  /** An ended session keeps its lenses for a while, see {@link SITE_LINGER_MS}; then the client is told nothing more. */
  #forgetLater(sessionId: string): void {
    if (this.#disposed) return;
    const cancel = this.#options.clock.schedule(SITE_LINGER_MS, () => {
      this.#forgetting.delete(cancel);
      if (this.#sessions.delete(sessionId)) this.#options.onForgotten();
    });
    this.#forgetting.add(cancel);
  }
}

/** Runs `action` when `signal` is aborted; the result stops listening and waits for an action that has begun. */
function onAbort(signal: AbortSignal, action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  const listener = (): void => {
    running ??= action();
  };
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return async () => {
    signal.removeEventListener('abort', listener);
    await running;
  };
}

/** The address without the path behind it, which is the inspector's only secret. */
function nameOf(target: string | undefined): string {
  if (target === undefined) return 'Node process';
  try {
    return formatTarget(parseTarget(target));
  } catch {
    // the attach is about to fail with the reason
    return 'Node process';
  }
}
