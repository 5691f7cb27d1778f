/** Runs one program of the dump's corpus until it says that it is ready. */
import { spawn } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { connect } from '../../src/cdp/connection.ts';
import { openHeapTarget } from '../../src/cdp/heapTarget.ts';
import type { OpenHeapTarget } from '../../src/cdp/heapTarget.ts';
import { analyzeHeap } from '../../src/core/heap/analyzeHeap.ts';
import type { AnalysisProgress } from '../../src/core/heap/progress.ts';
import { SnapshotReader } from '../../src/core/heap/snapshotReader.ts';
import { dumpProcess } from '../../src/server/dump/takeDump.ts';
import type { Analyze, TakenDump } from '../../src/server/dump/takeDump.ts';
import { createSourceMaps } from '../../src/server/sourceMaps.ts';
import type { DumpProgram } from './dumpTruth.ts';
import type { TestNode } from './nodes.ts';
import { adopt } from './target.ts';
import { until } from './until.ts';

/** What does not end when asked to is killed. */
const END_MS = 2_000;
/** Every suspended function is looked up, however busy the machine is. */
const LOOKUP_BUDGET_MS = 60_000;

/** What settles late may fail late: that is no concern here. */
const OPTIONS = ['--inspect=127.0.0.1:0', '--unhandled-rejections=none'];

export interface RunningProgram {
  /** The inspector's ws:// address. */
  readonly url: string;
  readonly stderr: () => string;
  /** Ends it and removes what was compiled. */
  stop(): Promise<void>;
}

/** @throws {Error} when the program ends before it is ready */
export async function startProgram(node: TestNode, program: Pick<DumpProgram, 'name' | 'file' | 'flags' | 'stripped'>): Promise<RunningProgram> {
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-dump-')));
  const file = program.name.endsWith('.ts') && !program.stripped ? await compile(program.file, scratch) : program.file;
  const child = spawn(node.path, [...OPTIONS, ...program.flags, file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = adopt(child);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await exited;
    clearTimeout(killer);
    await rm(scratch, { recursive: true, force: true });
  };
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  try {
    await until(async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${program.name} ended early: ${JSON.stringify(await exited)}\n${stderr}`);
      return /^ready$/m.test(stderr);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: /ws:\/\/\S+/.exec(stderr)?.[0] ?? '', stderr: () => stderr, stop };
}

async function compile(source: string, directory: string): Promise<string> {
  const outfile = join(directory, basename(source).replace(/\.ts$/, '.mjs'));
  await build({ entryPoints: [source], outfile, bundle: true, minify: true, keepNames: true, format: 'esm', platform: 'node', sourcemap: 'linked', logLevel: 'error' });
  return outfile;
}

/** A dump, while the process can be looked at further: V8 forgets the ids of its objects with the connection. */
export interface DumpedProgram extends TakenDump {
  /** Has the program settle what it can, and returns the functions called orphans that went on then: there must be none. */
  settledOrphans(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * Takes a dump as the product does, but for the thread: here the snapshot is analysed in this one.
 * @param readsTexts whether the files that the process runs may say what its heap does not
 */
export async function takeDump(url: string, lookupBudgetMs: number = LOOKUP_BUDGET_MS, readsTexts = false): Promise<DumpedProgram> {
  const target = await openHeapTarget(url, {});
  try {
    const taken = await dumpProcess(target, {
      positions: createSourceMaps(),
      now: () => performance.now(),
      wall: () => Date.now(),
      lookupBudgetMs,
      ...(readsTexts && { startedAt: target.startedAt }),
      analyze: analyzeHere,
    });
    return { ...taken, close: () => target.close(), settledOrphans: () => settledOrphans(url, taken, target) };
  } catch (error) {
    await target.close();
    throw error;
  }
}

async function settledOrphans(url: string, { dump, kept }: TakenDump, { frames }: OpenHeapTarget): Promise<readonly string[]> {
  // kept open till the end: V8 forgets the ids when any connection closes
  const connection = await connect(url);
  try {
    const expression = 'globalThis.settle(); new Promise((resolve) => setImmediate(resolve))';
    const { exceptionDetails } = await connection.send('Runtime.evaluate', { expression, awaitPromise: true });
    if (exceptionDetails !== undefined) throw new Error(`settle() failed: ${JSON.stringify(exceptionDetails)}`);
    const settled: string[] = [];
    for (const { id, verdict, chain } of dump.groups) {
      if (verdict !== 'orphan' && verdict !== 'cycle') continue;
      for (const [index, member] of (kept.get(id)?.members ?? []).entries()) {
        if (member !== 0 && (await frames.locate(member)) === undefined) settled.push(String(chain[index % chain.length]?.function));
      }
    }
    return settled;
  } finally {
    await connection.close();
  }
}

const UNWATCHED: AnalysisProgress = { begin: () => ({ report: () => undefined, throwIfCancelled: () => undefined }) };

const analyzeHere: Analyze = async (source, { timerNow = null }) => {
  if ('file' in source) throw new Error('Programs are processes.');
  const encoder = new TextEncoder();
  const reader = new SnapshotReader();
  let bytes = 0;
  await source.take((chunk) => {
    const piece = encoder.encode(chunk);
    bytes += piece.length;
    reader.push(piece);
  });
  return { analysis: analyzeHeap(reader.finish(), UNWATCHED, { timerNow }), bytes, ms: 0 };
};
