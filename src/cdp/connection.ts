/** One WebSocket to an inspector, with a time limit on every request. */
import CDP from 'chrome-remote-interface';
import * as v from 'valibot';
import { formatAddress } from './address';
import { TargetError } from './target';

/** A target that is alive answers in milliseconds, also while it is paused or busy. */
export const REQUEST_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;

export interface Connection {
  /**
   * Sends one command and resolves with its result.
   * @param timeoutMs 0 waits for as long as it takes
   * @throws {TargetError} `timeout`, `closed`, or `agent failed` when the inspector refuses the command
   */
  send(method: string, params?: object, timeoutMs?: number): Promise<Record<string, unknown>>;
  /** Returns the function that takes the listener off again. */
  on(event: string, listener: (params: Record<string, unknown>) => void): () => void;
  /** Stops reading what the inspector sends, which then waits in the target, or goes on reading. What is read already still arrives. */
  setReading(reading: boolean): void;
  /** Closes the socket; resolves when it is closed. Never rejects. */
  close(): Promise<void>;
  /** Resolves when the socket is closed: `ours` when {@link close} was called. */
  readonly closed: Promise<'ours' | 'theirs'>;
}

/** What of chrome-remote-interface's client the published types leave out. */
interface Client {
  send(method: string, params: object): Promise<unknown>;
  on(event: string, listener: (params: Record<string, unknown>) => void): void;
  removeListener(event: string, listener: (params: Record<string, unknown>) => void): void;
  close(): Promise<void>;
  _handleMessage(message: unknown): void;
  readonly _ws: {
    removeAllListeners(event: string): void;
    on(event: string, listener: (data: unknown) => void): void;
    terminate(): void;
    readonly _socket: { pause(): void; resume(): void } | undefined;
  };
}

/**
 * @param url a ws:// URL; its path is a secret and appears in no message
 * @param signal aborted: the attempt is given up
 * @throws {TargetError} `refused`, `timeout`, `not an inspector` or `cancelled`
 */
export async function connect(url: string, signal?: AbortSignal): Promise<Connection> {
  const { hostname, port } = new URL(url);
  const where = formatAddress(hostname.replace(/^\[|\]$/g, ''), Number(port));
  const opening = CDP({ target: url, protocol: { domains: [] } as unknown as CDP.Protocol, local: true }) as unknown as Promise<Client>;
  const giveUp = (error: TargetError): TargetError => {
    void opening.then((late) => late.close()).catch(() => undefined);
    return error;
  };
  const opened = withTimeout(opening, CONNECT_TIMEOUT_MS, () => {
    return giveUp(new TargetError('timeout', `${where} did not answer within ${CONNECT_TIMEOUT_MS / 1000} s. The process may be stopped, or a forwarded port may lead nowhere: try again once it runs.`));
  });
  const client = await unlessAborted(opened, signal, () => giveUp(new TargetError('cancelled', 'The attach was cancelled.'))).catch((error: unknown) => {
    throw connectError(error, where);
  });

  // chrome-remote-interface parses what arrives without a guard: garbage would be an uncaught exception
  client._ws.removeAllListeners('message');
  client._ws.on('message', (data) => {
    const message = parseMessage(String(data));
    if (message === undefined) client._ws.terminate();
    else client._handleMessage(message);
  });

  let closedBy: 'ours' | 'theirs' | undefined;
  let resolveClosed!: (by: 'ours' | 'theirs') => void;
  const closed = new Promise<'ours' | 'theirs'>((resolve) => {
    resolveClosed = resolve;
  });
  client.on('disconnect', () => {
    closedBy ??= 'theirs';
    resolveClosed(closedBy);
  });

  return {
    closed,
    async send(method, params = {}, timeoutMs = REQUEST_TIMEOUT_MS) {
      if (closedBy !== undefined) throw closedError(where);
      const answer = client.send(method, params) as Promise<Record<string, unknown>>;
      try {
        if (timeoutMs === 0) return await answer;
        return await withTimeout(answer, timeoutMs, () => {
          return new TargetError('timeout', `${where} did not answer ${method} within ${timeoutMs / 1000} s.`);
        });
      } catch (error) {
        if (error instanceof TargetError) throw error;
        // closed between the check above and the answer
        if ((closedBy as string | undefined) !== undefined || isSocketError(error)) throw closedError(where, error);
        const detail = error instanceof Error ? error.message : String(error);
        throw new TargetError('agent failed', `${where} refused ${method}: ${detail}`, { cause: error });
      }
    },
    on(event, listener) {
      client.on(event, listener);
      return () => {
        client.removeListener(event, listener);
      };
    },
    setReading(reading) {
      if (reading) client._ws._socket?.resume();
      else client._ws._socket?.pause();
    },
    async close() {
      if (closedBy !== undefined) return;
      closedBy = 'ours';
      await withTimeout(client.close(), CLOSE_TIMEOUT_MS, () => new TargetError('timeout', '')).catch(() => {
        client._ws.terminate();
      });
      resolveClosed('ours');
    },
  };
}

/** Rejects with `error()` unless `promise` settles within `ms`. */
export async function withTimeout<T>(promise: Promise<T>, ms: number, error: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => {
          reject(error());
        }, ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects with `error()` as soon as `signal` is aborted. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, error: () => Error): Promise<T> {
  if (signal === undefined) return work;
  const listening = new AbortController();
  try {
    return await Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        const abort = (): void => reject(error());
        if (signal.aborted) abort();
        else signal.addEventListener('abort', abort, { once: true, signal: listening.signal });
      }),
    ]);
  } finally {
    listening.abort();
  }
}

/**
 * A response or an event. What else the client would take for an event of its own (`error`, `disconnect`), or for a name of
 * `Object.prototype`, would be thrown where nobody can catch it.
 */
const protocolMessage = v.union([
  v.looseObject({ id: v.pipe(v.number(), v.integer(), v.minValue(1)), method: v.optional(v.undefined()) }),
  v.looseObject({ id: v.optional(v.undefined()), method: v.pipe(v.string(), v.regex(/^\w+\.\w+$/)), params: v.optional(v.looseObject({}), {}) }),
]);

function parseMessage(text: string): object | undefined {
  try {
    const message = v.safeParse(protocolMessage, JSON.parse(text));
    return message.success ? message.output : undefined;
  } catch {
    return undefined;
  }
}

function isSocketError(error: unknown): boolean {
  return error instanceof Error && /WebSocket (?:connection closed|is not open)/.test(error.message);
}

function closedError(where: string, cause?: unknown): TargetError {
  return new TargetError('closed', `The connection to ${where} is closed.`, { cause });
}

/** Turns a failed connect or look-up into what a person can act on. */
export function connectError(error: unknown, where: string): TargetError {
  if (error instanceof TargetError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case 'ECONNREFUSED':
      return new TargetError(
        'refused',
        `Nothing listens on ${where}. Start the program with "node --inspect", or send SIGUSR1 to the running process.`,
        { cause: error },
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new TargetError('refused', `The host of ${where} is unknown. Check its name.`, { cause: error });
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return new TargetError('refused', `${where} cannot be reached. Check the address, or forward the port.`, {
        cause: error,
      });
    default:
      return new TargetError(
        'not an inspector',
        `${where} does not speak the inspector protocol. Use the address that Node printed after "Debugger listening on".`,
        { cause: error },
      );
  }
}
