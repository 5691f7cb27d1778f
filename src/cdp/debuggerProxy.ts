/**
 * Attaches by way of a debugger's CDP proxy (vscode-js-debug). The proxy tells where the target's inspector listens, and a
 * connection of our own goes there: it is isolated from the debugger's and does not pass through the extension host. Where
 * that address cannot be reached, as that of a container may not be, the proxy itself is the connection.
 */
import * as v from 'valibot';
import type { DebuggerConnection } from '../protocol/lsp';
import { formatAddress, parseInspector } from './address';
import type { InspectorAddress } from './address';
import { attachTo } from './attach';
import { connect } from './connection';
import type { Connection } from './connection';
import { evaluateUnseen } from './evaluate';
import { isLoopback } from './hosts';
import { TargetError, throwIfCancelled } from './target';
import type { AttachOptions, AttachedTarget } from './target';

/** The address of a proxy. Its path is its only secret. */
export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
  readonly path?: string | undefined;
}

/**
 * All that goes through a proxy. Its session is the debugger's own: what disables a domain or sets breakpoints, pauses or
 * stack depths there changes the user's debugging. So what is not in this list is not sent.
 */
const SAFE_METHODS: ReadonlySet<string> = new Set([
  'Runtime.evaluate',
  'Runtime.callFunctionOn',
  'Runtime.getProperties',
  'Runtime.releaseObjectGroup',
  'Runtime.addBinding',
  'Runtime.removeBinding',
  // reads the counters that V8 keeps anyway; it changes no mode
  'Profiler.getBestEffortCoverage',
  'Runtime.getHeapUsage',
  // walks the heap after a collection; what it finds is in a group of ours, which is released
  'Runtime.queryObjects',
  'HeapProfiler.takeHeapSnapshot',
  // hand out one object by its id in a snapshot, or its id, and change nothing
  'HeapProfiler.getObjectByHeapObjectId',
  'HeapProfiler.getHeapObjectId',
]);

/** The proxy sends only events that were subscribed to, and twice what was subscribed to twice: all at once, and once. */
const EVENTS = ['Runtime.bindingCalled', 'HeapProfiler.addHeapSnapshotChunk', 'HeapProfiler.reportHeapSnapshotProgress'];

const answer = v.object({
  result: v.object({ value: v.object({ main: v.boolean(), url: v.nullable(v.string()) }) }),
});

/** Asked of the target through the debugger's session. */
const INSPECTOR_URL = `(() => {
  const load = typeof process.getBuiltinModule === 'function' ? process.getBuiltinModule : require;
  const { url } = load('inspector');
  return { main: load('worker_threads').isMainThread, url: typeof url === 'function' ? (url() ?? null) : null };
})()
//# sourceURL=node:internal/asyncscope/address`;

/**
 * @param by `direct` and `proxy` leave no choice, for tests and for networks where one of them misleads
 * @throws {TargetError}
 */
export async function attachThroughProxy(proxy: ProxyAddress, options: AttachOptions, by: DebuggerConnection = 'auto'): Promise<AttachedTarget> {
  const unguarded = await connect(urlOf(proxy), options.signal);
  const connection = guarded(unguarded);
  const closing = new AbortController();
  const cancel = (): void => {
    connection.close().catch(() => undefined);
  };
  options.signal?.addEventListener('abort', cancel, { once: true, signal: closing.signal });
  try {
    await unguarded.send('JsDebug.subscribe', { events: EVENTS });
    const url = await inspectorUrl(connection);
    const direct = by === 'proxy' ? undefined : await connectDirectly(url, options.signal, by);
    if (direct !== undefined) {
      await connection.close();
      return await attachTo(direct.connection, direct.address, options);
    }
    const address: InspectorAddress = url === undefined ? { kind: 'inspector', host: proxy.host, port: proxy.port } : parseInspector(url);
    return await attachTo(connection, address, options, { throughDebugger: true });
  } catch (error) {
    await connection.close();
    throwIfCancelled(options.signal);
    throw error;
  } finally {
    closing.abort();
  }
}

function urlOf({ host, port, path = '' }: ProxyAddress): string {
  return `ws://${formatAddress(host, port)}${path.startsWith('/') ? path : `/${path}`}`;
}

/** A connection that shares the debugger's session, and sends nothing that the debugger would feel. */
export function guarded(connection: Connection): Connection {
  return {
    ...connection,
    send(method, params, timeoutMs) {
      if (SAFE_METHODS.has(method)) return connection.send(method, params, timeoutMs);
      return Promise.reject(new TargetError('agent failed', `${method} is not sent through a debugger's session.`));
    },
  };
}

/** @returns undefined where the target does not say */
async function inspectorUrl(connection: Connection): Promise<string | undefined> {
  const response = await evaluateUnseen(connection, { expression: INSPECTOR_URL, returnByValue: true });
  const checked = v.safeParse(answer, response);
  if (!checked.success || !checked.output.result.value.main) {
    throw new TargetError('refused', 'This debug session has no inspector of its own (a worker thread, or not Node).');
  }
  const { url } = checked.output.result.value;
  return url !== null && URL.canParse(url) && url.startsWith('ws://') ? url : undefined;
}

/**
 * The target says where it listens as it sees itself: in a container that is an address of the container. Only this machine
 * is tried, and the path, which nobody else knows, proves that it is the same process.
 * @returns undefined when the proxy is to be used
 */
async function connectDirectly(
  url: string | undefined,
  signal: AbortSignal | undefined,
  by: 'auto' | 'direct',
): Promise<{ readonly connection: Connection; readonly address: InspectorAddress } | undefined> {
  if (url === undefined) {
    if (by === 'auto') return undefined;
    throw new TargetError('refused', 'The debugged process does not say where its inspector listens.');
  }
  const here = new URL(url);
  const host = here.hostname.replace(/^\[|\]$/g, '');
  if (host === '0.0.0.0') here.hostname = '127.0.0.1';
  else if (host === '::') here.hostname = '[::1]';
  else if (host !== 'localhost' && !isLoopback(host)) {
    if (by === 'auto') return undefined;
    throw new TargetError('refused', `The inspector of the debugged process listens on ${formatAddress(host, Number(here.port))}, which is not this machine.`);
  }
  try {
    return { connection: await connect(here.href, signal), address: parseInspector(here.href) };
  } catch (error) {
    if (by === 'auto' && error instanceof TargetError && error.reason !== 'cancelled') return undefined;
    throw error;
  }
}
