/** Workers and what carries messages (node: lib/internal/worker.js, lib/internal/worker/io.js). */
import { NO_NODE } from '../heapGraph';
import type { NodeIndex } from '../heapGraph';
import type { HeapObjects } from './heapObjects';
import { RANK, keyOf } from './leaf';
import type { Details, Leaf } from './leaf';

export function workerLeaf(objects: HeapObjects, worker: NodeIndex, event: string): Leaf {
  const handle = objects.property(worker, 'kHandle');
  const running = objects.isObject(handle);
  const threadId = objects.numberProperty(handle, 'threadId');
  const details: Details = {};
  if (threadId !== null) details['threadId'] = threadId;
  return leaf(objects, 'worker', worker, event, running, details);
}

export function messagePortLeaf(objects: HeapObjects, port: NodeIndex, event: string): Leaf {
  return leaf(objects, 'message port', port, event, objects.internal(port, 'toNative') !== NO_NODE, {});
}

export function broadcastChannelLeaf(objects: HeapObjects, channel: NodeIndex, event: string): Leaf {
  const name = objects.textProperty(channel, 'kName');
  return leaf(objects, name === null ? 'broadcast channel' : `broadcast channel '${name}'`, channel, event, objects.isObject(objects.property(channel, 'kHandle')), {
    ...(name === null ? {} : { channel: name }),
  });
}

function leaf(objects: HeapObjects, name: string, node: NodeIndex, event: string, open: boolean, details: Details): Leaf {
  const text = [event === '' ? name : `${name}: '${event}'`];
  if (event !== '') details['event'] = event;
  return {
    kind: 'worker',
    rank: open ? RANK.work : RANK.event,
    settlers: open ? 'in flight' : 'held',
    text,
    at: null,
    details: { class: objects.className(node), ...details },
    key: keyOf('worker', text, null),
    node,
    event,
  };
}
