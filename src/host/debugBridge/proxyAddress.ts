/** The way from one of VS Code's JavaScript debug sessions to a Chrome DevTools Protocol address of its process. */
import type { Clock } from '../../core/base/clock';
import { delay, TimeoutError, withTimeout } from '../base/clock';

export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
  /** A secret: it is all that guards the debugger's connection. */
  readonly path?: string;
}

/**
 * Pauses before each further attempt, in milliseconds. Asked from within the event that announces a session the
 * debugger knows nothing; 5 ms later it answered in every run seen. The later attempts are for a busy machine.
 */
const RETRY_DELAYS_MS = [5, 25, 100, 400, 1000, 2000] as const;

/** How long one request may take, in milliseconds. Sessions that have no process of their own never answer. */
const REQUEST_TIMEOUT_MS = 2000;

export type ProxyErrorReason = 'no answer' | 'not available' | 'cancelled';

export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  constructor(
    readonly reason: ProxyErrorReason,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Asks until the debugger gives an address.
 * @throws {ProxyError} when it does not within about 6 s of attempts, or does not answer at all.
 */
export async function requestProxyAddress(
  ask: () => PromiseLike<unknown>,
  clock: Clock,
  signal: AbortSignal,
): Promise<ProxyAddress> {
  for (const pause of [0, ...RETRY_DELAYS_MS]) {
    if (pause > 0) await delay(clock, pause);
    if (signal.aborted) throw new ProxyError('cancelled', 'The debug session ended before it could be observed.');
    let answer: unknown;
    try {
      answer = await withTimeout(clock, REQUEST_TIMEOUT_MS, ask());
    } catch (error) {
      if (error instanceof TimeoutError) throw new ProxyError('no answer', 'The debug session does not answer; it has no process of its own.');
      throw new ProxyError('not available', 'The JavaScript debugger cannot share its connection. Is the built-in "JavaScript Debugger" extension enabled?');
    }
    const address = parseProxyAddress(answer);
    if (address !== undefined) return address;
  }
  throw new ProxyError('not available', 'The JavaScript debugger did not share its connection with this session.');
}

function parseProxyAddress(answer: unknown): ProxyAddress | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { host, port, path } = answer as Readonly<Record<string, unknown>>;
  if (typeof host !== 'string' || typeof port !== 'number') return undefined;
  return typeof path === 'string' ? { host, port, path } : { host, port };
}

/** The parts of a debug session that decide whether it is a process we can look at. */
export interface DebugSessionFacts {
  readonly type: string;
  readonly hasParent: boolean;
  readonly configuration: Readonly<Record<string, unknown>>;
}

export const NODE_SESSION_TYPES: ReadonlySet<string> = new Set(['pwa-node', 'node']);

/**
 * True for the sessions that stand for one process or worker. The JavaScript debugger starts a launcher session first,
 * which has no process and never answers, and a child session for each target.
 */
export function isConcreteNodeSession(session: DebugSessionFacts): boolean {
  return NODE_SESSION_TYPES.has(session.type) && (session.hasParent || '__pendingTargetId' in session.configuration);
}

/** Whether a message of a debug adapter says that the process has stopped, or that it goes on; undefined for any other. */
export function stopOf(message: unknown): boolean | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, event } = message as Readonly<Record<string, unknown>>;
  if (type !== 'event') return undefined;
  if (event === 'stopped') return true;
  return event === 'continued' || event === 'terminated' ? false : undefined;
}

/**
 * What a debug session runs. The debugger calls a child `server.js [4242] « Orders service`: the process id stands in the
 * tree anyway, and the launch configuration is the same for all children.
 */
export function sessionName(debugSessionName: string): string {
  const name = debugSessionName.replace(/\s*\[\d+\](?:\s*«.*)?$/, '').trim();
  return name === '' ? debugSessionName : name;
}
