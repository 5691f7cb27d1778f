/** Timers, handles, requests, listeners and streams of a program that made a known number of each, on every supported Node. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { attach } from '../../src/cdp/attach.ts';
import type { DumpResource, DumpResources } from '../../src/core/model/dump.ts';
import { startProgram, takeDump } from '../support/dumpTruthRun.ts';
import { NODES } from '../support/nodes.ts';

const file = join(import.meta.dirname, '../fixtures/dumpResources/busy.cjs');
const program = { name: 'busy.cjs', file, covers: '', nodes: [], flags: [], stripped: false, suspended: () => 0, besides: true, groups: [], settles: false };

/** Counts by type, of what is the program's own. */
function byType(resources: readonly DumpResource[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { count, type, details } of resources) if (details['origin'] !== 'node') counts[type] = (counts[type] ?? 0) + count;
  return counts;
}

function rows({ listeners, streams }: DumpResources): unknown {
  return {
    listeners: listeners.map(({ emitter, event, emitters, count }) => `${String(emitters)} x ${emitter} ${event}: ${String(count)}`).sort(),
    aboveLimit: listeners.filter(({ aboveLimit }) => aboveLimit).map(({ emitter }) => emitter),
    streams: streams.map(({ stream, state, bufferedBytes }) => `${stream}: ${state}, ${String(bufferedBytes)}`).sort(),
  };
}

describe.concurrent.each([
  ['', false],
  [', not what watches it', true],
])('resources are those that the program made%s', (_, isWatched) => {
  test.each(NODES)('Node $version', async (node) => {
    const running = await startProgram(node, program);
    try {
      if (isWatched) {
        const watching = await attach(running.url, { budgetPercent: 1 });
        await watching.poll();
      }
      const dumped = await takeDump(running.url);
      try {
        const { resources, totals } = dumped.dump;
        expect(byType(resources.timers)).toEqual({ timeout: 21, interval: 3 });
        expect(resources.timers.find(({ count }) => count === 20)).toMatchObject({ type: 'timeout', at: { line: 18, file }, details: { delayMs: 60_000, refed: true } });
        expect(byType(resources.handles)).toEqual({ FSEvent: 1, UDP: 1, Signal: 1, Worker: 1, Process: 1, MessagePort: 2, 'TCP server': 2, TCP: 4 });
        expect(byType(resources.requests)).toEqual({ HTTPCLIENTREQUEST: 1 });
        expect(totals).toMatchObject({ timers: 24, handles: 13, requests: 1 });
        expect(rows(resources)).toEqual({
          listeners: ['1 x AbortSignal abort: 40', '1 x Store change: 12', '150 x Bus message: 1'],
          aboveLimit: ['Store'],
          streams: ['PassThrough: not read, 3', 'Writable: full, waiting for drain, 10'],
        });
      } finally {
        await dumped.close();
      }
    } finally {
      await running.stop();
    }
  });
});
