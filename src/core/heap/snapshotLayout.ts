/** What a snapshot says of its own layout, in `snapshot.meta`: which fields there are, in which order, and the names of types. */
import { EDGE_TYPE, NODE_TYPE } from './heapGraph';
import type { EdgeType, NodeType } from './heapGraph';
import { SnapshotError } from './snapshotError';

export interface SnapshotLayout {
  readonly nodeCount: number;
  readonly edgeCount: number;
  /** Positions of fields in a node's record, which has `fields` numbers. */
  readonly node: {
    readonly fields: number;
    readonly type: number;
    readonly name: number;
    readonly id: number;
    readonly selfSize: number;
    readonly edgeCount: number;
    /** Our type for each of the file's. */
    readonly types: readonly NodeType[];
  };
  readonly edge: {
    readonly fields: number;
    readonly type: number;
    readonly nameOrIndex: number;
    readonly toNode: number;
    readonly types: readonly EdgeType[];
    /** 1 for each of the file's types whose name is a string. */
    readonly named: readonly (0 | 1)[];
  };
  readonly location: {
    readonly fields: number;
    readonly objectIndex: number;
    readonly scriptId: number;
    readonly line: number;
    readonly column: number;
  };
}

/** Most fields of a record; V8's have up to 7. Files with more are refused as unknown. */
const MOST_FIELDS = 32;
/** Offsets of nodes are kept in 32 bits. */
const MOST_NUMBERS = 0xffffffff;

/** V8's names (`HeapSnapshotJSONSerializer::SerializeSnapshot`). */
const NODE_TYPES: Readonly<Record<string, NodeType>> = {
  hidden: NODE_TYPE.hidden,
  array: NODE_TYPE.array,
  string: NODE_TYPE.string,
  object: NODE_TYPE.object,
  code: NODE_TYPE.code,
  closure: NODE_TYPE.closure,
  regexp: NODE_TYPE.regexp,
  number: NODE_TYPE.number,
  native: NODE_TYPE.native,
  synthetic: NODE_TYPE.synthetic,
  'concatenated string': NODE_TYPE.concatenatedString,
  'sliced string': NODE_TYPE.slicedString,
  symbol: NODE_TYPE.symbol,
  bigint: NODE_TYPE.bigint,
  'object shape': NODE_TYPE.objectShape,
};
const EDGE_TYPES: Readonly<Record<string, EdgeType>> = {
  context: EDGE_TYPE.context,
  element: EDGE_TYPE.element,
  property: EDGE_TYPE.property,
  internal: EDGE_TYPE.internal,
  hidden: EDGE_TYPE.hidden,
  shortcut: EDGE_TYPE.shortcut,
  weak: EDGE_TYPE.weak,
};

/** What V8 has always written, for files without a description of their locations. */
const LOCATION_FIELDS = ['object_index', 'script_id', 'line', 'column'];

/**
 * @param bytes the value of `snapshot`, JSON
 * @throws {SnapshotError}
 */
export function parseLayout(bytes: readonly number[]): SnapshotLayout {
  const snapshot = parseJson(bytes);
  const meta = member(snapshot, 'meta');
  const nodeCount = countOf(snapshot, 'node_count');
  const edgeCount = countOf(snapshot, 'edge_count');
  const nodeFields = fieldsOf(meta, 'node_fields');
  const edgeFields = fieldsOf(meta, 'edge_fields');
  const locationFields = meta['location_fields'] === undefined ? LOCATION_FIELDS : fieldsOf(meta, 'location_fields');
  const typeOfNode = position(nodeFields, 'type');
  const typeOfEdge = position(edgeFields, 'type');
  const nodeTypes = typesOf(meta, 'node_types', typeOfNode);
  const edgeTypes = typesOf(meta, 'edge_types', typeOfEdge);
  if (nodeCount * nodeFields.length > MOST_NUMBERS || edgeCount > MOST_NUMBERS) {
    throw new SnapshotError('too large', `This heap snapshot says that it has ${nodeCount} nodes and ${edgeCount} edges, which is more than can be read.`);
  }
  return {
    nodeCount,
    edgeCount,
    node: {
      fields: nodeFields.length,
      type: typeOfNode,
      name: position(nodeFields, 'name'),
      id: position(nodeFields, 'id'),
      selfSize: position(nodeFields, 'self_size'),
      edgeCount: position(nodeFields, 'edge_count'),
      types: nodeTypes.map((name) => lookUp(NODE_TYPES, name) ?? NODE_TYPE.other),
    },
    edge: {
      fields: edgeFields.length,
      type: typeOfEdge,
      nameOrIndex: position(edgeFields, 'name_or_index'),
      toNode: position(edgeFields, 'to_node'),
      types: edgeTypes.map((name) => lookUp(EDGE_TYPES, name) ?? EDGE_TYPE.other),
      // an edge of a type that is not known may be named either way
      named: edgeTypes.map((name) => (name === 'element' || name === 'hidden' || lookUp(EDGE_TYPES, name) === undefined ? 0 : 1)),
    },
    location: {
      fields: locationFields.length,
      objectIndex: position(locationFields, 'object_index'),
      scriptId: position(locationFields, 'script_id'),
      line: position(locationFields, 'line'),
      column: position(locationFields, 'column'),
    },
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

function parseJson(bytes: readonly number[]): JsonObject {
  let text = '';
  // names beyond ASCII would be names that are not known in any case
  for (const byte of bytes) text += String.fromCharCode(byte);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SnapshotError('corrupted', 'The heap snapshot is damaged: its description is not JSON. Take it again.', { cause });
  }
  if (!isObject(value)) throw unknown('has no description');
  return value;
}

function member(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  if (!isObject(value)) throw unknown(`does not describe its "${key}"`);
  return value;
}

function countOf(object: JsonObject, key: string): number {
  const value = object[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw unknown(`does not say its "${key}"`);
  return value;
}

function fieldsOf(meta: JsonObject, key: string): readonly string[] {
  const value = meta[key];
  if (!isStrings(value) || value.length > MOST_FIELDS) throw unknown(`does not describe its "${key}"`);
  return value;
}

/** The names of types stand where the type stands among the fields: `[["hidden", …], "string", …]`. */
function typesOf(meta: JsonObject, key: string, field: number): readonly string[] {
  const value = meta[key];
  const types: unknown = Array.isArray(value) ? value[field] : undefined;
  if (!isStrings(types)) throw unknown(`does not describe its "${key}"`);
  return types;
}

function position(fields: readonly string[], name: string): number {
  const index = fields.indexOf(name);
  if (index < 0) throw unknown(`has no field "${name}"`);
  return index;
}

function lookUp<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function unknown(what: string): SnapshotError {
  return new SnapshotError('unknown layout', `The heap snapshot ${what}, so it cannot be read. It may come from another version of V8 or another tool.`);
}
