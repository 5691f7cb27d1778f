/** Child processes (node: lib/internal/child_process.js). */
import type { NodeIndex } from '../heapGraph';
import { openHandle } from './socket';
import type { HeapObjects } from './heapObjects';
import { RANK, keyOf } from './leaf';
import type { Details, Leaf } from './leaf';

export function childProcessLeaf(objects: HeapObjects, child: NodeIndex, event: string): Leaf {
  const file = objects.textProperty(child, 'spawnfile');
  const pid = objects.numberProperty(child, 'pid');
  const running = objects.isObject(openHandle(objects, child));
  const details: Details = {};
  if (file !== null) details['file'] = file;
  if (pid !== null) details['pid'] = pid;
  if (event !== '') details['event'] = event;
  const name = file === null ? 'child process' : `child process ${file}`;
  const text = [event === '' ? name : `${name}: '${event}'${running ? '' : ', it has ended'}`];
  return {
    kind: 'child process',
    // before its pipes
    rank: running ? RANK.work - 1 : RANK.event,
    settlers: running ? 'in flight' : 'held',
    text,
    at: null,
    details,
    key: keyOf('child process', text, null),
    node: child,
    event,
  };
}
