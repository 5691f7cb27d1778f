import { describe, expect, it } from 'vitest';
import { HeapIndex } from '../../../../../src/core/heap/heapIndex';
import { NAME_TEXTS } from '../../../../../src/core/heap/leaves/heapNames';
import { HeapObjects, TEXT_LIMIT } from '../../../../../src/core/heap/leaves/heapObjects';
import { snapshot } from '../snapshotBuilder';

it('knows a script by whichever of its functions leads to its name', () => {
  const s = snapshot();
  const shared = s.code('system / SharedFunctionInfo').internal('script', s.code('/app/orders.js'));
  const unnamed = s.closure('builtin').at(7, 1, 1);
  const named = s.closure('place').at(7, 2, 2).internal('shared', shared);
  s.root.internal('first', unnamed).internal('second', named);
  const graph = s.graph();
  const objects = new HeapObjects(graph, new HeapIndex(graph, NAME_TEXTS));
  expect(objects.scriptName(7)).toBe('/app/orders.js');
});

describe('a text', () => {
  it.each(['C:\\Program Files (x86)\\Git\\git.exe', '/data/report (1).csv', 'GET / HTTP/1.1'])('is told whole: %s', (text) => {
    const s = snapshot();
    const node = s.string(text);
    s.root.internal('text', node);
    const graph = s.graph();
    expect(new HeapObjects(graph, new HeapIndex(graph, NAME_TEXTS)).text(node.index)).toBe(text);
  });

  it('is cut where it is too long, unless more is asked for', () => {
    const s = snapshot();
    const long = 'a'.repeat(2 * TEXT_LIMIT);
    const nodes = [s.string(long), s.node('concatenated string', '(concatenated string)').internal('first', s.string(long.slice(1))).internal('second', s.string('a'))];
    for (const node of nodes) s.root.internal('text', node);
    const graph = s.graph();
    const objects = new HeapObjects(graph, new HeapIndex(graph, NAME_TEXTS));
    expect(nodes.map(({ index }) => objects.text(index))).toEqual(nodes.map(() => `${long.slice(0, TEXT_LIMIT - 1)}…`));
    expect(nodes.map(({ index }) => objects.text(index, long.length))).toEqual(nodes.map(() => long));
  });
});
