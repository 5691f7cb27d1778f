/** Listeners by class of emitter and event, where an emitter has more than its limit, or very many emitters have some alike. */
import { EDGE_TYPE, NODE_TYPE, NO_NODE } from '../heapGraph';
import type { EdgeIndex, NodeIndex } from '../heapGraph';
import type { RawPosition, RawResources } from '../heapAnalysis';
import { emitterName, eventName } from '../leaves/event';
import type { HeapObjects } from '../leaves/heapObjects';

/** Node's default for emitters and event targets: more listeners of one event are taken for a leak. */
const DEFAULT_LIMIT = 10;
/** Listeners of one event, over all emitters of a class, from which they are shown although no emitter is above its limit. */
const MANY_LISTENERS = 100;
/** Rows; the least numerous are left out. */
const ROW_LIMIT = 200;
/** Classes and events that are counted apart; further ones are left out. */
const GROUP_LIMIT = 10_000;
/** Places of listeners that are counted for one row; further ones are not. */
const PLACE_LIMIT = 64;
/** Edges of the object that holds an emitter's listeners that are looked at. */
const EVENT_LIMIT = 1_024;

interface Group {
  readonly emitter: string;
  readonly event: string;
  emitters: number;
  total: number;
  most: number;
  limitOfMost: number | null;
  aboveLimit: boolean;
  /** Of the app's listeners. */
  readonly places: Map<string, { count: number; readonly at: RawPosition }>;
}

export class ListenerCount {
  readonly #objects: HeapObjects;
  readonly #groups = new Map<string, Group>();

  constructor(objects: HeapObjects) {
    this.#objects = objects;
  }

  addEmitter(emitter: NodeIndex): void {
    const objects = this.#objects;
    const { graph, names } = objects;
    const events = objects.property(emitter, 'events');
    if (!objects.isObject(events)) return;
    let limit: number | null | undefined;
    const end = Math.min(graph.endEdge(events), graph.firstEdge(events) + EVENT_LIMIT);
    for (let edge = graph.firstEdge(events); edge < end; edge = (edge + 1) as EdgeIndex) {
      const type = graph.edgeType(edge);
      if ((type !== EDGE_TYPE.property && type !== EDGE_TYPE.element) || graph.edgeNameOrIndex(edge) === names.proto) continue;
      const target = graph.target(edge);
      const targetType = graph.type(target);
      if (targetType !== NODE_TYPE.closure && (targetType !== NODE_TYPE.object || graph.nameIndex(target) !== names.arrayName)) continue;
      if (limit === undefined) limit = this.#limit(emitter, 'maxListeners');
      const group = this.#group(emitterName(objects, emitter), eventName(objects.edgeName(edge)));
      if (group === undefined) continue;
      let count = 0;
      if (targetType === NODE_TYPE.closure) {
        count = 1;
        this.#place(group, target);
      } else {
        for (let item = graph.firstEdge(target); item < graph.endEdge(target); item = (item + 1) as EdgeIndex) {
          if (graph.edgeType(item) !== EDGE_TYPE.element || !objects.isClosure(graph.target(item))) continue;
          count++;
          this.#place(group, graph.target(item));
        }
      }
      this.#count(group, count, limit);
    }
  }

  addTarget(target: NodeIndex): void {
    const objects = this.#objects;
    const { graph, names } = objects;
    const table = objects.internal(objects.property(target, 'kEvents'), 'table');
    if (table === NO_NODE) return;
    for (let edge = graph.firstEdge(table); edge < graph.endEdge(table); edge = (edge + 1) as EdgeIndex) {
      const head = graph.target(edge);
      if (graph.type(head) !== NODE_TYPE.object || graph.nameIndex(head) !== names.objectName) continue;
      // V8's ordered hash table: the key stands before its value
      const event = objects.text(objects.entry(table, Number(objects.edgeName(edge)) - 1));
      if (event === null) continue;
      let listener = objects.property(head, 'next');
      if (!objects.isObject(listener)) continue;
      const group = this.#group(emitterName(objects, target), event);
      if (group === undefined) continue;
      let count = 0;
      while (objects.isObject(listener) && count < graph.nodeCount) {
        count++;
        const callback = objects.property(listener, 'callback');
        if (objects.isClosure(callback)) this.#place(group, callback);
        listener = objects.property(listener, 'next');
      }
      this.#count(group, count, this.#limit(target, 'eventTargetLimit'));
    }
  }

  /** Null where there is none, or where the snapshot has no numbers to tell. */
  #limit(emitter: NodeIndex, key: 'maxListeners' | 'eventTargetLimit'): number | null {
    const objects = this.#objects;
    const own = objects.property(emitter, key);
    if (own !== NO_NODE && objects.isNothing(own)) return DEFAULT_LIMIT;
    const limit = objects.number(own);
    return limit === null || limit === 0 || !Number.isFinite(limit) ? null : limit;
  }

  #group(emitter: string, event: string): Group | undefined {
    const key = `${emitter}\u0000${event}`;
    let group = this.#groups.get(key);
    if (group === undefined && this.#groups.size < GROUP_LIMIT) {
      group = { emitter, event, emitters: 0, total: 0, most: 0, limitOfMost: null, aboveLimit: false, places: new Map() };
      this.#groups.set(key, group);
    }
    return group;
  }

  #place(group: Group, closure: NodeIndex): void {
    const objects = this.#objects;
    const at = objects.position(objects.innermost(closure));
    if (at === null || objects.isNodeScript(at.scriptId)) return;
    const key = `${at.scriptId}:${at.line}:${at.column}`;
    const place = group.places.get(key);
    if (place !== undefined) place.count++;
    else if (group.places.size < PLACE_LIMIT) group.places.set(key, { count: 1, at });
  }

  #count(group: Group, count: number, limit: number | null): void {
    if (count === 0) return;
    group.emitters++;
    group.total += count;
    const above = limit !== null && count > limit;
    // one above its limit is told before any that is not
    if (above === group.aboveLimit ? count > group.most : above) {
      group.most = count;
      group.limitOfMost = limit;
    }
    group.aboveLimit ||= above;
  }

  rows(): RawResources['listeners'] {
    return [...this.#groups.values()]
      .filter(({ aboveLimit, most, places }) => aboveLimit || most > DEFAULT_LIMIT || sum(places) >= MANY_LISTENERS)
      .sort((a, b) => Number(b.aboveLimit) - Number(a.aboveLimit) || b.most - a.most || b.total - a.total)
      .slice(0, ROW_LIMIT)
      .map(({ emitter, event, emitters, most, limitOfMost, aboveLimit, places }) => ({
        emitter,
        event,
        emitters,
        count: most,
        limit: limitOfMost,
        aboveLimit,
        at: mostFrequent(places),
      }));
  }
}

function sum(places: Group['places']): number {
  let total = 0;
  for (const { count } of places.values()) total += count;
  return total;
}

function mostFrequent(places: Group['places']): RawPosition | null {
  let best: { count: number; at: RawPosition } | null = null;
  for (const place of places.values()) if (best === null || place.count > best.count) best = place;
  return best?.at ?? null;
}
