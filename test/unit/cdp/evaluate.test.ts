/** A call that a debugger holds is waited for; a target that answers nothing is not. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Connection } from '../../../src/cdp/connection';
import { callPatiently, evaluateUnseen } from '../../../src/cdp/evaluate';
import { TargetError } from '../../../src/cdp/target';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const HOURS_MS = 3 * 60 * 60 * 1000;

function connectionOf(send: Connection['send']): Connection {
  return { send, on: () => () => undefined, setReading: () => undefined, close: () => Promise.resolve(), closed: new Promise(() => undefined) };
}

describe('a call', () => {
  test('that a debugger holds is waited for as long as the target answers other things', async () => {
    let goOn: (answer: Record<string, unknown>) => void = () => undefined;
    const sent: string[] = [];
    const connection = connectionOf((method) => {
      sent.push(method);
      return method === 'Runtime.callFunctionOn' ? new Promise((resolve) => (goOn = resolve)) : Promise.resolve({});
    });
    let answer: unknown;
    const called = callPatiently(connection, {}).then((value) => (answer = value));
    await vi.advanceTimersByTimeAsync(HOURS_MS);
    expect(answer).toBeUndefined();
    // it is made once
    expect(sent.filter((method) => method === 'Runtime.callFunctionOn')).toHaveLength(1);
    goOn({ result: { value: 7 } });
    await called;
    expect(answer).toEqual({ result: { value: 7 } });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of a target that answers nothing ends with what it did not answer', async () => {
    const silence = new TargetError('timeout', '127.0.0.1:9229 did not answer within 5 s.');
    let limit: number | undefined;
    const connection = connectionOf((method, _params, timeoutMs) => {
      if (method !== 'Runtime.callFunctionOn') return Promise.reject(silence);
      limit = timeoutMs;
      return new Promise(() => undefined);
    });
    const failed = callPatiently(connection, {}).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(HOURS_MS);
    expect(await failed).toBe(silence);
    expect(limit).toBe(0);
  });

  test('that fails fails at once', async () => {
    const closed = new TargetError('closed', 'The connection is closed.');
    const connection = connectionOf(() => Promise.reject(closed));
    await expect(callPatiently(connection, {})).rejects.toBe(closed);
  });
});

test('what is evaluated cannot be paused in, whatever it is asked with', async () => {
  let params: object = {};
  const connection = connectionOf((_method, given = {}) => {
    params = given;
    return Promise.resolve({});
  });
  await evaluateUnseen(connection, { expression: '1', includeCommandLineAPI: false });
  expect(params).toEqual({ expression: '1', silent: true, disableBreaks: true, includeCommandLineAPI: false });
});
