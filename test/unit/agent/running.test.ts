import { expect, test } from 'vitest';
import { hookField } from '../../../src/agent/hookField';
import { createRunning } from '../../../src/agent/running';

const USES = 2;

function asking(): { fields: Uint32Array; ask: () => unknown } {
  const fields = new Uint32Array(4);
  return {
    fields,
    ask: () => {
      fields[USES] = 1;
      return fields;
    },
  };
}

test('what a look changes in Node is put back, whatever it was', () => {
  const { fields, ask } = asking();
  const running = createRunning(ask);
  running.reveal(hookField(fields, USES));
  expect(running.resource()).toBe(fields);
  expect([...fields]).toEqual([0, 0, 0, 0]);
  fields[USES] = 1;
  expect(running.resource()).toBe(fields);
  expect([...fields]).toEqual([0, 0, 1, 0]);
});

test('nothing is looked at where it cannot be put back', () => {
  const { fields, ask } = asking();
  const running = createRunning(ask);
  for (const [hookFields, index] of [[undefined, undefined], [fields, undefined], [fields, 9], [null, USES], ['', USES]] as const) running.reveal(hookField(hookFields, index));
  expect(running.resource()).toBeUndefined();
  expect([...fields]).toEqual([0, 0, 0, 0]);
});
