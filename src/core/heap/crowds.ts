/** Which promises have very many callbacks, and for how many of those nobody waits. */
import { CROWD_REACTIONS } from '../verdicts/crowd';
import { NO_WAITER, inputsOf, isFunction, nextWaiter, producerOf, type AwaitGraph, type WaiterIndex } from './awaitGraph';
import { NO_NODE, type NodeIndex } from './heapGraph';

export interface Crowd {
  readonly reactions: number;
  /** Of these, how many no suspended function waits for. */
  readonly idle: number;
}

export interface Crowds {
  readonly promises: readonly NodeIndex[];
  of(promise: NodeIndex): Crowd;
}

const NONE: Crowd = { reactions: 0, idle: 0 };

export function findCrowds(awaits: AwaitGraph): Crowds {
  const { pending, reactionCounts } = awaits;
  const many = new Map<number, number>();
  for (let i = 0; i < pending.length; i++) {
    if ((reactionCounts[i] ?? 0) >= CROWD_REACTIONS) many.set(pending[i] ?? 0, reactionCounts[i] ?? 0);
  }
  if (many.size === 0) return { promises: [], of: () => NONE };
  const waitedFor = new Map<number, number>();
  const live = liveWaiters(awaits);
  const add = (promise: number): void => {
    if (many.has(promise)) waitedFor.set(promise, (waitedFor.get(promise) ?? 0) + 1);
  };
  for (let waiter = 0; waiter < awaits.waiters.count; waiter++) {
    if (live[waiter] !== 1) continue;
    if (awaits.inputs.first.has(waiter)) inputsOf(awaits, waiter as WaiterIndex).forEach(add);
    else add(awaits.waiters.source(waiter as WaiterIndex));
  }
  const crowds = new Map([...many].map(([promise, reactions]) => [promise, { reactions, idle: reactions - (waitedFor.get(promise) ?? 0) }]));
  const promises = [...crowds].filter(([, { idle }]) => idle >= CROWD_REACTIONS).map(([promise]) => promise as NodeIndex);
  return { promises, of: (promise) => crowds.get(promise) ?? NONE };
}

/** Functions, and whatever a function waits for through any number of others. */
function liveWaiters(awaits: AwaitGraph): Uint8Array {
  const { waiters } = awaits;
  const live = new Uint8Array(waiters.count);
  const stack: WaiterIndex[] = [];
  for (let start = 0; start < waiters.count; start++) {
    if (!isFunction(waiters, start as WaiterIndex) || waiters.source(start as WaiterIndex) === NO_NODE) continue;
    stack.push(start as WaiterIndex);
    for (let waiter = stack.pop(); waiter !== undefined; waiter = stack.pop()) {
      if (live[waiter] === 1) continue;
      live[waiter] = 1;
      const next = nextWaiter(awaits, waiter);
      if (next !== NO_WAITER) stack.push(next);
      else if ((waiters.pending[waiter] ?? 0) > 1) {
        for (const input of inputsOf(awaits, waiter)) {
          const producer = producerOf(awaits.producers, input);
          if (producer !== NO_WAITER) stack.push(producer);
        }
      }
    }
  }
  return live;
}
