import { describe, expect, it, vi } from 'vitest';
import { TimeoutError, withTimeout } from '../../../src/host/base/clock';
import { DisposableStore, toDisposable } from '../../../src/host/base/disposable';
import { Emitter } from '../../../src/host/base/emitter';
import { ManualClock } from './manualClock';

describe('DisposableStore', () => {
  it('disposes in reverse order, once', () => {
    const order: string[] = [];
    const store = new DisposableStore();
    store.add(toDisposable(() => order.push('first')));
    store.add(toDisposable(() => order.push('second')));
    store.dispose();
    store.dispose();
    expect(order).toEqual(['second', 'first']);
  });

  it('disposes at once of what comes too late', () => {
    const store = new DisposableStore();
    store.dispose();
    const late = { dispose: vi.fn() };
    expect(store.add(late)).toBe(late);
    expect(late.dispose).toHaveBeenCalledOnce();
  });

  it('disposes of everything even when something throws', () => {
    const store = new DisposableStore();
    const first = { dispose: vi.fn() };
    store.add(first);
    store.add(toDisposable(() => { throw new Error('no'); }));
    expect(() => { store.dispose(); }).toThrow(AggregateError);
    expect(first.dispose).toHaveBeenCalledOnce();
  });
});

describe('Emitter', () => {
  it('tells listeners until they let go', () => {
    const emitter = new Emitter<number>();
    const heard: number[] = [];
    const subscription = emitter.event((value) => heard.push(value));
    emitter.fire(1);
    subscription.dispose();
    emitter.fire(2);
    expect(heard).toEqual([1]);
  });
});

describe('withTimeout', () => {
  it('hands on what comes in time', async () => {
    await expect(withTimeout(new ManualClock(), 10, Promise.resolve('yes'))).resolves.toBe('yes');
    await expect(withTimeout(new ManualClock(), 10, Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('gives up on what does not come', async () => {
    const clock = new ManualClock();
    const result = withTimeout(clock, 10, new Promise(() => undefined));
    clock.advance(10);
    await expect(result).rejects.toBeInstanceOf(TimeoutError);
  });
});
