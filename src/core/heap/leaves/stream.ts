/** Streams: Node's (node: lib/internal/streams) and the web's (node: lib/internal/webstreams). */
import { NO_NODE } from '../heapGraph';
import type { NodeIndex } from '../heapGraph';
import { eachRetainer } from './eachRetainer';
import { fetchLeaf } from './httpRequest';
import type { HeapObjects } from './heapObjects';
import { RANK, keyOf } from './leaf';
import type { Details, Leaf } from './leaf';
import { isCompression } from './native';
import { openHandle } from './socket';

/** Bits of a stream's state, the same in late Node 20 to 26 (node: lib/internal/streams/{utils,readable,writable}.js). */
const OBJECT_MODE = 1 << 0;
const READABLE_ENDED = 1 << 9;
const WRITABLE_NEED_DRAIN = 1 << 11;
const WRITABLE_ENDING = 1 << 12;
const WRITABLE_WRITING = 1 << 15;
const DESTROYED = 1 << 4;

export interface StreamSide {
  readonly side: 'readable' | 'writable';
  /** Bytes, or objects in object mode; null where the snapshot has no numbers. */
  readonly buffered: number | null;
  readonly highWaterMark: number | null;
  readonly objectMode: boolean;
  /** A writer was told to wait. */
  readonly needsDrain: boolean;
  readonly ended: boolean;
  readonly destroyed: boolean;
  /** A write is being carried out. */
  readonly writing: boolean;
}

/** One side of a stream; null where it has none. */
export function streamSide(objects: HeapObjects, stream: NodeIndex, side: 'readable' | 'writable'): StreamSide | null {
  const state = objects.property(stream, side === 'readable' ? 'readableState' : 'writableState');
  if (!objects.isObject(state)) return null;
  // a bit field may be any 32-bit number, which V8 keeps as a double where it is large
  const bits = objects.numberProperty(state, 'kState') ?? 0;
  return {
    side,
    buffered: objects.numberProperty(state, 'length'),
    highWaterMark: objects.numberProperty(state, 'highWaterMark'),
    objectMode: (bits & OBJECT_MODE) !== 0 || objects.isTrue(objects.property(state, 'objectMode')),
    needsDrain: side === 'writable' && (bits & WRITABLE_NEED_DRAIN) !== 0,
    ended: (bits & (side === 'writable' ? WRITABLE_ENDING : READABLE_ENDED)) !== 0,
    destroyed: (bits & DESTROYED) !== 0,
    writing: side === 'writable' && (bits & WRITABLE_WRITING) !== 0,
  };
}

const DOING: ReadonlyMap<string, string> = new Map([
  ['data', 'reading'],
  ['readable', 'reading'],
  ['end', 'reading to its end'],
  ['drain', 'waiting for drain'],
  ['write', 'a write to be done'],
  ['finish', 'writing to its end'],
  ['close', 'waiting for its close'],
]);

export function streamLeaf(objects: HeapObjects, stream: NodeIndex, event: string): Leaf {
  const type = objects.className(stream);
  const writes = event === 'drain' || event === 'write' || event === 'finish';
  const side = streamSide(objects, stream, writes ? 'writable' : 'readable') ?? streamSide(objects, stream, writes ? 'readable' : 'writable');
  const path = objects.textProperty(stream, 'path');
  const details: Details = { stream: type };
  if (path !== null) details['path'] = path;
  if (event !== '') details['event'] = event;
  if (side !== null) {
    if (side.buffered !== null) details['buffered'] = side.buffered;
    if (side.highWaterMark !== null) details['highWaterMark'] = side.highWaterMark;
    if (side.objectMode) details['objectMode'] = true;
  }
  const doing = DOING.get(event) ?? (event === '' ? '' : `'${event}'`);
  const text = [`stream ${type}${path === null ? '' : ` ${path}`}${doing === '' ? '' : `: ${doing}`}`];
  return {
    kind: 'stream',
    rank: RANK.stream,
    settlers: isUnderWay(objects, stream, writes) ? 'in flight' : 'held',
    text,
    at: null,
    details,
    key: keyOf(`stream ${event}`, text, null),
    node: stream,
    event,
  };
}

/** Streams that one flows through, from its source. */
const PIPE_LIMIT = 8;
/** Objects that refer to a stream's list entry that are looked at. */
const RETAINER_LIMIT = 32;

/** Whether native code does something for a stream now, or for the one that is piped into it: a socket's reading, a file's. */
function isUnderWay(objects: HeapObjects, stream: NodeIndex, writes: boolean): boolean {
  let source = stream;
  for (let i = 0; i < PIPE_LIMIT && source !== NO_NODE; i++) {
    // node: lib/internal/fs/streams.js
    if (objects.isTrue(objects.property(source, 'performingIO'))) return true;
    if (isUndiciBody(objects, source)) return true;
    const handle = openHandle(objects, source);
    if (handle !== NO_NODE && (!isCompression(objects.className(handle)) || streamSide(objects, source, 'writable')?.writing === true)) return true;
    if (writes) return false;
    source = pipedFrom(objects, source);
  }
  return false;
}

/** The body of a response of Node's `fetch` asks undici for more, which reads it from its socket. */
function isUndiciBody(objects: HeapObjects, stream: NodeIndex): boolean {
  const read = objects.property(stream, 'readMethod');
  const position = objects.isClosure(read) ? objects.position(objects.innermost(read)) : null;
  return position !== null && objects.scriptName(position.scriptId)?.startsWith('node:internal/deps/undici/') === true;
}

/** A stream whose list of pipes has this one. */
function pipedFrom(objects: HeapObjects, stream: NodeIndex): NodeIndex {
  const { graph, names } = objects;
  const found: { source: NodeIndex } = { source: NO_NODE };
  eachRetainer(graph, stream, RETAINER_LIMIT, (list) => {
    if (found.source !== NO_NODE || graph.nameIndex(list) !== names.arrayName) return;
    eachRetainer(graph, list, RETAINER_LIMIT, (state, edge) => {
      if (graph.edgeNameOrIndex(edge) !== names.pipes) return;
      eachRetainer(graph, state, RETAINER_LIMIT, (source, holding) => {
        if (graph.edgeNameOrIndex(holding) === names.readableState) found.source = source;
      });
    });
  });
  return found.source;
}

/** Lines, from whatever stream they come (node: lib/internal/readline/interface.js): more telling than that stream, which may be a socket. */
export function readlineLeaf(objects: HeapObjects, readline: NodeIndex, event: string): Leaf {
  const input = objects.property(readline, 'input');
  const open = objects.isObject(input) && openHandle(objects, input) !== NO_NODE;
  const text = [`readline: ${event === 'line' ? 'the next line' : event === '' ? 'an answer' : `'${event}'`}`];
  return {
    kind: 'stream',
    rank: RANK.work - 1,
    settlers: open ? 'in flight' : 'held',
    text,
    at: null,
    details: { stream: objects.className(readline), ...(objects.isObject(input) ? { input: objects.className(input) } : {}) },
    key: keyOf('readline', text, null),
    node: readline,
    event,
  };
}

/** Readers and writers of web streams, and the streams; null for what is none of them. */
export function webStreamLeaf(objects: HeapObjects, node: NodeIndex, viaReady: boolean): Leaf | null {
  const type = objects.className(node);
  const state = objects.property(node, 'kState');
  let stream: NodeIndex = node;
  let doing: string;
  if (/^Readable.*Reader$/.test(type)) {
    stream = objects.property(state, 'stream');
    doing = 'reading';
  } else if (type === 'WritableStreamDefaultWriter') {
    stream = objects.property(state, 'stream');
    doing = viaReady ? 'waiting until it is ready' : 'waiting for its close';
  } else if (type === 'WritableStream') {
    doing = 'a write to be done';
  } else if (type === 'ReadableStream') {
    doing = 'reading';
  } else if (type === 'TransformStream') {
    doing = 'waiting for its other side';
  } else {
    return null;
  }
  if (objects.isObject(stream) && doing === 'reading') {
    const request = fetchBehind(objects, stream);
    if (request !== NO_NODE) return fetchLeaf(objects, request, 'reading the response');
  }
  const name = (objects.isObject(stream) ? objects.className(stream) : type).replace(/^Internal/, '');
  const text = [`stream ${name}: ${doing}`];
  // of two that a pipe joins, the one that is read
  return { kind: 'stream', rank: doing === 'reading' ? RANK.stream : RANK.stream + 1, settlers: 'held', text, at: null, details: { stream: name }, key: keyOf('stream', text, null), node: stream };
}

/** Scopes around a function that are looked at. */
const SCOPE_LIMIT = 4;

/** The request whose response a stream is: `fetch` makes the stream with functions that know it. */
function fetchBehind(objects: HeapObjects, stream: NodeIndex): NodeIndex {
  const controller = objects.property(objects.property(stream, 'kState'), 'controller');
  const state = objects.property(controller, 'kState');
  for (const key of ['pullAlgorithm', 'cancelAlgorithm'] as const) {
    let closure = objects.property(state, key);
    if (objects.isClosure(closure)) closure = objects.innermost(closure);
    let scope = objects.internal(closure, 'context');
    for (let i = 0; i < SCOPE_LIMIT && scope !== NO_NODE; i++) {
      const found = fetchIn(objects, scope);
      if (found !== NO_NODE) return found;
      // what a stream is given as its source is called by wrappers, which keep it in a scope
      for (const variable of ['fn', 'pull', 'cancel'] as const) {
        const wrapped = objects.variable(scope, variable);
        const inner = objects.isClosure(wrapped) ? fetchIn(objects, objects.internal(wrapped, 'context')) : NO_NODE;
        if (inner !== NO_NODE) return inner;
      }
      scope = objects.internal(scope, 'previous');
    }
  }
  return NO_NODE;
}

function fetchIn(objects: HeapObjects, context: NodeIndex): NodeIndex {
  let scope = context;
  for (let i = 0; i < SCOPE_LIMIT && scope !== NO_NODE; i++) {
    const params = objects.variable(scope, 'fetchParams');
    if (objects.isObject(params)) return objects.property(params, 'request');
    scope = objects.internal(scope, 'previous');
  }
  return NO_NODE;
}
