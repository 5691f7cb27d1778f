/** The Node processes of this user, and how each can be attached to. */
import type { NodeProcess, ProcessAccess } from '../../protocol/lsp';
import { formatAddress } from '../address';
import { lookUp } from '../discover';
import { TargetError } from '../target';
import { inspectorOptions, processName, sigusr1Blocker } from './commandLine';
import { linuxProcesses } from './linux';
import { macProcesses } from './macos';
import type { Listener, ProcessFacts, ProcessSystem } from './processSystem';
import { UnsupportedSystemError } from './processSystem';

/** An inspector of this machine answers within milliseconds; a stopped process not at all. */
const PROBE_TIMEOUT_MS = 1_000;
/** Ports where `node --inspect` and SIGUSR1 open inspectors by convention, beyond those that a command line names. */
const USUAL_PORTS = { from: 9229, to: 9240 } as const;

/** @throws {UnsupportedSystemError} */
export function processSystem(platform: NodeJS.Platform = process.platform): ProcessSystem {
  if (platform === 'linux') return linuxProcesses();
  if (platform === 'darwin') return macProcesses();
  throw new UnsupportedSystemError(
    'Running processes can be listed on Linux and macOS only. Start the program with "node --inspect" and attach to its port.',
  );
}

/**
 * This user's Node processes: those whose inspector is open first, then those that can open it, the youngest first in each.
 * This process and those that it descends from are left out.
 */
export async function listNodeProcesses(system: ProcessSystem, self: number = process.pid): Promise<NodeProcess[]> {
  const all = await system.list();
  const mine = ancestry(all, self);
  const rows = await Promise.all(all.filter(({ pid }) => !mine.has(pid)).map(describe));
  const rank = { open: 0, signal: 1, refused: 2 } as const;
  return rows
    .sort((a, b) => rank[a.row.access.kind] - rank[b.row.access.kind] || b.startedS - a.startedS || b.row.pid - a.row.pid)
    .map(({ row }) => row);
}

async function describe(facts: ProcessFacts): Promise<{ readonly row: NodeProcess; readonly startedS: number }> {
  const row: NodeProcess = {
    pid: facts.pid,
    identity: facts.identity,
    name: processName(facts.args),
    ...(facts.cwd !== undefined && { cwd: facts.cwd }),
    access: await accessOf(facts),
  };
  return { row, startedS: facts.startedS };
}

async function accessOf(facts: ProcessFacts): Promise<ProcessAccess> {
  const inspector = await openInspectorOf(facts);
  if (inspector !== undefined) return { kind: 'open', address: formatAddress(inspector.host, inspector.port) };
  const reason = refusal(facts);
  return reason === undefined ? { kind: 'signal' } : { kind: 'refused', reason };
}

/** Why SIGUSR1 would not open this process's inspector, for people; undefined when nothing is known against it. */
export function refusal(facts: ProcessFacts): string | undefined {
  if (!facts.sharesNetwork) {
    return 'It runs in a container with a network of its own. Publish its inspector port and attach to that.';
  }
  const blocker = sigusr1Blocker(facts.args, facts.nodeOptions);
  if (blocker !== undefined) return `It was started with ${blocker}, which keeps SIGUSR1 from opening the inspector. Start it with --inspect.`;
  if (facts.catchesSigusr1 === false) return 'It does not listen for SIGUSR1, so the signal would do nothing or end it. Start it with --inspect.';
  return undefined;
}

/**
 * The open inspector of a process. Only sockets that are likely to be one are asked: any other is the user's own server,
 * which is none of our business.
 */
export async function openInspectorOf(facts: ProcessFacts): Promise<Listener | undefined> {
  if (!facts.sharesNetwork) return undefined;
  const options = inspectorOptions(facts.args, facts.nodeOptions);
  const likely = facts.listeners.filter(({ port }) => port === options.port || (port >= USUAL_PORTS.from && port <= USUAL_PORTS.to));
  // Node opens its inspector before the program opens anything.
  const first = facts.listeners[0];
  if (first !== undefined && ((options.opens && options.port === 0) || facts.hasDebuggerBootloader)) likely.unshift(first);
  // Opened by a signal, it stands anywhere among them.
  if (!options.opens && options.port === 0) likely.push(...facts.listeners.filter(({ loopbackOnly }) => loopbackOnly));
  for (const listener of new Set(likely)) if (await isInspector(listener)) return listener;
  return undefined;
}

/** A process that is stopped does not answer, nor can anything else of it be asked. */
export async function isInspector({ host, port }: Listener): Promise<boolean> {
  try {
    await lookUp(host, port, { timeoutMs: PROBE_TIMEOUT_MS });
    return true;
  } catch (error) {
    if (error instanceof TargetError) return false;
    throw error;
  }
}

function ancestry(all: readonly ProcessFacts[], self: number): Set<number> {
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const mine = new Set<number>();
  for (let pid: number | undefined = self; pid !== undefined && !mine.has(pid); pid = parents.get(pid)) mine.add(pid);
  return mine;
}
