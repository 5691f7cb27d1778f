/** Programs that benchmarks measure: started under an inspector, asked over IPC, and their processor time read from outside. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/lib/paths.ts';
import { exitOnSignals } from '../../../scripts/lib/processes.ts';

export const PROGRAMS = join(ROOT, 'test', 'bench', 'programs');
const NANOSECONDS = 1e6;

export interface MeasuredProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The inspector's ws:// address. */
  readonly url: string;
  /** What the program said first, when it was ready. */
  readonly ready: Record<string, unknown>;
  /** Sends one message to the program and resolves with its next answer. */
  ask(message: object): Promise<Record<string, unknown>>;
  /** Ends it at once. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const running = new Set<ChildProcess>();
exitOnSignals();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** @param program a file of {@link PROGRAMS} that sends a message when it is ready, and one as an answer to each that it gets */
export async function startMeasured(node: string, program: string, options: ProcessOptions = {}): Promise<MeasuredProcess> {
  const { flags = [], args = [], env = {} } = options;
  const child = spawn(node, ['--inspect=127.0.0.1:0', ...flags, join(PROGRAMS, program), ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let stderr = '';
  const url = new Promise<string>((resolve) => {
    child.stderr?.on('data', (data: Buffer) => {
      stderr += data.toString();
      const found = /ws:\/\/\S+/.exec(stderr);
      if (found) resolve(found[0]);
    });
  });
  const next = async (): Promise<Record<string, unknown>> => {
    const ended = new AbortController();
    const message = once(child, 'message', { signal: ended.signal }).then(([value]) => value as Record<string, unknown>);
    const exit = once(child, 'exit', { signal: ended.signal }).then(([code, signal]): never => {
      throw new Error(`${program} ended early (${String(code ?? signal)}):\n${stderr}`);
    });
    try {
      return await Promise.race([message, exit]);
    } finally {
      ended.abort();
      await Promise.allSettled([message, exit]);
    }
  };
  const ready = await next();
  return {
    child,
    pid: child.pid ?? -1,
    url: await url,
    ready,
    ask(message) {
      const answer = next();
      child.send(message);
      return answer;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

export interface ProcessorTime {
  /** Milliseconds of the main thread. */
  readonly main: number;
  /** Milliseconds of all threads: the collector's helpers and the inspector's own among them. */
  readonly all: number;
}

/** Linux's scheduler counts it in nanoseconds, so nothing has to be asked of the process itself. */
export async function processorTime(pid: number): Promise<ProcessorTime> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(threads.map((thread) => threadTime(pid, thread)));
  return { main: await threadTime(pid, String(pid)), all: times.reduce((sum, time) => sum + time, 0) };
}

async function threadTime(pid: number, thread: string): Promise<number> {
  // a thread may end between being listed and being read
  const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0');
  return Number(text.split(' ', 1)[0]) / NANOSECONDS;
}
