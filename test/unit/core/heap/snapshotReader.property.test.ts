/** The reader against random snapshots, whole and damaged. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EDGE_TYPE, NODE_TYPE } from '../../../../src/core/heap/heapGraph';
import type { EdgeIndex, HeapGraph, NodeIndex, StringIndex } from '../../../../src/core/heap/heapGraph';
import { SnapshotError } from '../../../../src/core/heap/snapshotError';
import { readSnapshot, SnapshotReader } from '../../../../src/core/heap/snapshotReader';
import type { SnapshotCounts } from '../../../../src/core/heap/snapshotReader';
import type { SnapshotBuilder, SnapshotForm } from './snapshotBuilder';
import { snapshot, V8_EDGE_TYPES, V8_NODE_TYPES } from './snapshotBuilder';

const LARGEST = 0xffffffff;
/** In the order of `NODE_TYPE`, which is V8's; a type that nobody knows comes last. */
const NODE_TYPES = [...V8_NODE_TYPES, 'wasm object'];
const EDGE_TYPES = [...V8_EDGE_TYPES, 'ephemeron'];

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('', 'Promise', '"\\', '\u2028', '\ud800', 'ä\n'), fc.string({ unit: fc.constantFrom('x', '\\', '"', 'é', '😀', '\udc00'), maxLength: 6 }));
const number = fc.oneof(fc.nat({ max: 2000 }), fc.nat({ max: LARGEST }), fc.constantFrom(0, LARGEST, 2 ** 40));

interface Model {
  readonly nodes: readonly { type: number; name: string; id: number; size: number; location: readonly [number, number, number] | undefined }[];
  readonly edges: readonly { from: number; type: number; name: string; index: number; to: number }[];
}

const model: fc.Arbitrary<Model> = fc.record({
  nodes: fc.array(
    fc.record({
      type: fc.nat({ max: NODE_TYPES.length - 1 }),
      name: text,
      id: number,
      size: number,
      location: fc.option(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { nil: undefined }),
    }),
    { maxLength: 20 },
  ),
  edges: fc.array(
    fc.record({ from: fc.nat(), type: fc.nat({ max: EDGE_TYPES.length - 1 }), name: text, index: number, to: fc.nat() }),
    { maxLength: 60 },
  ),
});

const form: fc.Arbitrary<SnapshotForm> = fc.record({
  nodeFields: shuffled(['type', 'name', 'id', 'self_size', 'edge_count'], ['detachedness', 'trace_node_id', 'colour']),
  edgeFields: fc.oneof(fc.constant(['type', 'name_or_index', 'to_node']), shuffled(['type', 'name_or_index', 'to_node'], ['since'])),
  locationFields: shuffled(['object_index', 'script_id', 'line', 'column'], ['end']),
  nodeTypes: fc.shuffledSubarray(NODE_TYPES, { minLength: NODE_TYPES.length }),
  edgeTypes: fc.shuffledSubarray(EDGE_TYPES, { minLength: EDGE_TYPES.length }),
  indent: fc.constantFrom(0, 1, 3),
  extra: fc.dictionary(fc.string({ maxLength: 9 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3, noNullPrototype: true }).filter(
    (extra) => !['snapshot', 'nodes', 'edges', 'locations', 'strings'].some((key) => key in extra),
  ),
});

describe('any snapshot', () => {
  it('is read as it was built, wherever its bytes are divided and whatever is known of it', () => {
    fc.assert(
      fc.property(model, form, fc.array(fc.nat({ max: 300 })), fc.constantFrom(...KNOWN), (plan, written, cuts, known) => {
        const bytes = build(plan).bytes(written);
        expectModel(read(bytes, cuts, known), plan);
      }),
      { numRuns: 300 },
    );
  });

  it('is read as it was built when V8 has formatted it', () => {
    fc.assert(
      fc.property(model, fc.array(fc.nat({ max: 300 })), (plan, cuts) => {
        expectModel(read(new TextEncoder().encode(asV8(build(plan).json({ nodeTypes: NODE_TYPES, edgeTypes: EDGE_TYPES }))), cuts, 'its size'), plan);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a damaged snapshot', () => {
  it('that breaks off is truncated, unless only white space is missing', () => {
    fc.assert(
      fc.property(model, form, fc.nat(), fc.array(fc.nat({ max: 300 })), (plan, written, seed, cuts) => {
        const bytes = build(plan).bytes(written);
        const cut = bytes.subarray(0, seed % bytes.length);
        expect(outcome(() => read(cut, cuts, 'nothing'))).toMatch(/^(truncated|not a snapshot)$/);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused or read as what it says, and nothing else happens', () => {
    const change = fc.record({
      at: fc.nat(),
      length: fc.constantFrom(0, 0, 1, 2, 20),
      by: fc.oneof(fc.constantFrom(...[...new TextEncoder().encode('0123456789,[]{}":-\\ \n')].map((byte) => [byte])), fc.array(fc.nat({ max: 255 }), { maxLength: 5 })),
    });
    fc.assert(
      fc.property(model, form, fc.boolean(), fc.array(change, { minLength: 1, maxLength: 3 }), fc.array(fc.nat({ max: 300 })), (plan, written, likeV8, changes, cuts) => {
        const builder = build(plan);
        let bytes: number[] = likeV8
          ? [...new TextEncoder().encode(asV8(builder.json({ nodeTypes: NODE_TYPES, edgeTypes: EDGE_TYPES })))]
          : [...builder.bytes(written)];
        for (const { at, length, by } of changes) {
          const start = at % bytes.length;
          bytes = [...bytes.slice(0, start), ...by, ...bytes.slice(start + length)];
        }
        const damaged = Uint8Array.from(bytes);
        const results = KNOWN.map((known) => {
          try {
            return read(damaged, cuts, known);
          } catch (error) {
            if (!(error instanceof SnapshotError)) throw error;
            return undefined;
          }
        });
        expect(new Set(results.map((result) => result === undefined)).size).toBe(1);
        for (const graph of results) if (graph !== undefined) expectSound(graph, damaged);
      }),
      { numRuns: 1000 },
    );
  });

  it('of random bytes is refused', () => {
    const letters = new TextEncoder().encode('{}[]":,0123456789');
    const byte = fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...letters));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 200 }), fc.boolean(), (bytes, open) => {
        const garbage = Uint8Array.from(open ? [...new TextEncoder().encode('{"snapshot":'), ...bytes] : bytes);
        expect(outcome(() => read(garbage, [], 'its size'))).not.toBe('read');
      }),
      { numRuns: 500 },
    );
  });
});

function shuffled(needed: string[], more: string[]): fc.Arbitrary<string[]> {
  return fc.subarray(more).chain((some) => fc.shuffledSubarray([...needed, ...some], { minLength: needed.length + some.length }));
}

/** The root is node 0, the model's nodes follow. */
function build(plan: Model): SnapshotBuilder {
  const s = snapshot();
  for (const { type, name, id, size, location } of plan.nodes) {
    const node = s.node((NODE_TYPES[type] ?? 'hidden') as (typeof V8_NODE_TYPES)[number], name).withId(id).withSize(size);
    if (location !== undefined) node.at(...location);
  }
  for (const { from, type, name, index, to } of plan.edges) {
    const kind = EDGE_TYPES[type] as (typeof V8_EDGE_TYPES)[number];
    const target = s.nodes[to % s.nodes.length] ?? s.root;
    s.nodes[from % s.nodes.length]?.edge(kind, isNumbered(type) ? index : name, target);
  }
  return s;
}

/** White space where V8 puts it: after each node and each edge. */
function asV8(json: Record<string, unknown>): string {
  const members = Object.entries(json).map(([key, value]) => {
    const record = key === 'nodes' ? 6 : key === 'edges' ? 3 : 0;
    if (record === 0) return `"${key}":${JSON.stringify(value)}`;
    const numbers = value as number[];
    const rows = Array.from({ length: numbers.length / record }, (_, i) => `${numbers.slice(i * record, (i + 1) * record).join(',')}\n`);
    return `"${key}":[${rows.join(',')}]`;
  });
  return `{${members.join(',\n')}}\n`;
}

/** What is known of a snapshot before it is read: room is made accordingly. */
const KNOWN = ['its size', 'that there is memory for it', 'nothing'] as const;
type Known = (typeof KNOWN)[number];

/** Of nodes and edges: what there is memory for. */
const MOST_ENTRIES = 1e6;

function read(bytes: Uint8Array, cuts: readonly number[], known: Known): HeapGraph {
  const announced = ({ nodes, edges }: SnapshotCounts): void => {
    if (nodes + edges > MOST_ENTRIES) throw new SnapshotError('too large', 'There is no memory for it.');
  };
  const reader = new SnapshotReader(known === 'its size' ? { size: bytes.length } : known === 'nothing' ? {} : { announced });
  let at = 0;
  for (const length of cuts) {
    reader.push(bytes.subarray(at, at + length));
    at += length;
  }
  reader.push(bytes.subarray(at));
  return reader.finish();
}

function outcome(act: () => unknown): string {
  try {
    act();
    return 'read';
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    return error.reason;
  }
}

function isNumbered(type: number): boolean {
  return ['element', 'hidden', 'ephemeron'].includes(EDGE_TYPES[type] ?? '');
}

function expectModel(graph: HeapGraph, plan: Model): void {
  expect(graph.nodeCount).toBe(plan.nodes.length + 1);
  plan.nodes.forEach(({ type, name, id, size, location }, i) => {
    const node = (i + 1) as NodeIndex;
    const [scriptId, line, column] = location ?? [];
    expect({ type: graph.type(node), name: graph.name(node), id: graph.id(node), size: graph.arraySize(node), location: graph.location(node) }).toEqual({
      type,
      name: name,
      id: Math.min(id, LARGEST),
      size: type === NODE_TYPE.array ? Math.min(size, LARGEST) : 0,
      location: location === undefined ? undefined : { scriptId, line, column },
    });
  });
  const edges = Array.from({ length: graph.nodeCount }, (_, from) =>
    plan.edges
      .filter((edge) => edge.from % graph.nodeCount === from)
      .map(({ type, name, index, to }) => ({ type, name: isNumbered(type) ? Math.min(index, LARGEST) : name, to: to % graph.nodeCount })),
  );
  expect(Array.from({ length: graph.nodeCount }, (_, node) => edgesOf(graph, node as NodeIndex))).toEqual(edges);
  const names = [...new Set([...plan.nodes.map(({ name }) => name), 'none of them'])];
  const known = new Set(Array.from({ length: graph.strings.count }, (_, i) => graph.strings.get(i as StringIndex)));
  graph.strings.find(names).forEach((index, i) => {
    expect(index === undefined ? undefined : graph.strings.get(index)).toBe(known.has(names[i] ?? '') ? names[i] : undefined);
  });
}

function edgesOf(graph: HeapGraph, node: NodeIndex): unknown[] {
  const edges: unknown[] = [];
  for (let edge: number = graph.firstEdge(node); edge < graph.endEdge(node); edge++) {
    const type = graph.edgeType(edge as EdgeIndex);
    const name = graph.edgeNameOrIndex(edge as EdgeIndex);
    edges.push({ type, name: isNumbered(type) ? name : graph.strings.get(name as StringIndex), to: graph.target(edge as EdgeIndex) });
  }
  return edges;
}

/** Nothing leads out of the graph; and where JSON can be made of the bytes, it has the same numbers and strings. */
function expectSound(graph: HeapGraph, bytes: Uint8Array): void {
  const { arrays, nodeCount, edgeCount } = graph;
  expect(arrays.firstEdges.length).toBe(nodeCount + 1);
  expect(arrays.firstEdges[0]).toBe(0);
  expect(arrays.firstEdges[nodeCount]).toBe(edgeCount);
  expect(arrays.edgeTargets.every((target) => target < nodeCount)).toBe(true);
  expect(arrays.nodeNames.every((name) => name < graph.strings.count)).toBe(true);
  for (let edge = 0; edge < edgeCount; edge++) {
    const type = arrays.edgeTypes[edge] ?? 0;
    if (type !== EDGE_TYPE.element && type !== EDGE_TYPE.hidden && type !== EDGE_TYPE.other) expect(arrays.edgeNames[edge]).toBeLessThan(graph.strings.count);
  }
  expect(arrays.nodeTypes.every((type) => type <= NODE_TYPE.other)).toBe(true);
  let json: { snapshot: { meta: { node_fields: string[]; edge_fields: string[] } }; nodes: number[]; edges: number[]; strings: string[] };
  try {
    json = JSON.parse(new TextDecoder('utf-8', { ignoreBOM: false }).decode(bytes)) as typeof json;
  } catch {
    return;
  }
  const { node_fields: nodeFields, edge_fields: edgeFields } = json.snapshot.meta;
  const column = (numbers: number[], fields: string[], field: string): number[] =>
    numbers.filter((_, i) => i % fields.length === fields.indexOf(field)).map((value) => Math.min(value, LARGEST));
  expect([...arrays.nodeIds]).toEqual(column(json.nodes, nodeFields, 'id'));
  expect(column(json.nodes, nodeFields, 'self_size').map((size, node) => (arrays.nodeTypes[node] === NODE_TYPE.array ? size : 0))).toEqual(
    Array.from({ length: nodeCount }, (_, node) => graph.arraySize(node as NodeIndex)),
  );
  expect([...arrays.nodeNames]).toEqual(column(json.nodes, nodeFields, 'name'));
  expect([...arrays.edgeNames]).toEqual(column(json.edges, edgeFields, 'name_or_index'));
  expect([...arrays.edgeTargets].map((target) => target * nodeFields.length)).toEqual(column(json.edges, edgeFields, 'to_node'));
  // how many of them stand for bytes that are no UTF-8 is a matter of taste
  const comparable = (string: string): string => string.replace(/\ufffd+/g, '\ufffd');
  expect(Array.from({ length: graph.strings.count }, (_, i) => comparable(graph.strings.get(i as StringIndex)))).toEqual(json.strings.map(comparable));
}

describe('the size of a file', () => {
  it('bounds what is made room for', () => {
    const claims = snapshot().bytes({ snapshot: { node_count: 500e6, edge_count: 500e6 } });
    expect(outcome(() => readSnapshot(claims))).toBe('corrupted');
    expect(outcome(() => read(claims, [], 'nothing'))).toBe('corrupted');
    const beyond = snapshot().bytes({ snapshot: { node_count: 4e9, edge_count: 1 } });
    expect(outcome(() => readSnapshot(beyond))).toBe('too large');
  });
});
