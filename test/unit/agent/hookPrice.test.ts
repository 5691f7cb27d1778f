import { describe, expect, test } from 'vitest';
import { hookField } from '../../../src/agent/hookField.ts';
import { PROMISE_HOOKS, createHookPrice } from '../../../src/agent/hookPrice.ts';

const AFTER = 2;

test('calls of hooks are dearer while somebody has a hook with `after`, as a debugger with asynchronous stacks has', () => {
  const fields = new Uint32Array(4);
  const price = createHookPrice(PROMISE_HOOKS);
  const alone = price.now();
  price.reveal(hookField(fields, AFTER));
  expect(price.now()).toEqual(alone);
  fields[AFTER] = 1;
  expect(price.now().begin).toBeGreaterThan(2 * alone.begin);
  expect(price.now().end).toBeGreaterThan(2 * alone.end);
  fields[AFTER] = 0;
  expect(price.now()).toEqual(alone);
});

test('nothing is known where Node keeps it to itself', () => {
  const fields = new Uint32Array(4).fill(1);
  for (const [hookFields, index] of [[undefined, undefined], [fields, undefined], [fields, 9], [null, AFTER], ['1111', AFTER]] as const) {
    const price = createHookPrice(PROMISE_HOOKS);
    price.reveal(hookField(hookFields, index));
    expect(price.now()).toEqual(createHookPrice(PROMISE_HOOKS).now());
  }
});

describe('a call that has been measured', () => {
  const usual = PROMISE_HOOKS.alone.begin;
  const priceOf = (ms: number, error: number): number => {
    const price = createHookPrice(PROMISE_HOOKS);
    price.measured({ ms, error });
    expect(price.now().end / PROMISE_HOOKS.alone.end).toBeCloseTo(price.now().begin / usual);
    return price.now().begin / usual;
  };

  test('is charged at what it costs, as far as that is certain', () => {
    expect(priceOf(3 * usual, 0)).toBe(3);
    expect(priceOf(3 * usual, usual / 10)).toBeCloseTo(3, 1);
    expect(priceOf(3 * usual, 2 * usual)).toBeGreaterThan(1.5);
    expect(priceOf(3 * usual, 2 * usual)).toBeLessThan(2.5);
    expect(priceOf(3 * usual, 100 * usual)).toBeCloseTo(1, 1);
    expect(priceOf(3 * usual, Infinity)).toBe(1);
  });

  test('is charged at half of what is usual at least, and at eight times that at most', () => {
    expect(priceOf(0.7 * usual, 0)).toBeCloseTo(0.7);
    expect(priceOf(usual / 10, 0)).toBe(0.5);
    expect(priceOf(-usual, usual / 10)).toBe(0.5);
    expect(priceOf(1_000 * usual, 0)).toBe(8);
  });

  test('stays as dear as it was once nothing is compared any more, or hooks would be on again for what they are too dear for', () => {
    const price = createHookPrice(PROMISE_HOOKS);
    price.measured({ ms: 3 * usual, error: 0 });
    price.measured(null);
    expect(price.now().begin).toBeCloseTo(3 * usual);
    price.measured({ ms: 0.6 * usual, error: 0 });
    expect(price.now().begin).toBeCloseTo(0.6 * usual);
    price.measured(null);
    expect(price.now()).toEqual(PROMISE_HOOKS.alone);
  });

  test('says nothing of what calls cost once a debugger has come', () => {
    const fields = new Uint32Array(4);
    const price = createHookPrice(PROMISE_HOOKS);
    price.reveal(hookField(fields, AFTER));
    price.measured({ ms: 3 * usual, error: 0 });
    fields[AFTER] = 1;
    expect(price.now()).toEqual(PROMISE_HOOKS.besideDebugger);
    fields[AFTER] = 0;
    expect(price.now().begin).toBeCloseTo(3 * usual);
  });

  test('is compared with what is usual beside a debugger while there is one', () => {
    const price = createHookPrice(PROMISE_HOOKS);
    price.reveal(hookField(new Uint32Array(4).fill(1), AFTER));
    price.measured({ ms: 2 * PROMISE_HOOKS.besideDebugger.begin, error: 0 });
    expect(price.now()).toEqual({ begin: 2 * PROMISE_HOOKS.besideDebugger.begin, end: 2 * PROMISE_HOOKS.besideDebugger.end });
  });
});
