/** Processes by `/proc`: no program is run, nothing is asked of the processes themselves. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { isLoopback } from '../hosts';
import { isNodeBinary } from './commandLine';
import type { Listener, ProcessFacts, ProcessSystem } from './processSystem';

/** Sockets in this state listen (linux: include/net/tcp_states.h). */
const TCP_LISTEN = '0A';
/** Processes read at a time: each opens a handful of files. */
const CONCURRENCY = 16;
/** Command lines and environments longer than this are cut, in bytes. */
const TEXT_LIMIT = 256 * 1024;

/** @param proc where procfs is mounted */
export function linuxProcesses(proc = '/proc', userId: number = process.geteuid?.() ?? -1): ProcessSystem {
  const ids = async (): Promise<number[]> => (await readdir(proc)).filter((name) => /^\d+$/.test(name)).map(Number);

  const why = async (pid: number): ReturnType<ProcessSystem['why']> => {
    const owner = await stat(`${proc}/${pid}`).catch(() => undefined);
    if (owner === undefined) return 'no such process';
    if (owner.uid !== userId) return 'not ours';
    const exe = await readlink(`${proc}/${pid}/exe`).catch(() => undefined);
    return exe !== undefined && isNodeBinary(exe) ? undefined : 'not node';
  };

  const read = async (pid: number): Promise<ProcessFacts | undefined> => {
    if ((await why(pid)) !== undefined) return undefined;
    try {
      return await readProcess(proc, pid);
    } catch {
      // it has ended meanwhile, or hides (hidepid)
      return undefined;
    }
  };

  return {
    why,
    read,
    async list() {
      const found: ProcessFacts[] = [];
      const queue = await ids();
      const worker = async (): Promise<void> => {
        for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
          const facts = await read(pid);
          if (facts !== undefined) found.push(facts);
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, worker));
      return found;
    },
    async holderOf(port) {
      const sockets = await listenTable(`${proc}/self`);
      const held = [...sockets.entries()].filter(([, socket]) => socket.port === port).map(([inode]) => inode);
      if (held.length === 0) return undefined;
      for (const pid of await ids()) {
        const inodes = await socketInodes(proc, pid);
        if (inodes.some((inode) => held.includes(inode))) return { pid };
      }
      return { pid: undefined };
    },
    openInspector(pid) {
      process.kill(pid, 'SIGUSR1');
    },
  };
}

async function readProcess(proc: string, pid: number): Promise<ProcessFacts> {
  const own = `${proc}/${pid}`;
  const [statText, status, commandLine, environment, cwd, network, ourNetwork, table, inodes] = await Promise.all([
    readFile(`${own}/stat`, 'utf8'),
    readFile(`${own}/status`, 'utf8'),
    readFile(`${own}/cmdline`, 'utf8'),
    readFile(`${own}/environ`, 'utf8').catch(() => undefined),
    readlink(`${own}/cwd`).catch(() => undefined),
    readlink(`${own}/ns/net`).catch(() => undefined),
    readlink(`${proc}/self/ns/net`).catch(() => undefined),
    listenTable(own),
    socketInodes(proc, pid),
  ]);
  const fields = statText.slice(statText.lastIndexOf(')') + 2).split(' ');
  // proc(5): field 4 is the parent, field 22 the start in clock ticks after the boot; the state, field 3, comes first here
  const startTicks = fields[19] ?? '';
  const variables = (environment ?? '').slice(0, TEXT_LIMIT).split('\0');
  const variable = (name: string): string | undefined => variables.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  const namespaceIds = /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.trim().split(/\s+/) ?? [];
  return {
    pid,
    parent: Number(fields[1]) || undefined,
    identity: startTicks,
    startedS: Number(startTicks) / 100,
    args: splitArguments(commandLine.slice(0, TEXT_LIMIT)),
    nodeOptions: environment === undefined ? undefined : (variable('NODE_OPTIONS') ?? ''),
    hasDebuggerBootloader: variable('VSCODE_INSPECTOR_OPTIONS') !== undefined,
    cwd,
    listeners: inodes.flatMap((inode) => table.get(inode) ?? []),
    catchesSigusr1: catches(status, constants.signals.SIGUSR1),
    sharesNetwork: network === undefined || ourNetwork === undefined || network === ourNetwork,
    ownPid: Number(namespaceIds.at(-1)) || pid,
  };
}

/** A process that has given itself a title has one argument, padded with zeros or spaces to the length of the old ones. */
function splitArguments(text: string): string[] {
  const args = text.replace(/\0+$/, '').split('\0');
  return args.length === 1 ? [args[0]?.trim() ?? ''] : args;
}

/** Whether the process has a handler for a signal: a bit of the mask in `/proc/<pid>/status`. */
export function catches(status: string, signal: number): boolean | undefined {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask === undefined ? undefined : ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** The inodes of a process's sockets in the order of their descriptors; none where they cannot be read. */
async function socketInodes(proc: string, pid: number): Promise<string[]> {
  const names = await readdir(`${proc}/${pid}/fd`).catch((): string[] => []);
  const links = await Promise.all(
    names
      .map(Number)
      .sort((a, b) => a - b)
      .map((descriptor) => readlink(`${proc}/${pid}/fd/${descriptor}`).catch(() => '')),
  );
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

/** The listening sockets in a process's network, by inode. */
async function listenTable(own: string): Promise<Map<string, Listener>> {
  const [v4, v6] = await Promise.all([
    readFile(`${own}/net/tcp`, 'utf8').catch(() => ''),
    readFile(`${own}/net/tcp6`, 'utf8').catch(() => ''),
  ]);
  return new Map([...parseSocketTable(v4), ...parseSocketTable(v6)].map((listener) => [listener.id, listener]));
}

/** Reads `/proc/net/tcp` or `tcp6`. */
export function parseSocketTable(text: string): Listener[] {
  return text.split('\n').slice(1).flatMap((line): Listener[] => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state !== TCP_LISTEN || local === undefined || inode === undefined) return [];
    const [address = '', port = ''] = local.split(':');
    return [{ ...dialable(address), port: parseInt(port, 16), id: inode }];
  });
}

/** The kernel prints addresses as words of 32 bits in the machine's byte order, which is little-endian where Node runs. */
function dialable(hex: string): { readonly host: string; readonly loopbackOnly: boolean } {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse()).map((byte) => parseInt(byte, 16));
  if (bytes.every((byte) => byte === 0)) return { host: '127.0.0.1', loopbackOnly: false };
  const host = bytes.length === 4 ? bytes.join('.') : ipv6Text(bytes);
  return { host, loopbackOnly: isLoopback(host) };
}

function ipv6Text(bytes: readonly number[]): string {
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.replace(/^\[|\]$/g, '');
}
