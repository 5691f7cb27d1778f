/** The thread that analyses heap snapshots, as it is built. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnalysisCancelled } from '../../src/core/heap/progress';
import { analyzeSnapshot } from '../../src/server/heapWorker/analyzeSnapshot';
import { NODES } from '../support/nodes';
import { snapshot } from '../unit/core/heap/snapshotBuilder';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asyncscope-heap-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, content);
  return file;
}

describe('analyzeSnapshot', () => {
  it.each(NODES.map((node) => [node.version, node.path] as const))('reads what Node %d writes, as a file and in pieces', async (version, path) => {
    const file = join(directory, `node${version}.heapsnapshot`);
    await promisify(execFile)(path, ['-e', `require('v8').writeHeapSnapshot(${JSON.stringify(file)})`]);
    const phases: string[] = [];
    const whole = await analyzeSnapshot({ file }, { progress: (phase) => phases.push(phase) });
    const text = await readFile(file, 'latin1');
    const pieces = await analyzeSnapshot({
      take: async (write) => {
        for (let at = 0; at < text.length; at += 100_000) await write(text.slice(at, at + 100_000));
      },
    });
    expect(whole.bytes).toBe(text.length);
    expect(pieces.bytes).toBe(text.length);
    expect(pieces.analysis).toEqual(whole.analysis);
    expect(phases[0]).toBe('reading');
    expect(phases.at(-1)).not.toBe('reading');
  });

  it('says what is wrong with a file', async () => {
    const whole = snapshot().text();
    const truncated = await fileOf('truncated', whole.slice(0, whole.length / 2));
    await expect(analyzeSnapshot({ file: truncated })).rejects.toMatchObject({ name: 'SnapshotError', reason: 'truncated' });
    const other = await fileOf('other', '# Title\n');
    await expect(analyzeSnapshot({ file: other })).rejects.toMatchObject({ name: 'SnapshotError', reason: 'not a snapshot' });
    const missing = join(directory, 'missing');
    await expect(analyzeSnapshot({ file: missing })).rejects.toMatchObject({ name: 'HeapAnalysisError', reason: 'cannot read' });
    await expect(analyzeSnapshot({ file: directory })).rejects.toMatchObject({ name: 'HeapAnalysisError', reason: 'cannot read' });
  });

  it('refuses what memory does not suffice for, before it makes room', async () => {
    const text = snapshot().text({ snapshot: { node_count: 500e6, edge_count: 3e9 } });
    const analysis = analyzeSnapshot({ take: async (write) => write(text) });
    await expect(analysis).rejects.toMatchObject({ name: 'HeapAnalysisError', reason: 'not enough memory' });
  });

  it('ends when it is cancelled, while pieces come and while none come', async () => {
    const text = `${snapshot().text().slice(0, -1)},"more":"${' '.repeat(100_000)}`;
    for (const endless of [true, false]) {
      const abort = new AbortController();
      let written = 0;
      const taking = analyzeSnapshot(
        {
          take: async (write) => {
            await write(text);
            while (endless && !abort.signal.aborted) {
              await write(' '.repeat(100_000));
              if (++written === 50) abort.abort();
            }
            if (!endless) abort.abort();
            await new Promise(() => undefined);
          },
        },
        { signal: abort.signal },
      );
      await expect(taking).rejects.toBeInstanceOf(AnalysisCancelled);
    }
  });

  it('passes on what the source fails with, and tells the source when the analysis has failed', async () => {
    const failure = new Error('gone');
    await expect(analyzeSnapshot({ take: () => Promise.reject(failure) })).rejects.toBe(failure);
    let refused: unknown;
    const endless = analyzeSnapshot({
      take: async (write) => {
        try {
          for (;;) await write('x'.repeat(100_000));
        } catch (error) {
          refused = error;
          throw error;
        }
      },
    });
    await expect(endless).rejects.toMatchObject({ reason: 'not a snapshot' });
    await expect.poll(() => refused).toMatchObject({ reason: 'not a snapshot' });
  });

  it('turns a thread that dies, takes too much memory, or does not stop, into an error', async () => {
    const file = await fileOf('small', snapshot().text());
    const crash = await fileOf('crash.cjs', 'null.x');
    await expect(analyzeSnapshot({ file }, { script: crash })).rejects.toMatchObject({ name: 'HeapAnalysisError', reason: 'failed' });
    const exit = await fileOf('exit.cjs', 'process.exit(3)');
    await expect(analyzeSnapshot({ file }, { script: exit })).rejects.toMatchObject({ name: 'HeapAnalysisError', reason: 'failed' });
    const greedy = await fileOf('greedy.cjs', 'const all = []; for (;;) all.push({ all: [...all.slice(-9)] });');
    const tooMuch = analyzeSnapshot({ file }, { script: greedy, heapLimitMb: 32 });
    await expect(tooMuch).rejects.toMatchObject({ name: 'HeapAnalysisError', reason: 'not enough memory' });
    const stubborn = await fileOf('stubborn.cjs', 'for (;;);');
    const abort = new AbortController();
    const never = analyzeSnapshot({ file }, { script: stubborn, signal: abort.signal });
    abort.abort();
    await expect(never).rejects.toBeInstanceOf(AnalysisCancelled);
  });
});
