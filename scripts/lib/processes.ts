/** Child processes that never outlive the script, however it ends. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ROOT } from './paths.ts';

const LEASH = join(ROOT, 'scripts', 'lib', 'leash.mjs');

export interface LeashedProcess {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves with the exit code once the process is gone; never rejects. */
  readonly exited: Promise<number>;
  /** Ends the process and everything that it started. Idempotent. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a process that ends, with all its descendants, when this process ends. Not for Windows: it has no process groups. */
export function startLeashed(command: string, args: readonly string[], options: ProcessOptions = {}): LeashedProcess {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(process.execPath, [LEASH, command, ...args], {
    cwd: options.cwd,
    env: options.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdin.on('error', () => {
    // The leash has closed its end: `exited` tells.
  });
  const exited = new Promise<number>((resolve) => {
    child.on('error', () => {
      resolve(127);
    });
    child.on('exit', (code) => {
      resolve(code ?? 1);
    });
  });
  return {
    pid: child.pid ?? -1,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

export interface RunOptions extends ProcessOptions {
  /** Everything the command prints goes here as well. */
  readonly logFile?: string;
  /** Print nothing; the log file has it. */
  readonly quiet?: boolean;
}

/** Runs a command to its end, passes on what it prints, and resolves with its exit code. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<number> {
  const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile, { flags: 'a' });
  const onOutput = (target: NodeJS.WriteStream) => (chunk: Buffer) => {
    log?.write(chunk);
    if (options.quiet !== true) target.write(chunk);
  };
  let exitCode: number;
  if (process.platform === 'win32') {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', onOutput(process.stdout));
    child.stderr.on('data', onOutput(process.stderr));
    exitCode = await new Promise<number>((resolve) => {
      child.on('error', () => {
        resolve(127);
      });
      child.on('close', (code) => {
        resolve(code ?? 1);
      });
    });
  } else {
    const child = startLeashed(command, args, options);
    child.stdout.on('data', onOutput(process.stdout));
    child.stderr.on('data', onOutput(process.stderr));
    const drained = Promise.allSettled([finished(child.stdout), finished(child.stderr)]);
    exitCode = await child.exited;
    await drained;
  }
  if (log !== undefined) {
    log.end();
    await finished(log);
  }
  return exitCode;
}

/** Runs the npm that started this script, or else the one on the PATH. */
export async function runNpm(args: readonly string[], options: RunOptions): Promise<number> {
  const npm = process.env['npm_execpath'];
  if (npm?.endsWith('.js') === true) return run(process.execPath, [npm, ...args], options);
  return run('npm', args, options);
}

/** Lets signals end this process the ordinary way, so that 'exit' handlers run. */
export function exitOnSignals(): void {
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    process.once(signal, () => process.exit(code));
  }
}
