/** Heap snapshots as files. They hold whatever the process holds, secrets included. */
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { TargetError } from '../cdp/target';
import type { HeapSnapshotOptions } from '../cdp/target';
import type { HeapSnapshotResult } from '../protocol/lsp';

/** Chunks are collected to this many UTF-16 units before they are written: one write call per megabyte, not ten. */
const WRITE_UNITS = 1024 * 1024;

export type HeapSnapshotFailureReason = 'bad path' | 'exists' | 'write failed';

/** The file of a heap snapshot could not be made; `message` is for people. */
export class HeapSnapshotError extends Error {
  override readonly name = 'HeapSnapshotError';
  constructor(
    readonly reason: HeapSnapshotFailureReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Writes a snapshot to a file that must not exist, readable by its owner only. Whatever goes wrong, no part of it stays.
 * @param take `takeHeapSnapshot` of the target.
 * @param now milliseconds on a clock that never goes back.
 * @throws {HeapSnapshotError} when the file cannot be made or written.
 * @throws {TargetError} as `take` does, with reason `cancelled` when `signal` was aborted.
 */
export async function writeHeapSnapshot(
  file: string,
  take: (options: HeapSnapshotOptions) => Promise<unknown>,
  options: { readonly signal: AbortSignal; readonly progress: (done: number) => void; readonly now: () => number },
): Promise<HeapSnapshotResult> {
  if (!isAbsolute(file)) throw new HeapSnapshotError('bad path', 'The file of a heap snapshot needs an absolute path.');
  const { signal, progress, now } = options;
  const began = now();
  const handle = await create(file);
  let bytes = 0;
  let pending: string[] = [];
  let units = 0;
  const flush = async (): Promise<void> => {
    const text = pending.join('');
    pending = [];
    units = 0;
    bytes += await writeAll(handle, file, text);
  };
  try {
    await take({
      signal,
      progress,
      write: (chunk) => {
        pending.push(chunk);
        units += chunk.length;
        return units < WRITE_UNITS ? undefined : flush();
      },
    });
    await flush();
    if (signal.aborted) throw new TargetError('cancelled', 'The heap snapshot was cancelled.');
    await handle.close();
  } catch (error) {
    await handle.close().catch(ignore);
    await unlink(file).catch(ignore);
    throw error;
  }
  return { file, bytes, durationMs: now() - began };
}

async function create(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') throw new HeapSnapshotError('exists', `${file} exists already. Choose another name.`, { cause: error });
    throw new HeapSnapshotError('bad path', `${file} cannot be created (${code}).`, { cause: error });
  }
}

async function writeAll(handle: FileHandle, file: string, text: string): Promise<number> {
  try {
    const data = Buffer.from(text, 'utf8');
    await handle.writeFile(data);
    return data.byteLength;
  } catch (error) {
    throw new HeapSnapshotError('write failed', `${file} could not be written (${codeOf(error)}).`, { cause: error });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}

/** The first error is the one to tell. */
function ignore(): void {
  return undefined;
}
