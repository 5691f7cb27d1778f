/** Sockets and servers: net, tls, pipes (node: lib/net.js, lib/_tls_wrap.js), UDP (node: lib/dgram.js). */
import { NO_NODE } from '../heapGraph';
import type { NodeIndex } from '../heapGraph';
import { PEER_ADDRESS } from '../heapAnalysis';
import type { RawText } from '../heapAnalysis';
import type { HeapObjects } from './heapObjects';
import { workLeaf } from './leaf';
import type { Details, Leaf } from './leaf';

/** The wrap of libuv's handle, while it is open; NO_NODE afterwards. */
export function openHandle(objects: HeapObjects, owner: NodeIndex): NodeIndex {
  for (const key of ['kHandle', 'handle', 'handleField'] as const) {
    const handle = objects.property(owner, key);
    if (objects.isObject(handle) && objects.internal(handle, 'toNative') !== NO_NODE) return handle;
  }
  return NO_NODE;
}

/** `10.0.0.7:5432`, as far as the heap holds it: what the socket was told to connect to, or has looked up about itself. */
export function remoteAddress(objects: HeapObjects, socket: NodeIndex): string | null {
  const peer = objects.property(socket, 'peername');
  const ofPeer = hostAndPort(objects.textProperty(peer, 'address'), objects.numberProperty(peer, 'port'));
  if (ofPeer !== null) return ofPeer;
  const attempted = objects.property(socket, 'attemptedAddresses');
  if (objects.isObject(attempted)) {
    let last: string | null = null;
    for (let i = 0; ; i++) {
      const next = objects.text(objects.element(attempted, i));
      if (next === null) break;
      last = next;
    }
    if (last !== null) return last;
  }
  const agentKey = objects.textProperty(socket, 'agentKey');
  if (agentKey !== null) {
    // http.Agent: host:port:localAddress:…
    const [host = '', port = ''] = agentKey.split(':');
    if (host !== '' && port !== '') return `${host}:${port}`;
  }
  return objects.textProperty(socket, 'hostField');
}

export function hostAndPort(host: string | null, port: number | null): string | null {
  if (host === null || host === '') return port === null ? null : `:${port}`;
  const literal = host.includes(':') ? `[${host}]` : host;
  return port === null ? literal : `${literal}:${port}`;
}

/** Where a server listens: `0.0.0.0:8080`, or a path. */
export function listenAddress(objects: HeapObjects, server: NodeIndex): string | null {
  const pipe = objects.textProperty(server, 'pipeName');
  if (pipe !== null) return pipe;
  // address type, host, port: net's key for servers that are shared in a cluster
  const key = objects.textProperty(server, 'connectionKey');
  const parts = /^-?\d+:(.*):(-?\d+)$/.exec(key ?? '');
  if (parts === null) return null;
  const [, host = '', port = ''] = parts;
  if (port === '-1') return host;
  // 0 is what was asked for: any free port
  return hostAndPort(host === 'null' ? null : host, port === '0' ? null : Number(port));
}

const DOING: ReadonlyMap<string, string> = new Map([
  ['connect', 'connecting'],
  ['secureConnect', 'connecting'],
  ['ready', 'connecting'],
  ['lookup', 'connecting'],
  ['data', 'reading'],
  ['readable', 'reading'],
  ['end', 'reading to its end'],
  ['drain', 'waiting for drain'],
  ['finish', 'writing to its end'],
  ['close', 'waiting for its close'],
]);

/**
 * A socket that somebody waits for.
 * @param event what comes from it; `''` where it is not known
 * @param address where a client keeps it elsewhere
 */
export function socketLeaf(objects: HeapObjects, socket: NodeIndex, event: string, address: string | null = null): Leaf {
  const open = openHandle(objects, socket);
  const connecting = objects.isTrue(objects.property(socket, 'connecting'));
  const server = objects.property(socket, 'server');
  const remote = remoteAddress(objects, socket) ?? address;
  const details: Details = { class: objects.className(socket) };
  if (remote !== null) details['address'] = remote;
  const local = objects.property(socket, 'sockname');
  const localAddress = hostAndPort(objects.textProperty(local, 'address'), objects.numberProperty(local, 'port'));
  if (localAddress !== null) details['localAddress'] = localAddress;
  const noun = open !== NO_NODE && objects.className(open) === 'Pipe' ? 'pipe' : objects.className(open).startsWith('TTY') ? 'terminal' : 'socket';
  // a standard stream keeps its descriptor as a property; a socket has it in its handle
  let name = objects.numberProperty(socket, 'fd') === 0 ? 'standard input' : remote === null ? noun : `${noun} ${remote}`;
  if (remote === null && objects.isObject(server)) {
    const listening = listenAddress(objects, server);
    name = `${noun}, accepted${listening === null ? '' : ` at ${listening}`}`;
    details['accepted'] = true;
  }
  if (event !== '') details['event'] = event;
  const doing = connecting ? 'connecting' : open === NO_NODE ? 'closed' : (DOING.get(event) ?? (event === '' ? '' : `'${event}'`));
  const inFlight = open !== NO_NODE || connecting;
  const isNamed = remote !== null || name !== 'socket' || !inFlight;
  const after = doing === '' ? '' : `: ${doing}`;
  const text: RawText = isNamed ? [`${name}${after}`] : [name, PEER_ADDRESS, after];
  return workLeaf({ kind: 'socket', text, details, node: socket, event, ...(!isNamed && { peer: socket }) }, { isOpen: inFlight, keyKind: `socket ${event}` });
}

export function serverLeaf(objects: HeapObjects, server: NodeIndex, event: string): Leaf {
  const address = listenAddress(objects, server);
  const open = openHandle(objects, server);
  const text = [`server${address === null ? '' : ` ${address}`}: '${event}'`];
  const details: Details = { class: objects.className(server), event, ...(address === null ? {} : { address }) };
  return workLeaf({ kind: 'socket', text, details, node: server, event }, { isOpen: open !== NO_NODE, keyKind: 'server' });
}
