/** What one live timer, handle or request says of itself, for the rows below a site. */
import type { RawSite } from './stacks';
import type { AgentTask } from '../protocol/agent';
import { readHidden, readOwn } from './host';

type Details = Omit<AgentTask, 'id' | 'start' | 'weight'>;

/** Names of Node's own symbol under which a handle keeps the object that owns it (node: lib/internal/async_hooks.js). */
const OWNER_SYMBOL = 'owner_symbol';

/** @param held the timer itself, or a weak reference to any other resource; null for promises */
export function describeResource(
  isProxy: (value: unknown) => boolean,
  site: RawSite,
  held: object | null,
): Details {
  if (held === null) return { state: 'pending' };
  const resource = held instanceof WeakReference ? (held.deref() as object | undefined) : held;
  const details: Details = { state: 'active', type: site.type };
  if (resource === undefined) return details;
  const refed = callOwnOrNative(resource, 'hasRef');
  if (typeof refed === 'boolean') details.refed = refed;
  if (site.kind === 'timeout' || site.kind === 'interval') {
    const delay = readOwn(isProxy, resource, '_idleTimeout');
    const repeat = readOwn(isProxy, resource, '_repeat');
    if (typeof delay === 'number' && delay >= 0) details.delayMs = delay;
    if (typeof repeat === 'number') details.delayMs = repeat;
    details.repeats = site.kind === 'interval';
    if (refed === false) details.state = "unref'd";
    return details;
  }
  if (refed === false && site.kind === 'handle') details.state = "unref'd";
  const local = address(resource, 'getsockname');
  const remote = address(resource, 'getpeername');
  if (local !== undefined) details.localAddress = local;
  if (remote !== undefined) details.remoteAddress = remote;
  const pid = readOwn(isProxy, resource, 'pid');
  if (typeof pid === 'number' && pid > 0) details.pid = pid;
  const path = pathOf(isProxy, resource);
  if (path !== undefined) details.path = path;
  return details;
}

/** Calls a method of Node's own handle object; anything unexpected is no answer. */
function callOwnOrNative(resource: object, name: string, ...args: unknown[]): unknown {
  try {
    const method = (resource as Record<string, unknown>)[name];
    return typeof method === 'function' ? (method.apply(resource, args) as unknown) : undefined;
  } catch {
    return undefined;
  }
}

/** `address:port` of a TCP or UDP handle (node: src/tcp_wrap.cc fills the object it is given). */
function address(resource: object, method: 'getsockname' | 'getpeername'): string | undefined {
  const out: { address?: unknown; port?: unknown; family?: unknown } = {};
  if (callOwnOrNative(resource, method, out) !== 0) return undefined;
  if (typeof out.address !== 'string' || typeof out.port !== 'number') return undefined;
  return out.family === 'IPv6' ? `[${out.address}]:${out.port}` : `${out.address}:${out.port}`;
}

/** The path of a pipe or a watched file, or what a request asks for, where the object or its owner keeps it. */
function pathOf(isProxy: (value: unknown) => boolean, resource: object): string | undefined {
  const request = readOwn(isProxy, resource, 'req');
  if (request !== undefined) {
    const method = readOwn(isProxy, request, 'method');
    const host = readOwn(isProxy, request, 'host');
    const path = readOwn(isProxy, request, 'path');
    if (typeof method === 'string' && typeof path === 'string') {
      return `${method} ${typeof host === 'string' ? host : ''}${path}`;
    }
  }
  const hostname = readOwn(isProxy, resource, 'hostname');
  if (typeof hostname === 'string') return hostname;
  const owner = readHidden(isProxy, resource, OWNER_SYMBOL);
  for (const key of ['_pipeName', 'path', '_filename']) {
    const value = readOwn(isProxy, owner, key);
    if (typeof value === 'string') return value;
  }
  return undefined;
}

const WeakReference = WeakRef;
