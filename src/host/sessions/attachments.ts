/**
 * What the user wants to be attached to. It outlives the server: when the server comes back after a crash it knows
 * nothing, and every attachment that had not ended is made again.
 */
import type { AttachParams, AttachResult, SessionUpdate } from '../../protocol/lsp';
import type { Disposable } from '../base/disposable';
import { ServerError } from '../client/serverError';
import { Emitter } from '../base/emitter';

/** One thing to be attached to. */
export interface AttachIntent {
  /** Unique: a debug session's id or a target's address. A second attach to the same key is the same attachment. */
  readonly key: string;
  /** For people. */
  readonly name: string;
  /** Asked anew before every attempt, because a debugger's proxy address does not outlive its connection. */
  readonly resolve: (signal: AbortSignal) => Promise<AttachParams>;
}

/** The part of the server that attachments need. */
export interface AttachServer {
  attach(params: AttachParams, signal: AbortSignal): Promise<AttachResult>;
  detach(sessionId: string): Promise<void>;
}

interface Attachment {
  readonly intent: AttachIntent;
  readonly abort: AbortController;
  sessionId: string | undefined;
  /** It was attached, and the server that knew the session is gone. */
  lost: boolean;
}

export interface AttachFailure {
  readonly intent: AttachIntent;
  readonly error: unknown;
}

export class Attachments implements Disposable {
  readonly #attachments = new Map<string, Attachment>();
  readonly #server: AttachServer;
  readonly #changed = new Emitter<void>();
  readonly #failed = new Emitter<AttachFailure>();

  /** {@link pending} changed. */
  readonly onDidChange = this.#changed.event;
  /** An attachment that nobody is waiting for could not be made again. */
  readonly onDidFail = this.#failed.event;

  constructor(server: AttachServer) {
    this.#server = server;
  }

  /** How many attachments are being made right now. */
  get pending(): number {
    return [...this.#attachments.values()].filter((attachment) => attachment.sessionId === undefined).length;
  }

  /** The session that a key is attached as, once it is. */
  sessionOf(key: string): string | undefined {
    return this.#attachments.get(key)?.sessionId;
  }

  /**
   * Attaches, unless the same key is attached already.
   * @returns the session's id, or undefined when it was detached meanwhile.
   */
  async attach(intent: AttachIntent): Promise<string | undefined> {
    const existing = this.#attachments.get(intent.key);
    if (existing !== undefined) return existing.sessionId;
    const attachment: Attachment = { intent, abort: new AbortController(), sessionId: undefined, lost: false };
    this.#attachments.set(intent.key, attachment);
    this.#changed.fire();
    try {
      return await this.#connect(attachment);
    } catch (error) {
      this.#forget(attachment);
      throw error;
    }
  }

  /** Gives up what was attached or is being attached under this key. */
  async detachKey(key: string): Promise<void> {
    const attachment = this.#attachments.get(key);
    if (attachment === undefined) return;
    this.#forget(attachment);
    attachment.abort.abort();
    if (attachment.sessionId !== undefined) await this.#server.detach(attachment.sessionId);
  }

  async detachSession(sessionId: string): Promise<void> {
    const attachment = this.#bySession(sessionId);
    if (attachment !== undefined) await this.detachKey(attachment.intent.key);
    else await this.#server.detach(sessionId);
  }

  async detachAll(): Promise<void> {
    await Promise.all([...this.#attachments.keys()].map((key) => this.detachKey(key)));
  }

  /** To be told of every update: an ended session is not attached again. */
  observe(update: SessionUpdate): void {
    if (update.status !== 'ended') return;
    const attachment = this.#bySession(update.sessionId);
    if (attachment !== undefined) this.#forget(attachment);
  }

  /** The server's sessions are gone. Requests that were under way fail by themselves, and their callers are told. */
  serverLost(): void {
    for (const attachment of this.#attachments.values()) {
      if (attachment.sessionId === undefined) continue;
      attachment.sessionId = undefined;
      attachment.lost = true;
    }
    this.#changed.fire();
  }

  /** A new server is there: makes again what was lost with the old one. */
  async reattach(): Promise<void> {
    await Promise.all([...this.#attachments.values()].map(async (attachment) => {
      if (!attachment.lost) return;
      attachment.lost = false;
      try {
        await this.#connect(attachment);
      } catch (error) {
        if (this.#attachments.get(attachment.intent.key) !== attachment) return;
        this.#forget(attachment);
        this.#failed.fire({ intent: attachment.intent, error });
      }
    }));
  }

  dispose(): void {
    for (const attachment of this.#attachments.values()) attachment.abort.abort();
    this.#attachments.clear();
    this.#changed.dispose();
    this.#failed.dispose();
  }

  async #connect(attachment: Attachment): Promise<string | undefined> {
    const { signal } = attachment.abort;
    const cancelled = (): boolean => signal.aborted;
    const params = await attachment.intent.resolve(signal);
    if (cancelled()) return undefined;
    let result: AttachResult;
    try {
      result = await this.#server.attach(params, signal);
    } catch (error) {
      if (cancelled()) return undefined;
      if (error instanceof ServerError && error.isCancellation) {
        // Detached by its session's row while it was being attached.
        this.#forget(attachment);
        return undefined;
      }
      throw error;
    }
    if (cancelled()) {
      await this.#server.detach(result.sessionId);
      return undefined;
    }
    attachment.sessionId = result.sessionId;
    this.#changed.fire();
    return result.sessionId;
  }

  #bySession(sessionId: string): Attachment | undefined {
    return [...this.#attachments.values()].find((attachment) => attachment.sessionId === sessionId);
  }

  #forget(attachment: Attachment): void {
    if (this.#attachments.get(attachment.intent.key) === attachment) {
      this.#attachments.delete(attachment.intent.key);
      this.#changed.fire();
    }
  }
}
