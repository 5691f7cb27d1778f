/** Starts a Node program with the agent in it before its first line runs. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parseInspector } from './address';
import { attachTo } from './attach';
import { builtFile } from './builtFile';
import { connect, withTimeout } from './connection';
import { inspectorOptions } from './processes/commandLine';
import { TargetError } from './target';
import type { AttachOptions, AttachedTarget } from './target';

const START_TIMEOUT_MS = 15_000;
/** How long what an ended program wrote last may take to arrive. What it has started itself may hold its standard error open for ever. */
const DRAIN_MS = 200;
/** What Node prints about its inspector; the program's user did not ask for it. */
const INSPECTOR_CHATTER =
  /^(?:Debugger (?:listening|ending) on |For help, see: https:\/\/nodejs\.org\/|Debugger attached\.$|Waiting for the debugger to disconnect\.\.\.$)/;

export interface SpawnOptions extends AttachOptions {
  /** Where the program's standard output goes. */
  readonly stdout: 'inherit' | 'stderr';
  /** Gets the program's standard error, without Node's messages about its inspector. */
  readonly stderr: (line: string) => void;
}

export interface SpawnedTarget {
  readonly child: ChildProcess;
  readonly target: AttachedTarget;
  /** Resolves when the program has ended. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/**
 * @param command `['node', ...options, 'app.js', ...arguments]`; another path to a Node binary will do
 * @throws {TargetError} when the command is not Node's, cannot be started, or ends before it could be attached to
 */
export async function spawnTarget(command: readonly string[], options: SpawnOptions): Promise<SpawnedTarget> {
  const [program, ...rest] = command;
  if (program === undefined || !/^node(?:js)?\d*(?:\.exe)?$/i.test(basename(program))) {
    throw new TargetError('bad target', 'The command after "--" must start with node, such as: -- node app.js');
  }
  // Node throws where the inspector is opened twice: VS Code's debugger, which is in all that is started in its terminal, does it by this
  const env = { ...process.env };
  delete env['VSCODE_INSPECTOR_OPTIONS'];
  if (inspectorOptions(command, env['NODE_OPTIONS']).opens) {
    throw new TargetError('bad target', 'Asyncscope opens the inspector of what it starts. Leave out --inspect, in NODE_OPTIONS too; or start the program yourself and attach to its port.');
  }
  const child = spawn(program, ['--require', builtFile('preload.js'), ...rest], {
    stdio: ['inherit', options.stdout === 'stderr' ? 2 : 'inherit', 'pipe'],
    env,
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => {
      setTimeout(() => child.stderr?.destroy(), DRAIN_MS).unref();
      resolve({ code, signal });
    });
  });
  try {
    const url = await withTimeout(
      inspectorUrl(child, program, options.stderr),
      START_TIMEOUT_MS,
      () => new TargetError('timeout', `${program} did not open its inspector within ${START_TIMEOUT_MS / 1000} s.`),
    );
    const connection = await connect(url);
    const target = await attachTo(connection, parseInspector(url), options);
    await connection.send('Runtime.runIfWaitingForDebugger');
    return { child, target, exited };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** Passes on the program's standard error and resolves with the address in Node's first message. */
function inspectorUrl(child: ChildProcess, program: string, stderr: (line: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'there is no such program' : error.message;
      reject(new TargetError('bad target', `${program} could not be started: ${why}.`, { cause: error }));
    });
    child.once('exit', (code, signal) => {
      reject(new TargetError('closed', `The program ended before it could be looked at (${signal ?? `exit code ${code ?? '?'}`}).`));
    });
    const lines = createInterface({ input: child.stderr as Readable, crlfDelay: Infinity });
    lines.on('line', (line) => {
      const url = /^Debugger listening on (ws:\/\/\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
      if (!INSPECTOR_CHATTER.test(line)) stderr(line);
    });
  });
}
