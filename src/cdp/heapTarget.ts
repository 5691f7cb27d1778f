/**
 * A connection for a dump: nothing is put into the target. One evaluation asks who it is; everything else are commands of the
 * inspector.
 */
import * as v from 'valibot';
import type { TargetInfo } from '../core/model/task';
import { formatAddress } from './address';
import type { InspectorAddress } from './address';
import { askForSourceMaps } from './targetFiles';
import { answers, reachTarget } from './attach';
import type { ReachOptions } from './attach';
import type { Connection } from './connection';
import { evaluateUnseen } from './evaluate';
import { createSnapshotTaker, heapUsed } from './heapSnapshot';
import { PROCESS } from './primordials';
import { findPeerAddresses } from './peerAddresses';
import { createSuspendedFrames } from './suspendedFrames';
import { readTimerClock } from './timerClock';
import { TargetError } from './target';
import type { CloseReason, HeapTarget } from './target';

/** What a connection to a target for a dump is. */
export interface OpenHeapTarget extends HeapTarget {
  /** When the process began, milliseconds since the epoch; 0 where it does not tell. */
  readonly startedAt: number;
  /** Idempotent; never rejects. */
  close(): Promise<void>;
}

const identity = v.object({
  result: v.object({ value: v.object({ runtime: v.string(), pid: v.number(), node: v.string(), title: v.string(), cwd: v.string(), startedAt: v.number() }) }),
});

const WHO = `(function (p) {
  var versions = (p && p.versions) || {};
  var who = { runtime: versions.bun ? 'Bun' : versions.deno ? 'Deno' : versions.node ? 'node' : 'no Node process', pid: 0, node: '', title: '', cwd: '', startedAt: 0 };
  if (who.runtime !== 'node') return who;
  who.pid = p.pid;
  who.node = '' + p.version;
  who.title = '' + ((p.argv && p.argv[1]) || p.title);
  try { who.cwd = p.cwd(); who.startedAt = Date.now() - 1000 * p.uptime(); } catch (e) {}
  return who;
})(${PROCESS})
//# sourceURL=node:internal/asyncscope/who`;

/**
 * @param target a port, `host:port`, ws:// URL or `pid:1234`
 * @throws {TargetError}
 */
export async function openHeapTarget(target: string, options: ReachOptions): Promise<OpenHeapTarget> {
  const { connection, address } = await reachTarget(target, options);
  const state = { exiting: false };
  // Node waits at its exit for every session that has evaluated something; with this it says when it does, and we let go
  connection.on('NodeRuntime.waitingForDisconnect', () => {
    state.exiting = true;
    connection.close().catch(() => undefined);
  });
  try {
    await connection.send('NodeRuntime.notifyWhenWaitingForDisconnect', { enabled: true }).catch((error: unknown) => {
      // other runtimes lack the domain: what they are is asked next
      if (!(error instanceof TargetError) || error.reason !== 'agent failed') throw error;
    });
    const { startedAt, ...info } = await whoIs(connection, address);
    return {
      info,
      startedAt,
      closed: connection.closed.then(async (by): Promise<CloseReason> => {
        if (state.exiting) return 'target exited';
        if (by === 'ours') return 'detached';
        return (await answers(address.host, address.port)) ? 'connection lost' : 'target exited';
      }),
      heapUsed: () => heapUsed(connection),
      timerNow: () => readTimerClock(connection),
      takeHeapSnapshot: createSnapshotTaker(connection),
      sourceMaps: (scripts) => askForSourceMaps(connection, scripts),
      peerAddresses: (sockets) => findPeerAddresses(connection, sockets),
      frames: createSuspendedFrames(connection),
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function whoIs(connection: Connection, { host, port }: InspectorAddress): Promise<TargetInfo & Pick<OpenHeapTarget, 'startedAt'>> {
  const answer = await evaluateUnseen(connection, { expression: WHO, returnByValue: true });
  const checked = v.safeParse(identity, answer);
  if (!checked.success) throw new TargetError('not node', `What listens on ${formatAddress(host, port)} does not say that it is Node.`);
  const { runtime, ...who } = checked.output.result.value;
  if (runtime !== 'node') throw new TargetError('not node', `The target is ${runtime}. Asyncscope dumps Node processes.`);
  return { ...who, url: formatAddress(host, port) };
}
