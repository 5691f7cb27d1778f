import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DumpGroup } from '../../../src/core/model/dump';
import { dumpMessages } from '../../../src/host/dump/graphMessages';
import { layoutGraph } from '../../../webview/graph/layout';
import type { Graph, GraphDump } from '../../../webview/graph/model';
import { boxMatches, buildGraph, FIRST_SHOWN, leafLabel, openable, search, SHOWN_LIMIT, shownGroups, verdictCounts } from '../../../webview/graph/model';
import { frameName } from '../../../src/core/format/dumpText';
import { frame, manyGroups, readingGroups, sampleDump } from '../../support/sampleDump';

/** A dump as the webview has it after all messages. */
function received(groups: readonly DumpGroup[]): GraphDump {
  const messages = dumpMessages({ id: 'd', name: 'orders', dump: sampleDump('/srv', { groups }), sessionId: '1', processRestarts: 0 }, { text: '', full: '', canLookUp: true });
  const parts = messages.flatMap((message) => ('groups' in message ? [message] : []));
  return { dumpId: 'd', total: groups.length, frames: parts.flatMap(({ frames }) => frames), groups: parts.flatMap((part) => part.groups) };
}

const all = (dump: GraphDump): ReadonlySet<number> => new Set(dump.groups.keys());
const drawn = (groups: readonly DumpGroup[]): Graph => {
  const dump = received(groups);
  return buildGraph(dump, all(dump));
};

/** What a box says: its functions, or in angle brackets what is waited for. */
function faceOf(graph: Graph, box: number): readonly string[] {
  const each = graph.boxes[box];
  if (each === undefined) return [];
  return each.type === 'frames' ? each.frames.map((place) => frameName(place.frame)) : [each.type === 'leaf' ? `<${leafLabel(each.waitsFor)} ${String(each.verdict)}>` : `<more ${String(each.groups.length)}>`];
}

/** All ways from a box to the ends, as one text each. */
function waysFrom(graph: Graph, box: number): readonly string[] {
  const next = graph.edges.filter(({ from }) => from === box).flatMap(({ to }) => waysFrom(graph, to));
  const face = faceOf(graph, box).join(' ');
  return next.length === 0 ? [face] : next.map((way) => `${face} ${way}`);
}

const wayOf = (dump: GraphDump, { chain, waitsFor, verdict }: GraphDump['groups'][number]): string =>
  [...chain.map((index) => (dump.frames[index] === undefined ? '' : frameName(dump.frames[index]))), `<${leafLabel(waitsFor)} ${String(verdict)}>`].join(' ');

describe('the graph of a dump', () => {
  it('joins chains that begin alike and that end alike, and folds what lies between', () => {
    const graph = drawn(sampleDump().groups);
    const ways = graph.boxes.flatMap((_, box) => (graph.edges.some(({ to }) => to === box) ? [] : [graph.edges.filter(({ from }) => from === box).map(({ to, count }) => `${faceOf(graph, box).join('+')} -${String(count)}-> ${faceOf(graph, to).join('+')}`).join(' | ')]));
    expect(ways).toContain('(anonymous) -41-> OrderStore.place+OrderStore.priced+Shipping.quote+fetch | (anonymous) -28-> OrderStore.place+OrderStore.save+OrderStore.insert');
    const socket = graph.boxes.findIndex((box) => box.type === 'leaf' && box.waitsFor.kind === 'socket');
    expect(graph.boxes[socket]?.count).toBe(32);
    expect(graph.edges.filter(({ to }) => to === socket).map(({ from }) => faceOf(graph, from).join('+')).sort()).toEqual(['(anonymous)+OrderStore.find+Database.findOrder', 'retry+Database.insertOrder']);
  });

  it('opens the innermost line of a box', () => {
    const graph = drawn(sampleDump().groups);
    const box = graph.boxes.find((each) => each.type === 'frames' && each.frames.length === 4);
    if (box?.type !== 'frames') throw new Error('no box');
    // fetch has no line
    expect(openable(box)?.frame.function).toBe('Shipping.quote');
  });

  it('opens a line of the user before that of a package, and none of Node itself, which stands in no file', () => {
    const opened = (id: string): string | null | undefined => {
      const box = drawn(readingGroups().filter((group) => group.id === id)).boxes.find(({ type }) => type === 'frames');
      if (box?.type !== 'frames') throw new Error('no box');
      return openable(box)?.frame.function;
    };
    expect([opened('rows'), opened('package'), opened('nodes')]).toEqual(['PriceList.load', 'parseRows', undefined]);
  });

  it('is the same for the same dump', () => {
    expect(drawn(manyGroups(50))).toEqual(drawn(manyGroups(50)));
    const graph = drawn(manyGroups(200));
    expect(new Set(graph.boxes.map(({ id }) => id)).size).toBe(graph.boxes.length);
  });
});

/** Small alphabets, so that chains meet in every way. */
const names = fc.constantFrom('a', 'b', 'c', 'd');
const groupsOf = fc.array(fc.record({ chain: fc.array(names, { maxLength: 5 }), leaf: fc.constantFrom('x', 'y'), verdict: fc.constantFrom('orphan', 'in flight', null), count: fc.integer({ min: 1, max: 9 }) }), { minLength: 1, maxLength: 12 }).map((drafts) => {
  const known = new Map(drafts.map((draft) => [JSON.stringify([draft.chain, draft.leaf, draft.verdict]), draft]));
  return [...known.values()].map(({ chain, leaf, verdict, count }, index): DumpGroup => ({
    id: String(index), count, verdict, why: '', chain: chain.map((name) => frame(name, null, null)), waitsFor: { kind: 'app promise', text: leaf, at: null, details: {} }, heldBy: [],
  }));
});

describe('any graph', () => {
  it('has every chain as a path, and no path that is no chain', () => {
    fc.assert(fc.property(groupsOf, (groups) => {
      const dump = received(groups);
      const graph = buildGraph(dump, all(dump));
      const chains = new Set(dump.groups.map((group) => wayOf(dump, group)));
      const inner = new Set(graph.edges.map(({ to }) => to));
      for (const box of graph.boxes.keys()) if (!inner.has(box)) for (const way of waysFrom(graph, box)) expect(chains).toContain(way);
      const ways = new Set(graph.boxes.flatMap((_, box) => waysFrom(graph, box)));
      for (const chain of chains) expect(ways).toContain(chain);
    }), { numRuns: 300 });
  });

  it('counts every task once in each column that it passes through', () => {
    fc.assert(fc.property(groupsOf, (groups) => {
      const dump = received(groups);
      const graph = buildGraph(dump, all(dump));
      const total = groups.reduce((sum, { count }) => sum + count, 0);
      expect(graph.boxes.filter(({ type }) => type === 'leaf').reduce((sum, { count }) => sum + count, 0)).toBe(total);
      for (const [index, box] of graph.boxes.entries()) {
        const out = graph.edges.filter(({ from }) => from === index).reduce((sum, { count }) => sum + count, 0);
        const into = graph.edges.filter(({ to }) => to === index).reduce((sum, { count }) => sum + count, 0);
        expect(out).toBe(box.type === 'frames' ? box.count : 0);
        expect(into).toBeLessThanOrEqual(box.count);
        expect(verdictCounts(dump, box.groups).reduce((sum, { count }) => sum + count, 0)).toBe(box.count);
      }
    }), { numRuns: 300 });
  });

  it('is laid out from left to right without boxes on top of one another', () => {
    fc.assert(fc.property(groupsOf, (groups) => {
      const graph = drawn(groups);
      const { boxes, edges, width, height } = layoutGraph(graph, (box) => ({ width: 90 + 37 * (box % 5), height: 30 + 20 * (box % 4) }));
      for (const [index, a] of boxes.entries()) {
        expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= width && a.y + a.height <= height).toBe(true);
        for (const b of boxes.slice(index + 1)) expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
      }
      for (const [index, { from, to }] of graph.edges.entries()) {
        expect((boxes[from]?.x ?? 0) + (boxes[from]?.width ?? 0)).toBeLessThan(boxes[to]?.x ?? 0);
        const across = edges[index]?.map(({ x }) => x) ?? [];
        expect(across).toEqual([...across].sort((a, b) => a - b));
      }
    }), { numRuns: 60 });
  });
});

describe('a graph of very many groups', () => {
  const dump = received(manyGroups(10_000));

  it('draws the worst of each verdict and counts the others in boxes that unfold', () => {
    const shown = shownGroups(dump, []);
    expect(shown.size).toBe(FIRST_SHOWN);
    expect(new Set([...shown].map((index) => dump.groups[index]?.verdict))).toEqual(new Set(['orphan', 'stuck', 'in flight', null]));
    const graph = buildGraph(dump, shown);
    const hidden = graph.boxes.filter(({ type }) => type === 'more').flatMap(({ groups }) => groups);
    expect(hidden.length).toBe(dump.groups.length - FIRST_SHOWN);
    expect(new Set([...hidden, ...shown]).size).toBe(dump.groups.length);
    expect(graph.boxes.length).toBeLessThan(5 * FIRST_SHOWN);
  });

  it('folds again what was unfolded first, so that drawing stays quick', () => {
    const wanted = Array.from({ length: 3000 }, (_, index) => 5000 + index);
    const shown = shownGroups(dump, wanted);
    expect(shown.size).toBeLessThanOrEqual(SHOWN_LIMIT);
    expect(shown.has(7999)).toBe(true);
    expect(shown.has(5000)).toBe(false);
    expect(shownGroups(dump, [1e9]).size).toBe(FIRST_SHOWN);
  });

  it('finds groups that are not drawn', () => {
    const found = search(dump, 'level2step31 module31');
    expect(found.length).toBeGreaterThan(0);
    for (const index of found.slice(0, 20)) expect(dump.groups[index]?.chain.some((each) => dump.frames[each]?.function?.includes('level2Step31') === true)).toBe(true);
    expect(search(dump, '  ')).toEqual([]);
    const graph = buildGraph(dump, new Set(found.slice(0, 5)));
    expect(graph.boxes.some((box) => boxMatches(box, 'level2step31 module31'))).toBe(true);
    expect(graph.boxes.filter(({ type }) => type === 'more').some((box) => boxMatches(box, 'level2step31'))).toBe(false);
  });
});
