/** Attaches to a Node process: connection, agent, heap snapshots, and the orderly ways out. */
import { setTimeout as sleep } from 'node:timers/promises';
import { NO_ORIGIN_RULES } from '../core/model/origin';
import type { TargetInfo } from '../core/model/task';
import { formatAddress, parseTarget } from './address';
import type { InspectorAddress } from './address';
import { DEFAULT_LEASE_MS, DEFAULT_MEMORY_LIMIT_BYTES, openAgentChannel } from './agent/agentChannel';
import type { AgentChannel } from './agent/agentChannel';
import { connect } from './connection';
import { createSnapshotTaker, heapUsed } from './heapSnapshot';
import { findPeerAddresses } from './peerAddresses';
import { createSuspendedFrames } from './suspendedFrames';
import { askForSourceMaps, readTargetFile } from './targetFiles';
import { readTimerClock } from './timerClock';
import type { Connection } from './connection';
import { lookUp } from './discover';
import { isLoopback, resolveHost } from './hosts';
import { processSystem } from './processes/nodeProcesses';
import { openInspector } from './processes/openInspector';
import { UnsupportedSystemError } from './processes/processSystem';
import type { ProcessSystem } from './processes/processSystem';
import { TargetError, throwIfCancelled } from './target';
import type { AttachOptions, AttachedTarget, CloseReason } from './target';

/** After a disposal that does not answer, the lease takes the agent out. */
const DISPOSE_TIMEOUT_MS = 2_000;
/** So long a process may take to be gone after it has said that it exits. */
const EXIT_TIMEOUT_MS = 1_000;
const EXIT_POLL_MS = 20;
/** So long an attach that failed waits for the news that the process exits. */
const EXIT_NOTICE_MS = 300;
/** So long a cancelled attach may take to clean up in the target. */
const CANCEL_TIMEOUT_MS = 500;

/**
 * @param target a port, `host:port`, ws:// URL or `pid:1234`
 * @throws {TargetError}
 */
export async function attach(target: string, options: AttachOptions): Promise<AttachedTarget> {
  const { connection, address } = await reachTarget(target, options);
  return attachTo(connection, address, options);
}

/** What reaching a target may do, and what it is told. */
export type ReachOptions = Pick<AttachOptions, 'signal' | 'allowRemote' | 'allowSignal' | 'identity'>;

/**
 * Connects to the inspector of a target, and opens that of a process of this machine with SIGUSR1 where it is not open.
 * @param target a port, `host:port`, ws:// URL or `pid:1234`
 * @throws {TargetError}
 */
export async function reachTarget(target: string, options: ReachOptions): Promise<{ readonly connection: Connection; readonly address: InspectorAddress }> {
  let address = parseTarget(target);
  if (address.kind === 'process') {
    const { identity, signal, allowSignal = false } = options;
    const inspector = await openInspector(localProcesses(), address.pid, { identity, signal, allowSignal });
    address = { kind: 'inspector', host: inspector.host, port: inspector.port };
  }
  return { connection: await reach(address, options), address };
}

function localProcesses(): ProcessSystem {
  try {
    return processSystem();
  } catch (error) {
    if (!(error instanceof UnsupportedSystemError)) throw error;
    throw new TargetError('refused', error.message, { cause: error });
  }
}

/** Connects to the first of a host's addresses that answers. */
async function reach(address: InspectorAddress, { signal, allowRemote = false }: ReachOptions): Promise<Connection> {
  const { host, port } = address;
  const { addresses } = await resolveHost(host, port, allowRemote);
  let failure: unknown;
  for (const ip of addresses) {
    throwIfCancelled(signal);
    try {
      return await connect(address.kind === 'socket' ? withHost(address.url, ip) : (await lookUp(ip, port)).socketUrl, signal);
    } catch (error) {
      failure ??= error;
      if (!(error instanceof TargetError && error.reason === 'refused')) throw error;
    }
  }
  throwIfCancelled(signal);
  throw failure;
}

/** TLS proves the name of its host by itself, and needs it. */
function withHost(url: string, ip: string): string {
  const pinned = new URL(url);
  if (pinned.protocol === 'ws:') pinned.hostname = ip.includes(':') ? `[${ip}]` : ip;
  return pinned.href;
}

/** Attaches over a connection that is already open. Closes it when that fails. */
export async function attachTo(
  connection: Connection,
  address: InspectorAddress,
  options: AttachOptions,
  { throughDebugger = false } = {},
): Promise<AttachedTarget> {
  const { signal } = options;
  const state = { exiting: false };
  let channel: AgentChannel;
  let cancelling: NodeJS.Timeout | undefined;
  // what was begun in the target is taken out again, unless it does not answer
  const cancel = (): void => {
    cancelling = setTimeout(() => {
      connection.close().catch(neverRejects);
    }, CANCEL_TIMEOUT_MS);
  };
  // Node waits at its exit for every session that has evaluated something; with this it tells us when it does
  // (node: src/inspector/runtime_agent.cc), and we let go at once.
  connection.on('NodeRuntime.waitingForDisconnect', () => {
    state.exiting = true;
    connection.close().catch(neverRejects);
  });
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    throwIfCancelled(signal);
    await connection.send('NodeRuntime.notifyWhenWaitingForDisconnect', { enabled: true }).catch((error: unknown) => {
      // older or other runtimes lack the domain: not a reason to fail here, the agent tells what it met
      if (!(error instanceof TargetError) || error.reason !== 'agent failed') throw error;
    });
    channel = await openAgentChannel(connection, {
      budgetPercent: options.budgetPercent,
      memoryLimitBytes: options.memoryLimitBytes ?? DEFAULT_MEMORY_LIMIT_BYTES,
      leaseMs: options.leaseMs ?? DEFAULT_LEASE_MS,
      signal,
      onWaiting: options.onWaiting,
      origins: options.origins ?? NO_ORIGIN_RULES,
    });
  } catch (error) {
    // a process that is about to exit fails in ways of its own, just before it says so
    const failed = error instanceof TargetError && error.reason === 'agent failed';
    const gone = failed && (await Promise.race([connection.closed.then(() => true), sleep(EXIT_NOTICE_MS, false)]));
    await connection.close();
    throwIfCancelled(signal);
    // one that was about to exit before we had asked to be told says nothing, lets nobody in any more, and waits for us to go
    const left = failed && !throughDebugger && !(await answers(address.host, address.port));
    if (state.exiting || gone || left) throw new TargetError('closed', 'The target exited while Asyncscope was attaching.', { cause: error });
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
    clearTimeout(cancelling);
  }

  const isAlive = throughDebugger ? undefined : localProcess(address, channel.agent.pid);
  let detaching: Promise<void> | undefined;
  const closed = connection.closed.then(async (by): Promise<CloseReason> => {
    if (by === 'ours' && !state.exiting) return 'detached';
    if (throughDebugger) return 'debugger ended';
    if (await livesOn(await isAlive, address)) return 'inspector closed';
    if (state.exiting) return 'target exited';
    return (await answers(address.host, address.port)) ? 'connection lost' : 'target exited';
  });
  const info: TargetInfo = {
    pid: channel.agent.pid,
    node: channel.agent.node,
    url: formatAddress(address.host, address.port),
    title: channel.agent.title,
    cwd: channel.agent.cwd,
    ...(throughDebugger && { throughDebugger }),
  };

  return {
    info,
    timeOrigin: channel.agent.timeOrigin,
    closed,
    poll: () => channel.poll(),
    watch: (rawSiteIds) => channel.watch(rawSiteIds),
    learn: (lessons) => channel.learn(lessons),
    sourceMaps: (scripts) => askForSourceMaps(connection, scripts),
    readFile: (path) => readTargetFile(connection, path),
    countPromises: () => channel.countPromises(),
    timerNow: () => readTimerClock(connection),
    takeHeapSnapshot: createSnapshotTaker(connection),
    heapUsed: () => heapUsed(connection),
    peerAddresses: (sockets) => findPeerAddresses(connection, sockets),
    frames: createSuspendedFrames(connection),
    detach() {
      detaching ??= detach(connection, channel);
      return detaching;
    },
  };
}

async function detach(connection: Connection, channel: AgentChannel): Promise<void> {
  const timer = setTimeout(() => {
    connection.close().catch(neverRejects);
  }, DISPOSE_TIMEOUT_MS);
  try {
    await channel.dispose();
  } catch {
    // a target that is gone or does not answer: its lease ends by itself
  } finally {
    clearTimeout(timer);
  }
  await connection.close();
}

/**
 * Whether the process that answers at an address is still there; undefined where that cannot be told: on another machine, in a
 * container, on a system whose processes we cannot list.
 */
async function localProcess({ host, port }: InspectorAddress, pid: number): Promise<(() => Promise<boolean>) | undefined> {
  if (host !== 'localhost' && !isLoopback(host)) return undefined;
  try {
    const system = processSystem();
    const facts = await system.read(pid);
    // another process may have the same id in another namespace
    if (facts?.listeners.some((listener) => listener.port === port) !== true) return undefined;
    return async () => (await system.read(pid))?.identity === facts.identity;
  } catch {
    return undefined;
  }
}

/**
 * Node says that it waits for us to let go before it exits, and also when the program closes its inspector. A process that exits
 * is gone soon after; one that another debugger still holds answers on.
 */
async function livesOn(isAlive: (() => Promise<boolean>) | undefined, { host, port }: InspectorAddress): Promise<boolean> {
  if (isAlive === undefined) return false;
  const end = performance.now() + EXIT_TIMEOUT_MS;
  try {
    while (await isAlive()) {
      if (performance.now() > end) return !(await answers(host, port));
      await sleep(EXIT_POLL_MS);
    }
  } catch {
    // what cannot be asked is taken for gone
  }
  return false;
}

function neverRejects(error: unknown): void {
  throw error;
}

/** Whether an inspector still answers there. A port alone may outlive its process for a moment. */
export function answers(host: string, port: number): Promise<boolean> {
  return lookUp(host, port).then(
    () => true,
    () => false,
  );
}
