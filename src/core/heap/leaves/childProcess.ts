/** Child processes (node: lib/internal/child_process.js). */
import type { NodeIndex } from '../heapGraph';
import { openHandle } from './socket';
import type { HeapObjects } from './heapObjects';
import { RANK, keyOf } from './leaf';
import type { Details, Leaf } from './leaf';

/** Events of a stream that is written to. */
const WRITING: ReadonlySet<string> = new Set(['drain', 'finish', 'write']);

/** @param viaPipe whether the event is one of a standard stream of the child */
export function childProcessLeaf(objects: HeapObjects, child: NodeIndex, event: string, viaPipe = false): Leaf {
  const file = objects.textProperty(child, 'spawnfile');
  const pid = objects.numberProperty(child, 'pid');
  const running = objects.isObject(openHandle(objects, child));
  const details: Details = {};
  if (file !== null) details['file'] = file;
  if (pid !== null) details['pid'] = pid;
  if (event !== '') details['event'] = event;
  const name = file === null ? 'child process' : `child process ${file}`;
  const what = viaPipe ? (WRITING.has(event) ? 'writing to it' : 'reading its output') : `'${event}'`;
  const text = [event === '' ? name : `${name}: ${what}${running ? '' : ', it has ended'}`];
  return {
    kind: 'child process',
    // the end of a child before its output
    rank: running ? RANK.work - (viaPipe ? 0 : 1) : RANK.event,
    settlers: running ? 'in flight' : 'held',
    text,
    at: null,
    details,
    key: keyOf('child process', text, null),
    node: child,
    event,
  };
}
