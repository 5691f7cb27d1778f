/** Makes sure that the inspector of a running process is open: with SIGUSR1 where it is not. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '../address';
import { TargetError, throwIfCancelled } from '../target';
import { inspectorOptions, isNodeBinary, processName, readCommandLine } from './commandLine';
import { isInspector, openInspectorOf, refusal } from './nodeProcesses';
import type { Listener, ProcessFacts, ProcessSystem } from './processSystem';

/** Node opens its inspector within milliseconds of the signal, unless it sits in native code. */
const OPEN_TIMEOUT_MS = 5_000;
const OPEN_POLL_MS = 25;
/** How much beside the program's main script is searched for SIGUSR1: files and folders, levels, and bytes of each file. */
const SEARCHED_ENTRIES = 1_000;
const SEARCHED_DEPTH = 3;
const SEARCHED_FILE_BYTES = 1_000_000;
/** What Node and loaders of TypeScript find a script by that was typed without. */
const EXTENSIONS = ['', '.js', '.json', '.node', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx'];

export interface OpenInspectorOptions {
  /** From the list that the user chose from: the process must still be the same one. */
  readonly identity?: string | undefined;
  /** Send SIGUSR1 although the program may handle it itself. */
  readonly allowSignal: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @returns the address of the inspector, proven to be the process's own
 * @throws {TargetError} `refused`, `signal unsure`, `timeout` or `cancelled`
 */
export async function openInspector(system: ProcessSystem, pid: number, options: OpenInspectorOptions): Promise<Listener> {
  const facts = await sameProcess(system, pid, options.identity);
  const open = await openInspectorOf(facts);
  if (open !== undefined) return open;
  const reason = refusal(facts);
  if (reason !== undefined) throw new TargetError('refused', `Process ${pid} cannot be attached to. ${reason}`);
  const { port } = inspectorOptions(facts.args, facts.nodeOptions);
  if (port !== 0) await assertFree(system, pid, port);
  if (!options.allowSignal) await assertNotHandled(facts);
  throwIfCancelled(options.signal);
  // The id may have gone to another process since, for which SIGUSR1 could be the end.
  await sameProcess(system, pid, facts.identity);
  send(system, pid);
  return await opened(system, facts, options.signal);
}

async function sameProcess(system: ProcessSystem, pid: number, identity: string | undefined): Promise<ProcessFacts> {
  const facts = await system.read(pid);
  if (facts !== undefined && (identity === undefined || facts.identity === identity)) return facts;
  const why = facts === undefined ? await system.why(pid) : 'no such process';
  switch (why) {
    case 'not ours':
      throw new TargetError('refused', `Process ${pid} belongs to another user. Run as that user to attach to it.`);
    case 'not node':
      throw new TargetError('not node', `Process ${pid} is not a Node process.`);
    default:
      throw new TargetError('refused', `There is no process ${pid} any more.`);
  }
}

async function assertFree(system: ProcessSystem, pid: number, port: number): Promise<void> {
  const holder = await system.holderOf(port);
  if (holder === undefined) return;
  const by = holder.pid === undefined ? 'another process' : `process ${holder.pid}`;
  throw new TargetError(
    'refused',
    `Process ${pid} would open its inspector on port ${port}, which ${by} holds. Stop or detach that one, or start this one with --inspect-port=0.`,
  );
}

/**
 * Node handles SIGUSR1 itself, and a program that does so takes its place: from outside the two look the same. So its text
 * decides: where the program names the signal, sending it would run a handler of the program's own.
 */
async function assertNotHandled(facts: ProcessFacts): Promise<void> {
  const name = processName(facts.args);
  if (facts.catchesSigusr1 === undefined) {
    throw new TargetError('signal unsure', `Whether ${name} (process ${facts.pid}) handles SIGUSR1 itself cannot be told on this system. If it does, the signal runs its handler.`);
  }
  const searched = await searchFiles(facts);
  if (searched === 'silent') return;
  if (searched === 'out of sight') {
    throw new TargetError('signal unsure', `The files of ${name} (process ${facts.pid}) cannot be looked at from here. If it handles SIGUSR1 itself, the signal runs its handler.`);
  }
  throw new TargetError(
    'signal unsure',
    `${name} (process ${facts.pid}) names SIGUSR1 in ${searched.file}. If it handles that signal itself, sending it runs its handler and opens no inspector.`,
  );
}

/** Looks for the signal in the program's own files. Packages are not searched: they are many, and seldom name it. */
async function searchFiles({ args, cwd }: ProcessFacts): Promise<'silent' | 'out of sight' | { readonly file: string }> {
  if (args.slice(1).some((arg) => arg.includes('SIGUSR1'))) return { file: 'its command line' };
  const { script, evaluates } = readCommandLine(args);
  if (evaluates) return 'silent';
  // a title in place of the command line
  if (cwd === undefined || (args.length === 1 && !isNodeBinary(args[0] ?? ''))) return 'out of sight';
  // a program that came by the standard input, or what `node --test` runs, is mostly where it was started
  const main = script === undefined ? join(cwd, 'index.js') : await findScript(args.slice(args.indexOf(script)), cwd);
  // in a container or removed since: what stands here is another program's folder, if any
  if (main === undefined) return 'out of sight';
  if (await mentions(main)) return { file: main };
  let left = SEARCHED_ENTRIES;
  const search = async (directory: string, depth: number): Promise<string | undefined> => {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (left-- <= 0) return undefined;
      if (entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name)) {
        if (await mentions(join(directory, entry.name))) return join(directory, entry.name);
      } else if (entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.') && depth < SEARCHED_DEPTH) {
        const found = await search(join(directory, entry.name), depth + 1);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };
  // what a package's script runs is mostly where it was started
  const folder = /[\\/]node_modules[\\/]/.test(main) ? cwd : dirname(main);
  const file = await search(folder, 0);
  return file === undefined ? 'silent' : { file };
}

/** The first that is there: before the script there may be the value of an option that is not known to have one. */
async function findScript(args: readonly string[], cwd: string): Promise<string | undefined> {
  for (const arg of args) {
    const path = isAbsolute(arg) ? arg : join(cwd, arg);
    for (const extension of EXTENSIONS) if (await stat(path + extension).then(() => true, () => false)) return path + extension;
  }
  return undefined;
}

async function mentions(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.slice(0, SEARCHED_FILE_BYTES).includes('SIGUSR1');
}

function send(system: ProcessSystem, pid: number): void {
  try {
    system.openInspector(pid);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'EPERM' ? 'This user may not send signals to it.' : 'It has ended.';
    throw new TargetError('refused', `Process ${pid} cannot be attached to. ${why}`, { cause: error });
  }
}

/** Waits for a socket that was not there before. */
async function opened(system: ProcessSystem, before: ProcessFacts, signal: AbortSignal | undefined): Promise<Listener> {
  const { pid } = before;
  const old = new Set(before.listeners.map(({ id }) => id));
  const end = performance.now() + OPEN_TIMEOUT_MS;
  const asked = new Set<string>();
  for (;;) {
    throwIfCancelled(signal);
    const facts = await sameProcess(system, pid, before.identity);
    for (const listener of facts.listeners) {
      if (old.has(listener.id) || asked.has(listener.id)) continue;
      asked.add(listener.id);
      if (await isInspector(listener)) return listener;
    }
    if (performance.now() > end) throw await notOpened(system, before);
    await sleep(OPEN_POLL_MS);
  }
}

async function notOpened(system: ProcessSystem, facts: ProcessFacts): Promise<TargetError> {
  const { pid } = facts;
  const { host, port } = inspectorOptions(facts.args, facts.nodeOptions);
  const holder = port === 0 ? undefined : await system.holderOf(port);
  if (holder?.pid !== undefined && holder.pid !== pid) {
    return new TargetError('refused', `Process ${pid} could not open its inspector on ${formatAddress(host, port)}, which process ${holder.pid} holds.`);
  }
  return new TargetError(
    'timeout',
    `Process ${pid} did not open an inspector within ${OPEN_TIMEOUT_MS / 1000} s of SIGUSR1. It handles that signal itself, is stopped, or has its inspector open elsewhere: then attach to its port.`,
  );
}
