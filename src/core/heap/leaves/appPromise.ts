/** The app's own promises: a lock, a queue, a deferred. Whoever holds the resolver settles them. */
import { EDGE_TYPE, NODE_TYPE } from '../heapGraph';
import type { EdgeIndex, NodeIndex } from '../heapGraph';
import type { RawPosition, RawText } from '../heapAnalysis';
import { clip } from '../../format/text';
import type { HeapObjects, ScopePlace } from './heapObjects';
import { TEXT_LIMIT } from './heapObjects';
import { RANK, keyOf } from './leaf';
import type { Details, Leaf, Step } from './leaf';

/** Names of a path that are written; what is farther in is left out. */
const PATH_LIMIT = 5;

/**
 * Who holds a resolver.
 * @param top where the way up ended: a scope, the global object, a suspended function, or where it could not go on
 */
export function heldLeaf(objects: HeapObjects, top: Step): Leaf {
  const { graph, names } = objects;
  const path: string[] = [];
  let collection: string | null = null;
  let owner: string | null = null;
  let at: RawPosition | null = null;
  let variable: string | null = null;
  let scope = top.node;
  for (let step = top; step.below !== null && step.edge >= 0; step = step.below) {
    const edge = step.edge as EdgeIndex;
    const type = graph.edgeType(edge);
    const holder = step.node;
    const name = objects.edgeName(edge);
    if (type === EDGE_TYPE.context) {
      // what a function on the way captured is a detail of that function, unless it is a collection, which tells more
      if (path.length > 0 && objects.isClosure(step.below.node)) break;
      path.length = 0;
      path.push(name === 'this' ? objects.className(step.below.node) : name);
      variable = name === 'this' ? null : name;
      scope = holder;
    } else if (type === EDGE_TYPE.property) {
      if (graph.type(holder) === NODE_TYPE.object && graph.nameIndex(holder) !== names.objectName) {
        owner ??= objects.realm.isGlobal(holder) ? null : objects.className(holder);
        at ??= userPosition(objects, holder);
      }
      path.push(path.length === 0 ? (objects.realm.isGlobal(holder) ? `globalThis.${name}` : `${objects.className(holder)}.${name}`) : `.${name}`);
    } else if (type === EDGE_TYPE.element) {
      collection = 'Array';
      path.push(path.length === 0 ? 'Array[…]' : '[…]');
      break;
    } else if (type === EDGE_TYPE.internal && graph.edgeNameOrIndex(edge) === names.table) {
      collection = objects.className(holder);
      if (path.length === 0) path.push(collection);
      break;
    } else if (
      graph.type(holder) !== NODE_TYPE.array &&
      !objects.isClosure(holder) &&
      !isScope(objects, holder) &&
      graph.edgeNameOrIndex(edge) !== objects.index.edge.receiver
    ) {
      break;
    }
  }
  const function_ = firstFunction(objects, top);
  // a function that reaches a collection through its object does not hold what is in it
  const suspended = owner === null && collection === null ? suspendedFunction(objects, top) : null;
  at = function_ ?? suspended?.at ?? at;
  const name = clip(path.slice(0, PATH_LIMIT).join(''), TEXT_LIMIT);
  const details: Details = {};
  if (name !== '') details['holder'] = name;
  if (collection !== null) details['collection'] = collection;
  if (owner !== null) details['class'] = owner;
  const place = isScope(objects, scope) ? objects.placeOfScope(scope) : null;
  const text = suspended === null ? held(name, collection, variable, place) : heldBySuspended(suspended);
  return { kind: 'app promise', rank: objects.realm.isGlobal(top.node) ? RANK.held + 1 : RANK.held, settlers: 'held', text, at, details, key: keyOf('app promise', text, at), node: top.node };
}

function heldBySuspended({ name, at }: { name: string; at: RawPosition | null }): RawText {
  if (at === null) return [`its resolver is held by ${name}`];
  return ['its resolver is held by ', name === '' ? 'a function' : { function: name, declared: at }, ' (', { at }, '), which is suspended'];
}

/** @param variable what the path begins with, where that is the variable of a scope */
function held(path: string, collection: string | null, variable: string | null, place: ScopePlace | null): RawText {
  if (path === '') return ['its resolver is still held'];
  const where = `its resolver is in ${collection === null || path === collection || path.startsWith('Array') ? '' : `${collection} `}`;
  if (place === null) return [`${where}${path}`];
  if (variable === null || !place.isOutermost || !path.startsWith(variable)) return [`${where}${path} in `, { file: place.at }];
  const { scriptId: script } = place.at;
  return [where, { variable, script, show: 'name' }, `${path.slice(variable.length)} in `, { variable, script, show: 'file' }];
}

/** The suspended function at whose variables the way ended. */
function suspendedFunction(objects: HeapObjects, top: Step): { name: string; at: RawPosition | null } | null {
  const { graph } = objects;
  if (graph.type(top.node) !== NODE_TYPE.object) return null;
  const closure = objects.internal(top.node, 'functionEdge');
  return objects.isClosure(closure) ? { name: objects.className(closure), at: objects.position(closure) } : null;
}

/** The app's function nearest to the promise: the one that calls the resolver. */
export function firstFunction(objects: HeapObjects, top: Step): RawPosition | null {
  let found: RawPosition | null = null;
  for (let step: Step | null = top; step !== null; step = step.below) {
    if (objects.isClosure(step.node)) found = userPosition(objects, step.node) ?? found;
  }
  return found;
}

function userPosition(objects: HeapObjects, node: NodeIndex): RawPosition | null {
  const position = objects.position(node);
  return position === null || objects.isNodeScript(position.scriptId) ? null : position;
}

function isScope(objects: HeapObjects, node: NodeIndex): boolean {
  return objects.graph.nameIndex(node) === objects.names.contextName;
}
