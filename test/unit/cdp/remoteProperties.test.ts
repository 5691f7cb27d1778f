/** What is asked of the inspector, and what of its answer is taken. */
import { expect, test } from 'vitest';
import type { Connection } from '../../../src/cdp/connection';
import { getProperties, scopeVariables } from '../../../src/cdp/remoteProperties';

function inspector(answer: Record<string, unknown>) {
  const sent: unknown[] = [];
  const connection: Connection = {
    send(...request) {
      sent.push(request);
      return Promise.resolve(answer);
    },
    on: () => () => undefined,
    setReading: () => undefined,
    close: () => Promise.resolve(),
    closed: new Promise(() => undefined),
  };
  return { connection, sent };
}

test('previews and a time limit are asked for where they are wanted', async () => {
  const { connection, sent } = inspector({ result: [] });
  await getProperties(connection, '1.2.3');
  await getProperties(connection, '1.2.3', { previews: true, timeoutMs: 60_000 });
  expect(sent).toEqual([
    ['Runtime.getProperties', { objectId: '1.2.3', ownProperties: true }, undefined],
    ['Runtime.getProperties', { objectId: '1.2.3', ownProperties: true, generatePreview: true }, 60_000],
  ]);
});

test('an accessor, an internal property and a preview come through', async () => {
  const preview = { overflow: true, properties: [{ name: 'id', type: 'number', value: '7' }] };
  const { connection } = inspector({
    result: [
      { name: 'later', get: { type: 'function', objectId: '1.2.4' } },
      { name: 'order', value: { type: 'object', objectId: '1.2.5', preview } },
    ],
    internalProperties: [{ name: '[[PromiseState]]', value: { type: 'string', value: 'pending' } }],
  });
  const { result, internalProperties } = await getProperties(connection, '1.2.3');
  expect(result).toMatchObject([{ name: 'later', get: { objectId: '1.2.4' } }, { name: 'order', value: { preview } }]);
  expect(internalProperties[0]?.value?.value).toBe('pending');
});

test.each([
  ['what is no object', undefined, { result: [] }],
  ['an answer of another form', '1.2.3', { result: [{ value: 1 }] }],
])('%s has none', async (_what, objectId, answer) => {
  expect(await getProperties(inspector(answer).connection, objectId)).toEqual({ result: [], internalProperties: [] });
});

test('a variable comes from the nearest scope that has it; one that none has is missing', async () => {
  const object = (objectId: string): object => ({ type: 'object', objectId });
  const number = (name: string, value: number): object => ({ name, value: { type: 'number', value } });
  const answers: Readonly<Record<string, Record<string, unknown>>> = {
    function: { result: [], internalProperties: [{ name: '[[Scopes]]', value: object('scopes') }] },
    scopes: { result: [{ name: '0', value: object('inner') }, { name: '1', value: object('outer') }] },
    inner: { result: [number('near', 1)] },
    outer: { result: [number('near', 2), number('far', 3)] },
  };
  const { connection } = inspector({});
  const asked = { ...connection, send: (_method: string, parameters?: object) => Promise.resolve(answers[(parameters as { objectId: string }).objectId] ?? {}) };
  const values = await scopeVariables(asked, 'function', ['far', 'near', 'none']);
  expect(values.map((value) => value?.value)).toEqual([3, 1, undefined]);
});
