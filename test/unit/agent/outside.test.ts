import { expect, test } from 'vitest';
import { agentTimer } from '../../../src/agent/outside.ts';
import { AGENT_TIMER } from '../../../src/core/base/agentTimer.ts';

test('a timer of ours has its name, does its work, and never throws into the program', () => {
  let called = 0;
  const timer = agentTimer(() => {
    called++;
    throw new Error('patched');
  });
  expect(timer.name).toBe(AGENT_TIMER);
  expect(timer).not.toThrow();
  expect(called).toBe(1);
});
