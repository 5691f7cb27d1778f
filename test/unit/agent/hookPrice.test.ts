import { expect, test } from 'vitest';
import { hookField } from '../../../src/agent/hookField.ts';
import { createHookPrice } from '../../../src/agent/hookPrice.ts';

const AFTER = 2;

test('calls of hooks are dearer while somebody has a hook with `after`, as a debugger with asynchronous stacks has', () => {
  const fields = new Uint32Array(4);
  const price = createHookPrice();
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
    const price = createHookPrice();
    price.reveal(hookField(hookFields, index));
    expect(price.now()).toEqual(createHookPrice().now());
  }
});
