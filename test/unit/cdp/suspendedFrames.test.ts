/** Look-ups on a connection that keeps objects in groups as V8 does, and answers when it is told to. */
import { expect, test } from 'vitest';
import type { Connection } from '../../../src/cdp/connection.ts';
import { createSuspendedFrames } from '../../../src/cdp/suspendedFrames.ts';
import { TargetError } from '../../../src/cdp/target.ts';

const LINES = new Map([['1', 11], ['2', 22]]);

/** Answers about properties wait in `held`, by object; `alive` counts the groups. */
function fakeConnection(): { connection: Connection; held: Map<string, () => void>; alive: () => number } {
  const groups = new Map<string, string[]>();
  const held = new Map<string, () => void>();
  const answers = {
    'HeapProfiler.getObjectByHeapObjectId': ({ objectId, objectGroup }: Record<string, string>) => {
      groups.set(objectGroup ?? '', [...(groups.get(objectGroup ?? '') ?? []), objectId ?? '']);
      return { result: { objectId } };
    },
    'Runtime.getProperties': ({ objectId = '' }: Record<string, string>) => {
      if (![...groups.values()].flat().includes(objectId)) throw new TargetError('agent failed', 'Could not find object with given id');
      const location = { scriptId: '7', lineNumber: LINES.get(objectId), columnNumber: 0 };
      const internalProperties = [
        { name: '[[GeneratorState]]', value: { type: 'string', value: 'suspended' } },
        { name: '[[GeneratorLocation]]', value: { type: 'object', value: location } },
      ];
      return { result: [], internalProperties };
    },
    'Runtime.releaseObjectGroup': ({ objectGroup = '' }: Record<string, string>) => {
      groups.delete(objectGroup);
      return {};
    },
  };
  const send = async (method: keyof typeof answers, params: Record<string, string>): Promise<unknown> => {
    if (method === 'Runtime.getProperties') await new Promise<void>((resolve) => held.set(params['objectId'] ?? '', resolve));
    return answers[method](params);
  };
  return { connection: { send } as unknown as Connection, held, alive: () => groups.size };
}

test('a look-up that ends does not let go of what another one still needs', async () => {
  const { connection, held, alive } = fakeConnection();
  const frames = createSuspendedFrames(connection);
  const first = frames.locate(1);
  const second = frames.locate(2);
  await expect.poll(() => [...held.keys()]).toEqual(['1', '2']);
  held.get('1')?.();
  expect(await first).toMatchObject({ at: { line: 11 } });
  held.get('2')?.();
  expect(await second).toMatchObject({ at: { line: 22 } });
  expect(alive()).toBe(0);
});
