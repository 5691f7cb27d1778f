import { expect, it } from 'vitest';
import { HeapIndex } from '../../../../../src/core/heap/heapIndex';
import { NAME_TEXTS } from '../../../../../src/core/heap/leaves/heapNames';
import { HeapObjects } from '../../../../../src/core/heap/leaves/heapObjects';
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
