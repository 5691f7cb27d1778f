/** Requests that native code carries out, and handles that it holds (node: src/async_wrap.h). */
import { NO_NODE } from '../heapGraph';
import type { NodeIndex } from '../heapGraph';
import type { WaitsForKind } from '../../model/dump';
import { callbackOf, callbackText } from './callback';
import type { HeapObjects } from './heapObjects';
import { RANK, keyOf } from './leaf';
import type { Details, Leaf } from './leaf';
import { hostAndPort, openHandle } from './socket';

interface NativeKind {
  readonly kind: WaitsForKind;
  readonly text: string;
  /** A request ends by itself; a handle is open until it is closed. */
  readonly request: boolean;
}

/** By the names of the JavaScript objects. */
const KINDS: Readonly<Record<string, NativeKind>> = {
  FSReqCallback: { kind: 'fs', text: 'fs request', request: true },
  FSReqPromise: { kind: 'fs', text: 'fs request', request: true },
  FileHandleCloseReq: { kind: 'fs', text: 'fs request: close', request: true },
  FileHandle: { kind: 'fs', text: 'open file', request: false },
  DirHandle: { kind: 'fs', text: 'open directory', request: false },
  ReadFileJob: { kind: 'fs', text: 'fs request: readFile', request: true },
  FSEvent: { kind: 'fs', text: 'file watcher', request: false },
  StatWatcher: { kind: 'fs', text: 'file watcher', request: false },
  GetAddrInfoReqWrap: { kind: 'native', text: 'DNS look-up', request: true },
  GetNameInfoReqWrap: { kind: 'native', text: 'DNS look-up', request: true },
  QueryReqWrap: { kind: 'native', text: 'DNS query', request: true },
  TCPConnectWrap: { kind: 'socket', text: 'socket', request: true },
  PipeConnectWrap: { kind: 'socket', text: 'pipe', request: true },
  WriteWrap: { kind: 'socket', text: 'a write to a socket', request: true },
  ShutdownWrap: { kind: 'socket', text: 'the end of a socket', request: true },
  SendWrap: { kind: 'socket', text: 'a message over UDP', request: true },
  TCP: { kind: 'socket', text: 'socket', request: false },
  Pipe: { kind: 'socket', text: 'pipe', request: false },
  TTY: { kind: 'socket', text: 'terminal', request: false },
  UDP: { kind: 'socket', text: 'UDP socket', request: false },
  Process: { kind: 'child process', text: 'child process', request: false },
  Signal: { kind: 'native', text: 'signal handler', request: false },
  Zlib: { kind: 'native', text: 'compression', request: false },
  BrotliEncoder: { kind: 'native', text: 'compression', request: false },
  BrotliDecoder: { kind: 'native', text: 'decompression', request: false },
  ZstdCompress: { kind: 'native', text: 'compression', request: false },
  ZstdDecompress: { kind: 'native', text: 'decompression', request: false },
};

/** What compression streams have, by the name of its JavaScript object. */
export function isCompression(className: string): boolean {
  return className === 'Zlib' || className.startsWith('Brotli') || className.startsWith('Zstd');
}

/** What an object of native code is; null for one that settles nothing by itself, such as a binding. */
export function nativeKind(className: string): NativeKind | null {
  if (Object.hasOwn(KINDS, className)) return KINDS[className] ?? null;
  // crypto: PBKDF2Job, ScryptJob, RandomBytesJob, SignJob …
  if (className.endsWith('Job')) return { kind: 'native', text: `crypto: ${className.slice(0, -'Job'.length)}`, request: true };
  if (className.endsWith('ReqWrap') || className.endsWith('Request')) return { kind: 'native', text: className, request: true };
  return null;
}

/**
 * @param operation the function of `fs.promises` that waits, as it is called
 * @param path what that function was given
 */
export function nativeLeaf(objects: HeapObjects, node: NodeIndex, operation: string | null = null, path: string | null = null): Leaf | null {
  const className = objects.className(node);
  const native = nativeKind(className);
  if (native === null) return null;
  const details: Details = { class: className };
  let text = native.text;
  let callback: NodeIndex = NO_NODE;
  if (className === 'FSReqCallback') {
    const context = objects.property(node, 'contextField');
    const done = objects.property(context, 'callback');
    callback = objects.isClosure(done) ? done : objects.property(node, 'oncomplete');
    // node: lib/internal/fs/read/context.js
    if (objects.isObject(context) && objects.className(context) === 'ReadFileContext') operation = 'readFile';
  }
  if (operation !== null) {
    details['operation'] = operation;
    text = `${text}: ${operation}`;
  }
  if (path !== null) {
    details['path'] = path;
    text = `${text} ${path}`;
  }
  const host = objects.textProperty(node, 'hostname');
  if (host !== null) {
    details['host'] = host;
    text = `${text} of ${host}`;
  }
  const address = hostAndPort(objects.textProperty(node, 'address'), objects.numberProperty(node, 'port')) ?? objects.textProperty(node, 'address');
  if (address !== null) {
    details['address'] = address;
    text = `${text} ${address}: connecting`;
  }
  const described = callback === NO_NODE ? null : callbackOf(objects, callback);
  const whole = described === null ? [text] : [text, ...callbackText(described)];
  const at = described === null || described.isNode ? null : described.at;
  return {
    kind: native.kind,
    rank: RANK.work,
    settlers: 'in flight',
    text: whole,
    at,
    details,
    key: keyOf('native', whole, at),
    node,
  };
}

/** Events of an object with an open handle of libuv's: a watcher, a UDP socket; and signals. Null for any other emitter. */
export function handleLeaf(objects: HeapObjects, emitter: NodeIndex, event: string): Leaf | null {
  // node: lib/dgram.js keeps its handle in a state of its own
  const state = objects.property(emitter, 'datagramState');
  const handle = openHandle(objects, state === NO_NODE ? emitter : state);
  const native = handle === NO_NODE ? null : nativeKind(objects.className(handle));
  const isSignal = native === null && objects.className(emitter) === 'process' && /^SIG[A-Z0-9]+$/.test(event);
  if (native === null && !isSignal) return null;
  const text = native === null ? [`signal ${event}`] : [`${native.text}: ${event === 'message' ? 'reading' : `'${event}'`}`];
  return {
    kind: native === null ? 'event' : native.kind,
    rank: RANK.work,
    settlers: 'in flight',
    text,
    at: null,
    details: { emitter: objects.className(emitter), event },
    key: keyOf('handle', text, null),
    node: emitter,
    event,
  };
}

/** What V8 or Node's C++ holds without an object that says what it is. */
export function heldByNative(objects: HeapObjects, node: NodeIndex): Leaf {
  const { graph, names } = objects;
  const native = objects.nativeName(node);
  let what = native ?? 'native code';
  if (isAtomicsList(objects, node)) what = 'Atomics.waitAsync';
  else if ((native ?? objects.className(node)).includes('Module')) what = 'import()';
  const text = [what];
  // a handle of C++ on the promise itself is there to settle it, when the work is done that it stands for
  const isHandle = graph.nameIndex(node) === names.globalHandlesName;
  return { kind: 'native', rank: RANK.work, settlers: isHandle ? 'in flight' : 'native', text, at: null, details: {}, key: keyOf('native', text, null), node };
}

/**
 * Functions that ran when the snapshot was taken refer to something on the way. They may settle the promise; but what else is known says
 * more: a busy process always has some on the stack, and whatever these have at hand leads to many promises.
 */
export function runningLeaf(node: NodeIndex): Leaf {
  const text = ['running code'];
  return { kind: 'native', rank: RANK.unknown, settlers: 'native', text, at: null, details: {}, key: keyOf('native', text, null), node };
}

function isAtomicsList(objects: HeapObjects, node: NodeIndex): boolean {
  const { graph, names } = objects;
  const { first, edges } = graph.retainers;
  for (let i = first[node] ?? 0; i < (first[node + 1] ?? 0); i++) if (graph.arrays.edgeNames[edges[i] ?? 0] === names.atomicsWaiters) return true;
  return false;
}
