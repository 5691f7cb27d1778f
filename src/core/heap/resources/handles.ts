/** Handles that are open and requests under way: what native code holds (node: src/handle_wrap.h, src/req_wrap.h). */
import { EDGE_TYPE, NODE_TYPE, NO_NODE } from '../heapGraph';
import type { EdgeIndex, HeapObjectId, NodeIndex } from '../heapGraph';
import { PEER_ADDRESS } from '../heapAnalysis';
import type { RawPosition, RawText } from '../heapAnalysis';
import { eachRetainer } from '../leaves/eachRetainer';
import { clientRequest } from '../leaves/httpRequest';
import { FEATURE } from '../leaves/features';
import type { Features } from '../leaves/features';
import type { HeapObjects } from '../leaves/heapObjects';
import type { Details } from '../leaves/leaf';
import { isCompression, nativeKind, nativeLeaf } from '../leaves/native';
import { listenAddress, openHandle, remoteAddress } from '../leaves/socket';
import type { Resource } from './groups';

/** Objects that refer to one that are looked at. */
const RETAINER_LIMIT = 32;
/** Elements of a child's `stdio` that are looked at; further ones count by themselves. */
const STDIO_LIMIT = 64;

/** Node listens to these itself, on every message port. */
const INTERNAL_EVENTS: ReadonlySet<string> = new Set(['newListener', 'removeListener']);

/** Events by whose listeners people know a handle, the most telling first. */
const TELLING_EVENTS: readonly string[] = ['request', 'connection', 'secureConnection', 'message', 'data', 'readable', 'change', 'end', 'close'];

export class NativeResources {
  readonly #objects: HeapObjects;
  readonly #features: Features;
  readonly #natives: NodeIndex[] = [];
  readonly #clientRequests: NodeIndex[] = [];
  /** Sockets and ports that belong to a child process or a worker. */
  readonly #parts = new Set<NodeIndex>();

  constructor(objects: HeapObjects, features: Features) {
    this.#objects = objects;
    this.#features = features;
  }

  /** Any object that has one of the features that matter here. */
  add(node: NodeIndex, features: number): void {
    const objects = this.#objects;
    if ((features & FEATURE.native) !== 0) this.#natives.push(node);
    if ((features & FEATURE.clientRequest) !== 0) this.#clientRequests.push(node);
    if ((features & FEATURE.childProcess) !== 0) {
      const stdio = objects.property(node, 'stdio');
      for (let i = 0; objects.isObject(stdio) && i < STDIO_LIMIT; i++) this.#parts.add(objects.element(stdio, i));
      this.#parts.add(objects.property(node, 'channel'));
    }
    if ((features & FEATURE.worker) !== 0) {
      this.#parts.add(objects.property(node, 'kPort'));
      this.#parts.add(objects.property(node, 'kPublicPort'));
    }
    this.#parts.delete(NO_NODE);
  }

  /** @param see is told of each; the kind is what Node calls it */
  each(see: (sort: 'handle' | 'request', resource: Resource) => void): void {
    for (const node of this.#natives) {
      const native = nativeKind(this.#objects.className(node));
      if (this.#objects.className(node) === 'MessagePort') this.#port(node, see);
      else if (this.#objects.className(node) === 'Worker') this.#worker(node, see);
      else if (native === null) continue;
      else if (native.request) see('request', this.#request(node));
      else this.#handle(node, native.text, see);
    }
    for (const request of this.#clientRequests) {
      const resource = this.#clientRequest(request);
      if (resource !== null) see('request', resource);
    }
  }

  #request(node: NodeIndex): Resource {
    const leaf = nativeLeaf(this.#objects, node);
    return { type: this.#objects.className(node), text: leaf?.text ?? [], at: leaf?.at ?? null, details: {}, ofNode: false };
  }

  #handle(node: NodeIndex, noun: string, see: (sort: 'handle' | 'request', resource: Resource) => void): void {
    const objects = this.#objects;
    const type = objects.className(node);
    const owner = objects.property(node, 'ownerSymbol');
    if (type === 'FileHandle') {
      this.#file(node, see);
      return;
    }
    if (!objects.isObject(owner)) {
      if (type === 'DirHandle' || type === 'Signal' || type === 'StatWatcher') see('handle', { type, text: [noun], at: null, details: {}, ofNode: false });
      return;
    }
    if (this.#parts.has(owner)) return;
    // a compression stays until its stream lets go of it
    if (!isOpenHandle(objects, owner, node) && isCompression(type)) return;
    const features = this.#features.of(owner);
    const details: Details = {};
    let text: RawText = [noun];
    let socket: HeapObjectId | undefined;
    if ((features & FEATURE.server) !== 0) {
      const address = listenAddress(objects, owner);
      text = [`${noun === 'pipe' ? 'pipe server' : 'server'}${address === null ? '' : ` ${address}`}`];
      const connections = objects.numberProperty(owner, 'connections');
      if (connections !== null) details['connections'] = connections;
    } else if ((features & FEATURE.socket) !== 0) {
      const remote = remoteAddress(objects, owner);
      if (remote !== null) text = [`${noun} ${remote}`];
      else if (objects.isObject(objects.property(owner, 'server'))) {
        const address = listenAddress(objects, objects.property(owner, 'server'));
        text = [`${noun}, accepted${address === null ? '' : ` at ${address}`}`];
      } else if (noun === 'socket') {
        text = [noun, PEER_ADDRESS];
        socket = objects.graph.id(owner);
      }
    } else if ((features & FEATURE.childProcess) !== 0) {
      const file = objects.textProperty(owner, 'spawnfile');
      if (file !== null) text = [`${noun} ${file}`];
      const pid = objects.numberProperty(owner, 'pid');
      if (pid !== null) details['pid'] = pid;
    }
    const request = isCompression(type);
    const ofNode = objects.isTrue(objects.property(owner, 'isStdio'));
    see(request ? 'request' : 'handle', { type: this.#typeName(node), text, at: this.#listener(owner), details, ofNode, ...(socket !== undefined && { socket }) });
  }

  /** Servers and sockets are both `TCP` or `Pipe`. */
  #typeName(node: NodeIndex): string {
    const objects = this.#objects;
    const native = objects.nativeName(objects.internal(node, 'toNative'));
    return native === 'TCPServerWrap' ? 'TCP server' : native === 'PipeServerWrap' ? 'Pipe server' : objects.className(node);
  }

  #file(node: NodeIndex, see: (sort: 'handle' | 'request', resource: Resource) => void): void {
    const objects = this.#objects;
    const { graph, names } = objects;
    const found = { open: false };
    eachRetainer(graph, node, RETAINER_LIMIT, (from, edge) => {
      if (graph.edgeNameOrIndex(edge) !== names.kHandle || graph.edgeType(edge) !== EDGE_TYPE.property) return;
      const fd = objects.numberProperty(from, 'kFd');
      if (fd !== null && fd >= 0) found.open = true;
    });
    if (found.open) see('handle', { type: 'FileHandle', text: ['open file'], at: null, details: {}, ofNode: false });
  }

  #port(port: NodeIndex, see: (sort: 'handle' | 'request', resource: Resource) => void): void {
    if (this.#parts.has(port)) return;
    const objects = this.#objects;
    const { graph, names } = objects;
    const found: { channel: NodeIndex; used: boolean } = { channel: NO_NODE, used: false };
    eachRetainer(graph, port, RETAINER_LIMIT, (from, edge) => {
      const type = graph.edgeType(edge);
      const name = graph.edgeNameOrIndex(edge);
      if (type === EDGE_TYPE.property && name === names.kHandle) found.channel = from;
      // Node's own scopes of a port name it so
      if (type === EDGE_TYPE.property || type === EDGE_TYPE.element) found.used = true;
      if (type === EDGE_TYPE.context && name !== names.eventEmitter && name !== names.port) found.used = true;
    });
    if (found.channel !== NO_NODE) {
      const name = objects.textProperty(found.channel, 'kName');
      see('handle', { type: 'BroadcastChannel', text: [name === null ? 'broadcast channel' : `broadcast channel '${name}'`], at: this.#targetListener(found.channel), details: {}, ofNode: false });
      return;
    }
    const at = this.#targetListener(port);
    // Node has one to each worker, and one that nobody has a use for is on its way to a worker
    if (!found.used && !this.#hasUserListeners(port)) return;
    see('handle', { type: 'MessagePort', text: ['message port'], at, details: {}, ofNode: false });
  }

  #worker(node: NodeIndex, see: (sort: 'handle' | 'request', resource: Resource) => void): void {
    const objects = this.#objects;
    const { graph, names } = objects;
    const found: { owner: NodeIndex } = { owner: NO_NODE };
    eachRetainer(graph, node, RETAINER_LIMIT, (from, edge) => {
      if (graph.edgeNameOrIndex(edge) === names.kHandle && graph.edgeType(edge) === EDGE_TYPE.property) found.owner = from;
    });
    if (found.owner !== NO_NODE) see('handle', { type: 'Worker', text: ['worker'], at: this.#listener(found.owner), details: {}, ofNode: false });
  }

  /** An HTTP request that has a socket and no whole answer yet: its socket knows it until then. */
  #clientRequest(request: NodeIndex): Resource | null {
    const objects = this.#objects;
    let socket = objects.property(request, 'kSocket');
    if (!objects.isObject(socket)) socket = objects.property(request, 'socketField');
    if (!objects.isObject(socket) || objects.property(socket, 'httpMessage') !== request || openHandle(objects, socket) === NO_NODE) return null;
    const { method, origin, path } = clientRequest(objects, request);
    const text = ['http request', method, `${origin ?? ''}${path ?? ''}`].filter((part) => part !== null && part !== '').join(' ');
    return { type: 'HTTPCLIENTREQUEST', text: [text], at: this.#listener(request), details: {}, ofNode: false };
  }

  /** Where the app listens to an emitter. */
  #listener(emitter: NodeIndex): RawPosition | null {
    const objects = this.#objects;
    const { graph } = objects;
    const events = objects.property(emitter, 'events');
    if (!objects.isObject(events)) return this.#targetListener(emitter);
    let best: RawPosition | null = null;
    let bestRank = Infinity;
    for (let edge = graph.firstEdge(events); edge < graph.endEdge(events); edge = (edge + 1) as EdgeIndex) {
      if (graph.edgeType(edge) !== EDGE_TYPE.property) continue;
      const telling = TELLING_EVENTS.indexOf(objects.edgeName(edge));
      const rank = telling < 0 ? TELLING_EVENTS.length : telling;
      if (rank >= bestRank) continue;
      const at = this.#userFunction(graph.target(edge));
      if (at === null) continue;
      best = at;
      bestRank = rank;
    }
    return best;
  }

  #userFunction(listener: NodeIndex): RawPosition | null {
    const objects = this.#objects;
    const { graph } = objects;
    if (objects.isClosure(listener)) {
      const at = objects.position(objects.innermost(listener));
      return at === null || objects.isNodeScript(at.scriptId) ? null : at;
    }
    if (graph.type(listener) !== NODE_TYPE.object || graph.nameIndex(listener) !== objects.names.arrayName) return null;
    for (let edge = graph.firstEdge(listener); edge < graph.endEdge(listener); edge = (edge + 1) as EdgeIndex) {
      const target = graph.target(edge);
      const at = graph.edgeType(edge) === EDGE_TYPE.element && objects.isClosure(target) ? this.#userFunction(target) : null;
      if (at !== null) return at;
    }
    return null;
  }

  #targetListener(target: NodeIndex): RawPosition | null {
    let found: RawPosition | null = null;
    this.#eachTargetListener(target, (callback) => {
      found ??= this.#userFunction(callback);
    });
    return found;
  }

  #hasUserListeners(target: NodeIndex): boolean {
    let found = false;
    this.#eachTargetListener(target, (callback) => {
      found ||= !this.#objects.isNodeFunction(callback);
    });
    return found;
  }

  /** The first listener of each event. */
  #eachTargetListener(target: NodeIndex, see: (callback: NodeIndex) => void): void {
    const objects = this.#objects;
    const { graph } = objects;
    const table = objects.internal(objects.property(target, 'kEvents'), 'table');
    if (table === NO_NODE) return;
    for (let edge = graph.firstEdge(table); edge < graph.endEdge(table); edge = (edge + 1) as EdgeIndex) {
      const listener = objects.property(graph.target(edge), 'next');
      if (!objects.isObject(listener)) continue;
      // V8's ordered hash table: the key stands before its value
      const event = objects.text(objects.entry(table, Number(objects.edgeName(edge)) - 1));
      if (event === null || INTERNAL_EVENTS.has(event)) continue;
      const callback = objects.property(listener, 'listener');
      see(this.#unwrapped(objects.isClosure(callback) ? callback : objects.property(listener, 'callback')));
    }
  }

  /** `onmessage = f` is called by a function of Node's that keeps it. */
  #unwrapped(callback: NodeIndex): NodeIndex {
    if (callback === NO_NODE) return callback;
    const handler = this.#objects.property(callback, 'handler');
    return this.#objects.isClosure(handler) ? handler : callback;
  }
}

function isOpenHandle(objects: HeapObjects, owner: NodeIndex, handle: NodeIndex): boolean {
  return objects.property(owner, 'handle') === handle || objects.property(owner, 'kHandle') === handle;
}
