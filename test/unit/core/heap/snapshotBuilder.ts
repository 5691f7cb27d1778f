/**
 * Heap snapshots in a few lines:
 *
 *   const s = snapshot();
 *   const promise = s.object('Promise');
 *   s.root.element(1, s.object('Generator').at(7, 3, 12).internal('receiver', promise));
 *   const graph = s.graph();
 *   graph.name(promise.index); // 'Promise'
 */
import type { HeapGraph, NodeIndex } from '../../../../src/core/heap/heapGraph';
import { readSnapshot } from '../../../../src/core/heap/snapshotReader';

/** As V8 calls and numbers them. */
export const V8_NODE_TYPES = [
  'hidden',
  'array',
  'string',
  'object',
  'code',
  'closure',
  'regexp',
  'number',
  'native',
  'synthetic',
  'concatenated string',
  'sliced string',
  'symbol',
  'bigint',
  'object shape',
] as const;
export type V8NodeType = (typeof V8_NODE_TYPES)[number];
export const V8_EDGE_TYPES = ['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'] as const;
export type V8EdgeType = (typeof V8_EDGE_TYPES)[number];

export interface BuiltLocation {
  readonly scriptId: number;
  readonly line: number;
  readonly column: number;
}

export interface BuiltEdge {
  readonly type: V8EdgeType;
  readonly name: string | number;
  readonly to: BuiltNode;
}

/** One node; what adds to it returns it. */
export class BuiltNode {
  readonly edges: BuiltEdge[] = [];
  location: BuiltLocation | undefined;

  constructor(
    readonly index: NodeIndex,
    readonly type: V8NodeType,
    readonly name: string,
    public id: number,
    public size: number,
  ) {}

  /** Names of `element` and `hidden` edges are numbers, all others strings. */
  edge(type: V8EdgeType, name: string | number, to: BuiltNode): this {
    this.edges.push({ type, name, to });
    return this;
  }

  context(name: string, to: BuiltNode): this {
    return this.edge('context', name, to);
  }

  element(index: number, to: BuiltNode): this {
    return this.edge('element', index, to);
  }

  property(name: string, to: BuiltNode): this {
    return this.edge('property', name, to);
  }

  internal(name: string, to: BuiltNode): this {
    return this.edge('internal', name, to);
  }

  hidden(index: number, to: BuiltNode): this {
    return this.edge('hidden', index, to);
  }

  shortcut(name: string, to: BuiltNode): this {
    return this.edge('shortcut', name, to);
  }

  weak(name: string, to: BuiltNode): this {
    return this.edge('weak', name, to);
  }

  /** Where its function is declared, 0-based. */
  at(scriptId: number, line: number, column: number): this {
    this.location = { scriptId, line, column };
    return this;
  }

  withId(id: number): this {
    this.id = id;
    return this;
  }

  withSize(bytes: number): this {
    this.size = bytes;
    return this;
  }
}

/** How the file is written; by default as Node 24 does. */
export interface SnapshotForm {
  readonly nodeFields?: readonly string[];
  readonly edgeFields?: readonly string[];
  readonly locationFields?: readonly string[];
  readonly nodeTypes?: readonly string[];
  readonly edgeTypes?: readonly string[];
  /** Overrides members of `snapshot`, such as `node_count`. */
  readonly snapshot?: Readonly<Record<string, unknown>>;
  /** White space as `JSON.stringify` makes it. */
  readonly indent?: number;
  /** Members of the outermost object after `edges`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

const NODE_FIELDS = ['type', 'name', 'id', 'self_size', 'edge_count', 'detachedness'];
const EDGE_FIELDS = ['type', 'name_or_index', 'to_node'];
const LOCATION_FIELDS = ['object_index', 'script_id', 'line', 'column'];
/** What V8 writes between edges and locations when nothing was recorded. */
const EXTRA = { trace_function_infos: [], trace_tree: [], samples: [] };
const NODE_SIZE = 16;

export class SnapshotBuilder {
  readonly nodes: BuiltNode[] = [];
  /** Node 0, as V8 has it. */
  readonly root = this.node('synthetic', '');
  readonly #strings = new Map<string, number>([['<dummy>', 0]]);

  node(type: V8NodeType, name: string): BuiltNode {
    const index = this.nodes.length;
    // V8 gives odd ids to what is on its heap
    const node = new BuiltNode(index as NodeIndex, type, name, 2 * index + 1, NODE_SIZE);
    this.nodes.push(node);
    return node;
  }

  object(name: string): BuiltNode {
    return this.node('object', name);
  }

  closure(name: string): BuiltNode {
    return this.node('closure', name);
  }

  code(name: string): BuiltNode {
    return this.node('code', name);
  }

  array(name = ''): BuiltNode {
    return this.node('array', name);
  }

  string(text: string): BuiltNode {
    return this.node('string', text);
  }

  number(name = 'heap number'): BuiltNode {
    return this.node('number', name);
  }

  symbol(name = 'symbol'): BuiltNode {
    return this.node('symbol', name);
  }

  native(name: string): BuiltNode {
    return this.node('native', name);
  }

  synthetic(name: string): BuiltNode {
    return this.node('synthetic', name);
  }

  hidden(name: string): BuiltNode {
    return this.node('hidden', name);
  }

  /** A function's context: an `object` node of this name. */
  functionContext(): BuiltNode {
    return this.object('system / Context');
  }

  graph(form: SnapshotForm = {}): HeapGraph {
    return readSnapshot(this.bytes(form));
  }

  bytes(form: SnapshotForm = {}): Uint8Array {
    return new TextEncoder().encode(this.text(form));
  }

  text(form: SnapshotForm = {}): string {
    return JSON.stringify(this.json(form), null, form.indent);
  }

  json(form: SnapshotForm = {}): Record<string, unknown> {
    const { nodeFields = NODE_FIELDS, edgeFields = EDGE_FIELDS, locationFields = LOCATION_FIELDS } = form;
    const { nodeTypes = V8_NODE_TYPES, edgeTypes = V8_EDGE_TYPES, extra = EXTRA } = form;
    const edges = this.nodes.flatMap((node) => node.edges);
    return {
      snapshot: {
        meta: {
          node_fields: nodeFields,
          node_types: nodeFields.map((field) => (field === 'type' ? nodeTypes : field === 'name' ? 'string' : 'number')),
          edge_fields: edgeFields,
          edge_types: edgeFields.map((field) => (field === 'type' ? edgeTypes : field === 'to_node' ? 'node' : 'string_or_number')),
          location_fields: locationFields,
        },
        node_count: this.nodes.length,
        edge_count: edges.length,
        trace_function_count: 0,
        ...form.snapshot,
      },
      nodes: this.nodes.flatMap((node) =>
        record(nodeFields, {
          type: nodeTypes.indexOf(node.type),
          name: this.#intern(node.name),
          id: node.id,
          self_size: node.size,
          edge_count: node.edges.length,
        }),
      ),
      edges: edges.flatMap(({ type, name, to }) =>
        record(edgeFields, {
          type: edgeTypes.indexOf(type),
          name_or_index: typeof name === 'number' ? name : this.#intern(name),
          to_node: to.index * nodeFields.length,
        }),
      ),
      ...extra,
      locations: this.nodes.flatMap(({ index, location }) =>
        location === undefined
          ? []
          : record(locationFields, {
              object_index: index * nodeFields.length,
              script_id: location.scriptId,
              line: location.line,
              column: location.column,
            }),
      ),
      strings: [...this.#strings.keys()],
    };
  }

  #intern(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const index = this.#strings.size;
    this.#strings.set(text, index);
    return index;
  }
}

/** A snapshot that has only its root. */
export function snapshot(): SnapshotBuilder {
  return new SnapshotBuilder();
}

function record(fields: readonly string[], values: Readonly<Record<string, number>>): number[] {
  return fields.map((field) => values[field] ?? 0);
}
