/** Listeners of event emitters (node: lib/events.js) and event targets (node: lib/internal/event_target.js). */
import { EDGE_TYPE, NODE_TYPE, NO_NODE } from '../heapGraph';
import type { EdgeIndex, NodeIndex } from '../heapGraph';
import { eachRetainer } from './eachRetainer';
import type { HeapObjects } from './heapObjects';
import { RANK, keyOf } from './leaf';
import type { Leaf } from './leaf';

/** Objects that refer to one that are looked at. */
const RETAINER_LIMIT = 32;

/** Events that mostly say that nothing more comes. A promise that other events settle too waits for those. */
const FAILURE_EVENTS: ReadonlySet<string> = new Set(['error', 'abort', 'aborted', 'messageerror', 'timeout', 'unhandledRejection']);
const CLOSE_EVENTS: ReadonlySet<string> = new Set(['close', 'exit', 'disconnect']);

/** The class of an event that tells of a failure. */
export const FAILURE_EVENT = 4;

export interface Subscription {
  readonly emitter: NodeIndex;
  readonly event: string;
}

/** Of listeners of event targets that were passed, by each the head of its list: lists can have hundreds of thousands. */
export type ListHeads = Map<NodeIndex, NodeIndex>;

/** 0 for an event that brings something, 1 and 2 for the end of what is read and written, 3 for a close, 4 for a failure. */
export function eventClass(event: string): 0 | 1 | 2 | 3 | typeof FAILURE_EVENT {
  if (FAILURE_EVENTS.has(event)) return FAILURE_EVENT;
  if (CLOSE_EVENTS.has(event)) return 3;
  return event === 'finish' ? 2 : event === 'end' ? 1 : 0;
}

/** Whether `from` is an array, and may be one of listeners: then all functions in it listen to the same. */
export function isListenerList({ graph, names }: HeapObjects, from: NodeIndex, edge: EdgeIndex): boolean {
  return graph.nameIndex(from) === names.arrayName && graph.type(from) === NODE_TYPE.object && graph.edgeType(edge) === EDGE_TYPE.element;
}

/** Where a function is a listener: `edge` is the one by which `from` refers to it. Null where it is none. */
export function subscription(objects: HeapObjects, heads: ListHeads, from: NodeIndex, edge: EdgeIndex): Subscription | null {
  const { graph, names } = objects;
  if (graph.type(from) !== NODE_TYPE.object) return null;
  const type = graph.edgeType(edge);
  if (type === EDGE_TYPE.element) {
    // the listener of an event that is named by a number
    if (!isListenerList(objects, from, edge)) return ofEmitter(objects, from, objects.edgeName(edge));
    let found: Subscription | null = null;
    eachRetainer(graph, from, RETAINER_LIMIT, (holder, holding) => {
      const holdingType = graph.edgeType(holding);
      if (found === null && (holdingType === EDGE_TYPE.property || holdingType === EDGE_TYPE.element)) found = ofEmitter(objects, holder, objects.edgeName(holding));
    });
    return found;
  }
  if (type !== EDGE_TYPE.property) return null;
  const name = graph.edgeNameOrIndex(edge);
  if (name === names.callback || name === names.listener) {
    const target = ofTarget(objects, heads, from);
    if (target !== null) return target;
  }
  return ofEmitter(objects, from, objects.edgeName(edge));
}

/** `holder` is what an emitter has as its `_events`. */
function ofEmitter(objects: HeapObjects, holder: NodeIndex, event: string): Subscription | null {
  const { graph, names } = objects;
  let emitter: NodeIndex = NO_NODE;
  eachRetainer(graph, holder, RETAINER_LIMIT, (from, edge) => {
    if (graph.edgeNameOrIndex(edge) === names.events && graph.edgeType(edge) === EDGE_TYPE.property) emitter = from;
  });
  return emitter === NO_NODE ? null : { emitter, event: eventName(event) };
}

/** From a `Listener` back to the head of its list, which is a value in the target's map of events. */
function ofTarget(objects: HeapObjects, heads: ListHeads, listener: NodeIndex): Subscription | null {
  const { graph, names } = objects;
  const head = headOf(objects, heads, listener);
  if (head === listener) return null;
  let found: Subscription | null = null;
  eachRetainer(graph, head, RETAINER_LIMIT, (table, entry) => {
    if (graph.type(table) !== NODE_TYPE.array || graph.edgeType(entry) !== EDGE_TYPE.internal) return;
    eachRetainer(graph, table, RETAINER_LIMIT, (map, edge) => {
      if (graph.edgeNameOrIndex(edge) !== names.table) return;
      eachRetainer(graph, map, RETAINER_LIMIT, (target, holding) => {
        if (graph.edgeNameOrIndex(holding) !== names.kEvents) return;
        // the entries of V8's ordered hash table: key, value, next in its bucket
        const key = objects.text(objects.entry(table, Number(objects.edgeName(entry)) - 1));
        found ??= { emitter: target, event: key ?? '' };
      });
    });
  });
  return found;
}

/** Each listener is passed once, whoever asks: all of one list are asked about. */
function headOf(objects: HeapObjects, heads: ListHeads, listener: NodeIndex): NodeIndex {
  const passed: NodeIndex[] = [];
  let head = listener;
  for (;;) {
    const known = heads.get(head);
    if (known !== undefined) {
      head = known;
      break;
    }
    const previous = objects.property(head, 'previous');
    if (!objects.isObject(previous)) break;
    passed.push(head);
    // until it is known: lists of the program's own can be rings
    heads.set(head, head);
    head = previous;
  }
  for (const each of passed) heads.set(each, head);
  return head;
}

/** `<symbol kName>` as people write it. */
export function eventName(name: string): string {
  return name.startsWith('<symbol ') && name.endsWith('>') ? `Symbol(${name.slice('<symbol '.length, -1)})` : name;
}

/** The class of an emitter. Node makes signals of its base class, and changes what they inherit from afterwards. */
export function emitterName(objects: HeapObjects, emitter: NodeIndex): string {
  return objects.property(emitter, 'aborted') === NO_NODE ? objects.className(emitter) : 'AbortSignal';
}

/** An emitter that is nothing better known. */
export function eventLeaf(objects: HeapObjects, { emitter, event }: Subscription): Leaf {
  const type = emitterName(objects, emitter);
  const text = [`event '${event}' of ${type}`];
  const at = objects.position(emitter);
  return {
    kind: 'event',
    rank: RANK.event,
    settlers: 'held',
    text,
    at: null,
    details: { emitter: type, event },
    key: keyOf('event', text, at),
    node: emitter,
    event,
  };
}
