/**
 * That nothing is called an orphan that may still settle: functions that wait for all that Node has to wait for, resolvers in all that
 * can hold them, and a program that never rests while it is looked at.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Dump } from '../../src/core/model/dump.ts';
import { startProgram, takeDump } from '../support/dumpTruthRun.ts';
import { NODES } from '../support/nodes.ts';

const PROGRAMS = join(import.meta.dirname, '../fixtures/settles');
/** Dumps of a program that never rests: where in it they fall is chance. */
const BUSY_DUMPS = 2;

function unsettleable({ groups }: Dump): string[] {
  return groups
    .filter(({ verdict }) => verdict === 'orphan' || verdict === 'cycle')
    .map(({ count, chain, waitsFor }) => `${String(count)} x ${chain.map((frame) => frame.function ?? frame.detail ?? '(anonymous)').join(' > ')}: ${waitsFor.text}`);
}

describe.concurrent.each(NODES.map((node) => ({ version: node.version, node })))('Node $version', ({ node }) => {
  test('what is under way, or held, is no orphan', async () => {
    const running = await startProgram(node, { name: 'waits.mjs', file: join(PROGRAMS, 'waits.mjs'), flags: [], stripped: false });
    try {
      const taken = await takeDump(running.url, 0);
      const { dump } = taken;
      try {
        expect(unsettleable(dump)).toEqual([]);
        const names = /^names: (.*)$/m.exec(running.stderr())?.[1]?.split(' ') ?? [];
        const shown = new Set(dump.groups.flatMap(({ chain }) => chain.map((frame) => frame.function)));
        expect(names.length).toBeGreaterThan(50);
        expect(names.filter((name) => !shown.has(name))).toEqual([]);
      } finally {
        await taken.close();
      }
    } finally {
      await running.stop();
    }
  });

  test('what runs is no orphan, wherever a snapshot finds it', async () => {
    const running = await startProgram(node, { name: 'busy.mjs', file: join(PROGRAMS, 'busy.mjs'), flags: [], stripped: false });
    try {
      for (let i = 0; i < BUSY_DUMPS; i++) {
        const taken = await takeDump(running.url, 0);
        await taken.close();
        const { dump } = taken;
        expect(unsettleable(dump)).toEqual([]);
        expect(dump.totals.suspended).toBeGreaterThan(40);
      }
    } finally {
      await running.stop();
    }
  });
});
