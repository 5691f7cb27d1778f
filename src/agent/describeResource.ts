/** What one live timer, handle or request says of itself, for the rows below a site. */
import type { RawSite } from './stacks';
import type { AgentTask } from '../protocol/agent';
import { cutText, isFigure, isId } from './bounds';
import { readHidden, readOwn } from './host';

type Details = Omit<AgentTask, 'id' | 'start' | 'weight'>;

/** Names of Node's own symbol under which a handle keeps the object that owns it (node: lib/internal/async_hooks.js). */
const OWNER_SYMBOL = 'owner_symbol';

/** Command lines are cut to this many UTF-16 units. */
const COMMAND_LIMIT = 200;

/** What the time is for timers, and which one is running. */
export interface TimerClock {
  /** The agent's clock. */
  readonly now: number;
  /** What libuv's clock is ahead of it, in milliseconds. */
  readonly loopOffset: number;
  /** The resource whose callback is running, at a breakpoint for instance. */
  readonly running: unknown;
}

/**
 * Plain facts, for `src/core/format/taskState.ts` to make words of.
 * @param held the timer itself, or a weak reference to any other resource; null for promises
 */
export function describeResource(
  isProxy: (value: unknown) => boolean,
  site: RawSite,
  held: object | null,
  clock: TimerClock,
): Details {
  if (held === null) return { state: 'pending' };
  const resource = held instanceof WeakReference ? (held.deref() as object | undefined) : held;
  const details: Details = { state: 'active', type: site.type };
  if (resource === undefined || isProxy(resource)) return details;
  const refed = callOwnOrNative(resource, 'hasRef');
  if (typeof refed === 'boolean') details.refed = refed;
  if (site.kind === 'timeout' || site.kind === 'interval') {
    const delay = readOwn(isProxy, resource, '_idleTimeout');
    const repeat = readOwn(isProxy, resource, '_repeat');
    const armed = readOwn(isProxy, resource, '_idleStart');
    if (isFigure(delay)) details.delayMs = delay;
    if (isFigure(repeat)) details.delayMs = repeat;
    details.repeats = site.kind === 'interval';
    if (resource === clock.running) details.running = true;
    else if (isFigure(delay) && typeof armed === 'number') {
      details.dueInMs = armed + delay - (clock.now + clock.loopOffset);
    }
    return details;
  }
  const owner = readHidden(isProxy, resource, OWNER_SYMBOL);
  const local = address(resource, 'getsockname');
  const remote = address(resource, 'getpeername');
  if (local !== undefined) details.localAddress = local;
  if (remote !== undefined) details.remoteAddress = remote;
  const pid = readOwn(isProxy, resource, 'pid');
  if (isId(pid) && pid > 0) details.pid = pid;
  const path = pathOf(isProxy, resource, owner);
  if (path !== undefined) details.path = cutText(path);
  describeStream(isProxy, details, resource, owner);
  describeOthers(isProxy, details, resource, owner);
  return details;
}

/** Sockets and pipes: what they are doing, by the fields that Node keeps for itself (node: lib/net.js, lib/_tls_wrap.js). */
function describeStream(isProxy: (value: unknown) => boolean, details: Details, resource: object, owner: unknown): void {
  const readable = readOwn(isProxy, owner, '_readableState');
  const writable = readOwn(isProxy, owner, '_writableState');
  if (typeof readable !== 'object' || typeof writable !== 'object' || writable === null) return;
  if (readOwn(isProxy, owner, 'connecting') === true) details.connecting = true;
  if (readOwn(isProxy, owner, 'encrypted') === true) details.tls = true;
  // accessors of Node's own prototypes (node: lib/internal/streams)
  const ended = flag(readable, 'endEmitted') || flag(readable, 'ended');
  const finished = flag(writable, 'ending');
  if (ended !== finished) details.halfOpen = ended ? 'ended by the other end' : 'ended by us';
  const buffered = readOwn(isProxy, writable, 'length');
  const queued = numberOf(resource, 'writeQueueSize');
  // what libuv has not written yet is counted by the stream, too, until it is
  const waiting = Math.max(isFigure(buffered) ? buffered : 0, queued);
  if (waiting > 0) details.waitingBytes = waiting;
  const request = readOwn(isProxy, owner, '_httpMessage');
  if (typeof request === 'object' && request !== null) details.carries = 'request';
  details.open = details.connecting !== true;
}

/** Servers, child processes, workers and HTTP requests. */
function describeOthers(isProxy: (value: unknown) => boolean, details: Details, resource: object, owner: unknown): void {
  const connections = readOwn(isProxy, owner, '_connections');
  if (isFigure(connections)) details.connections = connections;
  const command = commandOf(isProxy, owner);
  if (command !== undefined) details.command = command;
  const threadId = readOwn(isProxy, resource, 'threadId');
  if (isId(threadId) && threadId > 0) details.threadId = threadId;
  const fd = readOwn(isProxy, resource, 'fd') ?? readOwn(isProxy, readOwn(isProxy, resource, 'context'), 'fd');
  if (isId(fd) && fd > 2) details.fd = fd;
  const request = requestOf(isProxy, resource);
  if (request !== undefined) details.receiving = typeof readOwn(isProxy, request, 'res') === 'object' && readOwn(isProxy, request, 'res') !== null;
}

function commandOf(isProxy: (value: unknown) => boolean, child: unknown): string | undefined {
  const file = readOwn(isProxy, child, 'spawnfile');
  const args = readOwn(isProxy, child, 'spawnargs');
  if (typeof file !== 'string') return undefined;
  let text = file;
  const count = readOwn(isProxy, args, 'length');
  // the first argument is the program's own name
  for (let i = 1; typeof count === 'number' && i < count && text.length < COMMAND_LIMIT; i++) {
    const each = readOwn(isProxy, args, i);
    if (typeof each === 'string') text += ` ${each}`;
  }
  return text.length > COMMAND_LIMIT ? `${text.slice(0, COMMAND_LIMIT - 1)}…` : text;
}

/** The client's request that is a resource, or that one stands for (its parser is the resource). */
function requestOf(isProxy: (value: unknown) => boolean, resource: object): object | undefined {
  for (const each of [readOwn(isProxy, resource, 'req'), resource]) {
    const method = readOwn(isProxy, each, 'method');
    if (typeof method === 'string' && typeof requestPath(isProxy, each) === 'string') return each as object;
  }
  return undefined;
}

/** Behind an accessor from Node 26 on. */
function requestPath(isProxy: (value: unknown) => boolean, request: unknown): unknown {
  return readOwn(isProxy, request, 'path') ?? readHidden(isProxy, request, 'kPath');
}

function flag(state: unknown, name: string): boolean {
  try {
    return (state as Record<string, unknown>)[name] === true;
  } catch {
    return false;
  }
}

function numberOf(handle: object, name: string): number {
  try {
    const value = (handle as Record<string, unknown>)[name];
    return isFigure(value) ? value : 0;
  } catch {
    return 0;
  }
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
  return cutText(out.family === 'IPv6' ? `[${out.address}]:${out.port}` : `${out.address}:${out.port}`);
}

/** The path of a pipe or a watched file, or what a request asks for, where the object or its owner keeps it. */
function pathOf(isProxy: (value: unknown) => boolean, resource: object, owner: unknown): string | undefined {
  const request = requestOf(isProxy, resource);
  if (request !== undefined) {
    const host = readOwn(isProxy, request, 'host');
    return `${readOwn(isProxy, request, 'method') as string} ${typeof host === 'string' ? host : ''}${requestPath(isProxy, request) as string}`;
  }
  const hostname = readOwn(isProxy, resource, 'hostname');
  if (typeof hostname === 'string') return hostname;
  for (const key of ['_pipeName', 'path', '_filename']) {
    const value = readOwn(isProxy, owner, key);
    if (typeof value === 'string') return value;
  }
  return undefined;
}

const WeakReference = WeakRef;
