import { describe, expect, it } from 'vitest';
import { EDGE_TYPE, NODE_TYPE, ROOT } from '../../../../src/core/heap/heapGraph';
import type { EdgeIndex } from '../../../../src/core/heap/heapGraph';
import { readSnapshot } from '../../../../src/core/heap/snapshotReader';
import { snapshot } from './snapshotBuilder';

describe('readSnapshot', () => {
  it('reads the sizes of arrays, and of nothing else', () => {
    const s = snapshot();
    const nodes = [s.array().withSize(5e9), s.object('Object').withSize(24), s.array().withSize(16)];
    const graph = s.graph();
    expect(nodes.map(({ index }) => graph.arraySize(index))).toEqual([0xffffffff, 0, 16]);
    expect(graph.arraySize(ROOT)).toBe(0);
  });

  it('reads nodes, edges, strings and locations', () => {
    const s = snapshot();
    const promise = s.object('Promise').withId(4_000_000_001).withSize(48);
    const generator = s.object('Generator').at(7, 3, 12).element(2, promise).property('Größe "x"\n', s.root);
    s.root.internal('first', generator);
    const graph = s.graph();
    expect(graph.nodeCount).toBe(3);
    expect(graph.edgeCount).toBe(3);
    expect(graph.type(promise.index)).toBe(NODE_TYPE.object);
    expect(graph.id(promise.index)).toBe(4_000_000_001);
    expect(graph.name(generator.index)).toBe('Generator');
    expect(graph.location(generator.index)).toEqual({ scriptId: 7, line: 3, column: 12 });
    expect(graph.location(promise.index)).toBeUndefined();
    const edge = graph.firstEdge(generator.index);
    expect(graph.edgeType(edge)).toBe(EDGE_TYPE.element);
    expect(graph.edgeNameOrIndex(edge)).toBe(2);
    expect(graph.target(edge)).toBe(promise.index);
    const [name] = graph.strings.find(['Größe "x"\n']);
    expect(graph.edgeNameOrIndex((edge + 1) as typeof edge)).toBe(name);
    expect([...graph.retainers.first]).toEqual([0, 1, 2, 3]);
    expect([...graph.retainers.edges].map((edge) => graph.source(edge as EdgeIndex))).toEqual([generator.index, generator.index, s.root.index]);
  });

  it('does not care where the bytes are divided', () => {
    const s = snapshot();
    s.root.property('a', s.object('A"\\ü').at(1, 2, 3)).element(0, s.string('text'));
    const bytes = s.bytes();
    const whole = readSnapshot(bytes);
    const parts = readSnapshot(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)));
    expect(parts.arrays).toEqual(whole.arrays);
    expect(parts.strings.find(['A"\\ü', 'text', 'none'])).toEqual(whole.strings.find(['A"\\ü', 'text', 'none']));
  });

  it('knows whose edge each is, also among nodes that have none', () => {
    const s = snapshot();
    const counts = [0, 3, 0, 0, 100, 1, 0, 33, 32, 31, 0];
    const owners = counts.flatMap((count, i) => {
      const node = s.object(`n${i}`);
      for (let k = 0; k < count; k++) node.element(k, s.root);
      return Array.from({ length: count }, () => node.index);
    });
    const graph = s.graph();
    expect(Array.from({ length: graph.edgeCount }, (_, edge) => graph.source(edge as EdgeIndex))).toEqual(owners);
  });
});
