import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TargetError } from '../../../src/cdp/target';
import type { HeapSnapshotOptions } from '../../../src/cdp/target';
import { writeHeapSnapshot } from '../../../src/server/heapSnapshotFile';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asyncscope-heap-'));
  file = join(directory, 'a.heapsnapshot');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function write(take: (options: HeapSnapshotOptions) => Promise<void>, signal = new AbortController().signal, progress: (done: number) => void = () => undefined) {
  return writeHeapSnapshot(file, take, { signal, progress, now: () => 0 });
}

test('writes what the target sends, for its owner only', async () => {
  const chunks = ['{"snapshot":', '"ü"', 'x'.repeat(2_000_000), '}'];
  const seen: number[] = [];
  const result = await write(
    async ({ write: sink, progress }) => {
      for (const chunk of chunks) await sink(chunk);
      progress?.(0.5);
    },
    undefined,
    (done) => seen.push(done),
  );
  expect(await readFile(file, 'utf8')).toBe(chunks.join(''));
  expect(result).toEqual({ file, bytes: Buffer.byteLength(chunks.join('')), durationMs: 0 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(seen).toEqual([0.5]);
});

test('never overwrites a file', async () => {
  await writeFile(file, 'precious');
  await expect(write(() => Promise.resolve())).rejects.toMatchObject({ name: 'HeapSnapshotError', reason: 'exists' });
  expect(await readFile(file, 'utf8')).toBe('precious');
});

test('refuses a path that depends on where the server runs', async () => {
  await expect(writeHeapSnapshot('a.heapsnapshot', () => Promise.resolve(), { signal: new AbortController().signal, progress: () => undefined, now: () => 0 })).rejects.toMatchObject({ reason: 'bad path' });
});

test('says which directory is missing', async () => {
  file = join(directory, 'missing', 'a.heapsnapshot');
  await expect(write(() => Promise.resolve())).rejects.toMatchObject({ reason: 'bad path', message: expect.stringContaining('missing') as string });
});

test('leaves nothing behind when the target fails', async () => {
  const take = async ({ write: sink }: HeapSnapshotOptions): Promise<void> => {
    await sink('partial');
    throw new TargetError('closed', 'gone');
  };
  await expect(write(take)).rejects.toThrow('gone');
  expect(await readdir(directory)).toEqual([]);
});

test('leaves nothing behind when it is cancelled, even at the last moment', async () => {
  const abort = new AbortController();
  const take = async ({ write: sink }: HeapSnapshotOptions): Promise<void> => {
    await sink('everything');
    abort.abort();
  };
  await expect(write(take, abort.signal)).rejects.toMatchObject({ reason: 'cancelled' });
  expect(await readdir(directory)).toEqual([]);
});
