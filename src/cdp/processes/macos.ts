/** Processes by `ps` and `lsof`, as macOS has no `/proc`. Which signals a process handles cannot be told here. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isLoopback } from '../hosts';
import { isNodeBinary } from './commandLine';
import type { Listener, ProcessFacts, ProcessSystem } from './processSystem';

const run = promisify(execFile);
/** `lsof` can hang on a dead network volume. */
const COMMAND_TIMEOUT_MS = 5_000;
const OUTPUT_LIMIT = 8 * 1024 * 1024;

type Run = (program: string, args: readonly string[]) => Promise<string>;

export function macProcesses(userId: number = process.geteuid?.() ?? -1, runProgram: Run = runCommand): ProcessSystem {
  const rows = async (pid?: number): Promise<PsRow[]> => {
    const which = pid === undefined ? ['-ax'] : ['-p', String(pid)];
    const [text, programs] = await Promise.all([
      runProgram('ps', [...which, '-ww', '-o', 'pid=,ppid=,uid=,lstart=,command=']),
      runProgram('ps', [...which, '-ww', '-o', 'pid=,comm=']),
    ]);
    return parsePs(text, parsePrograms(programs));
  };
  const facts = async (found: readonly PsRow[]): Promise<ProcessFacts[]> => {
    if (found.length === 0) return [];
    const pids = found.map(({ pid }) => pid).join();
    const [sockets, directories] = await Promise.all([
      runProgram('lsof', ['-nP', '-a', '-p', pids, '-iTCP', '-sTCP:LISTEN', '-Fpn']),
      runProgram('lsof', ['-a', '-p', pids, '-d', 'cwd', '-Fpn']),
    ]);
    const listeners = parseLsof(sockets);
    const cwds = parseLsof(directories);
    return found.map((row) => ({
      pid: row.pid,
      parent: row.parent,
      identity: row.started,
      startedS: Date.parse(row.started) / 1000 || 0,
      args: [row.program, ...row.rest],
      nodeOptions: undefined,
      hasDebuggerBootloader: false,
      cwd: cwds.get(row.pid)?.[0],
      listeners: (listeners.get(row.pid) ?? []).flatMap(toListener),
      catchesSigusr1: undefined,
      sharesNetwork: true,
      ownPid: row.pid,
    }));
  };
  const ours = (row: PsRow): boolean => row.uid === userId && isNodeBinary(row.program);
  return {
    list: async () => facts((await rows()).filter(ours)),
    read: async (pid) => (await facts((await rows(pid)).filter(ours)))[0],
    async why(pid) {
      const row = (await rows(pid))[0];
      if (row === undefined) return 'no such process';
      if (row.uid !== userId) return 'not ours';
      return ours(row) ? undefined : 'not node';
    },
    async holderOf(port) {
      const text = await runProgram('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fp']);
      const pid = /^p(\d+)$/m.exec(text)?.[1];
      return pid === undefined ? undefined : { pid: Number(pid) };
    },
    openInspector(pid) {
      process.kill(pid, 'SIGUSR1');
    },
  };
}

export interface PsRow {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  readonly started: string;
  /** The first argument, which may hold spaces. */
  readonly program: string;
  /** The others, where they hold none. */
  readonly rest: readonly string[];
}

/**
 * Reads `ps -o pid=,ppid=,uid=,lstart=,command=`; `lstart` looks like `Sat Nov 21 00:38:54 2026`.
 * @param programs of each process, from `ps -o pid=,comm=`
 */
export function parsePs(text: string, programs: ReadonlyMap<number, string>): PsRow[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+ +\S+ +\S+ +\S+ +\d{4})\s+(.*)$/.exec(line);
    if (match === null) return [];
    const [, pid, parent, uid, started = '', command = ''] = match;
    const known = programs.get(Number(pid));
    const program = known !== undefined && command.startsWith(known) ? known : (command.split(' ')[0] ?? '');
    const rest = command.slice(program.length).split(' ').slice(1);
    return [{ pid: Number(pid), parent: Number(parent), uid: Number(uid), started: started.replace(/ +/g, ' '), program, rest }];
  });
}

/** Reads `ps -o pid=,comm=`. */
export function parsePrograms(text: string): Map<number, string> {
  return new Map(Array.from(text.matchAll(/^\s*(\d+)\s+(.*\S)\s*$/gm), ([, pid, program = '']) => [Number(pid), program]));
}

/** Reads `lsof -Fpn`: the names that belong to each process. */
function parseLsof(text: string): Map<number, string[]> {
  const names = new Map<number, string[]>();
  let current: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('p')) names.set(Number(line.slice(1)), (current = []));
    else if (line.startsWith('n')) current.push(line.slice(1));
  }
  return names;
}

function toListener(name: string): Listener[] {
  const match = /^(.*):(\d+)$/.exec(name);
  if (match === null) return [];
  const host = match[1] === '*' ? '127.0.0.1' : (match[1] ?? '').replace(/^\[|\]$/g, '');
  return [{ host, port: Number(match[2]), loopbackOnly: match[1] !== '*' && isLoopback(host), id: name }];
}

async function runCommand(program: string, args: readonly string[]): Promise<string> {
  try {
    // dates are told in the user's language otherwise
    const env = { ...process.env, LC_ALL: 'C' };
    return (await run(program, args, { timeout: COMMAND_TIMEOUT_MS, maxBuffer: OUTPUT_LIMIT, env })).stdout;
  } catch (error) {
    // both end with 1 when nothing matches
    const { stdout, code } = error as { stdout?: string; code?: unknown };
    if (code === 1 && typeof stdout === 'string') return stdout;
    throw error;
  }
}
