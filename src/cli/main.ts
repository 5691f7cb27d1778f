/** The terminal front end: the process, its arguments, streams and signals. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { version } from '../../package.json';
import { errorMessage } from '../core/base/errorMessage';
import { PROJECT_FILE } from '../core/config/projectFile';
import { attach } from '../cdp/attach';
import { listNodeProcesses, processSystem } from '../cdp/processes/nodeProcesses';
import { openHeapTarget } from '../cdp/heapTarget';
import { spawnTarget } from '../cdp/spawn';
import { HELP, UsageError, parseArguments } from './arguments';
import type { Arguments, ListArguments } from './arguments';
import { dump } from './dump';
import type { DumpEnvironment } from './dump';
import { processTable, processesAsJson } from './list';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, ps } from './ps';
import type { PsEnvironment, StopReason } from './ps';
import { clipEnd } from './terminalText';

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
/** What is left over may end by itself in this time, once all is printed. */
const LEFT_OVER_MS = 1_000;

// The DevTools client library calls `url.parse`, and Node would tell the user about it.
// Read-only, and true already, under `--no-deprecation`, which VS Code hands on to its children.
if (process.noDeprecation !== true) process.noDeprecation = true;

let outputFailed = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `asyncscope … | head` closes the pipe: that is no error, and what was begun is to be ended all the same
  if (error.code === 'EPIPE' || outputFailed) return;
  outputFailed = true;
  complain(`What was to be printed could not be written (${error.code ?? error.message}).`);
});
process.stderr.on('error', () => undefined);

main(process.argv.slice(2))
  .catch((error: unknown) => {
    complain(errorMessage(error));
    return EXIT_FAILED;
  })
  .then((code) => {
    process.exitCode = code;
    // a socket that was never answered would keep us for as long as the system waits; what is printed comes first
    process.stdout.write('', () => {
      if (outputFailed) process.exitCode = EXIT_FAILED;
      setTimeout(() => process.exit(), LEFT_OVER_MS).unref();
    });
  })
  .catch(() => undefined);

async function main(argv: readonly string[]): Promise<number> {
  let args: Arguments;
  try {
    args = parseArguments(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(error.message);
    return EXIT_USAGE;
  }
  switch (args.command) {
    case 'help':
      process.stdout.write(HELP);
      return EXIT_OK;
    case 'version':
      process.stdout.write(`${version}\n`);
      return EXIT_OK;
    case 'list':
      return list(args.list);
    case 'ps':
      return untilStopped((stop) => ps(args.ps, environment(), stop));
    case 'dump':
      return untilStopped((stop) => dump(args.dump, dumpEnvironment(), stop));
  }
}

async function list(args: ListArguments): Promise<number> {
  try {
    const processes = await listNodeProcesses(processSystem());
    process.stdout.write(args.json ? processesAsJson(processes) : processTable(processes));
    return EXIT_OK;
  } catch (error) {
    complain(errorMessage(error));
    return EXIT_FAILED;
  }
}

/** Runs with a signal that is aborted when we are told to stop, or when nobody reads what we print. */
async function untilStopped(run: (stop: AbortSignal) => Promise<number>): Promise<number> {
  const stop = new AbortController();
  const because = (reason: StopReason) => () => stop.abort(reason);
  const onSigint = because('SIGINT');
  const onSigterm = because('SIGTERM');
  process.on('SIGINT', onSigint).on('SIGTERM', onSigterm);
  process.stdout.on('error', because('nobody reads'));
  try {
    return await run(stop.signal);
  } finally {
    process.off('SIGINT', onSigint).off('SIGTERM', onSigterm);
  }
}

function environment(): PsEnvironment {
  const { stdout } = process;
  return {
    attach,
    async start(command, childStdout, options) {
      const { child, target, exited } = await spawnTarget(command, { ...options, stdout: childStdout, stderr: complainAs });
      return { target, exited, kill: (signal) => child.kill(signal) };
    },
    print: (text) => stdout.write(text),
    complain,
    now: () => performance.now(),
    sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
    terminal: {
      isTerminal: stdout.isTTY,
      // it may be resized; one that was never told its size says 0
      get columns() {
        return stdout.isTTY ? stdout.columns || DEFAULT_COLUMNS : Infinity;
      },
      get rows() {
        return stdout.isTTY ? stdout.rows || DEFAULT_ROWS : Infinity;
      },
      color: stdout.isTTY && stdout.hasColors(),
    },
    cwd: process.cwd(),
    readProjectFile,
  };
}

function dumpEnvironment(): DumpEnvironment {
  const { stdin, stderr } = process;
  const { print, now, terminal, cwd } = environment();
  return {
    open: openHeapTarget,
    print,
    complain,
    now,
    wall: () => Date.now(),
    terminal,
    cwd,
    readProjectFile,
    showProgress: stderr.isTTY ? (text) => stderr.write(`\r${clipEnd(text, stderr.columns - 1)}\u001b[K`) : undefined,
    ask: stdin.isTTY && stderr.isTTY ? ask : undefined,
  };
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  // without a terminal of its own it leaves Ctrl-C to the process
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  // Ctrl-D: a question is not answered by the end of the input (nodejs/node#53497)
  const ended = once(lines, 'close').then(() => '');
  try {
    return /^y(?:es)?$/i.test((await Promise.race([lines.question(question, { signal }), ended])).trim());
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    lines.close();
  }
}

async function readProjectFile(directory: string): Promise<string | undefined> {
  try {
    return await readFile(join(directory, PROJECT_FILE), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

function complain(line: string): void {
  process.stderr.write(`asyncscope: ${line}\n`);
}

/** What the program itself writes to its standard error. */
function complainAs(line: string): void {
  process.stderr.write(`${line}\n`);
}
