/**
 * Who looks into the heap of a process when. What a look-up holds in the process is alive for our sake: in a snapshot that is taken at
 * that moment an orphan would be none. So a snapshot waits for the look-ups that are under way, and look-ups wait for it.
 */
import type { Clock } from '../../core/base/clock';
import type { HeapTarget, SuspendedFrames } from '../../cdp/target';

/**
 * So long a snapshot waits for look-ups, in milliseconds: each is a walk or two over the heap. One that takes longer is not waited for:
 * the snapshot is taken with what it holds, and may miss an orphan.
 */
export const LOOK_UPS_LIMIT_MS = 10_000;

export class HeapTurns {
  readonly #clock: Clock;
  readonly #lookUps = new Map<string, Set<Promise<unknown>>>();
  readonly #snapshots = new Map<string, Set<Promise<unknown>>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs a look-up in the process of a session; rejects as `work` does. */
  async lookUp<T>(sessionId: string, work: () => Promise<T>): Promise<T> {
    for (let running = this.#snapshots.get(sessionId); running !== undefined; running = this.#snapshots.get(sessionId)) await Promise.allSettled(running);
    return during(this.#lookUps, sessionId, work);
  }

  /**
   * Takes a snapshot of the process of a session; rejects as `take` does.
   * @param release lets go of what look-ups have left
   */
  snapshot<T>(sessionId: string, release: () => Promise<void>, take: () => Promise<T>): Promise<T> {
    return during(this.#snapshots, sessionId, async () => {
      await this.#over(this.#lookUps.get(sessionId));
      await release();
      return take();
    });
  }

  /** A target whose look-ups and snapshots keep to their turns. */
  target(sessionId: string, target: HeapTarget, release: () => Promise<void>): HeapTarget {
    const { frames, info, closed } = target;
    const lookUp = <T>(work: () => Promise<T>): Promise<T> => this.lookUp(sessionId, work);
    const waiting: SuspendedFrames = {
      locate: (id) => lookUp(() => frames.locate(id)),
      isPending: (id) => lookUp(() => frames.isPending(id)),
      scopes: (id, group) => lookUp(() => frames.scopes(id, group)),
      members: (objectId) => lookUp(() => frames.members(objectId)),
      release: (group) => frames.release(group),
    };
    return {
      info,
      closed,
      frames: waiting,
      heapUsed: () => target.heapUsed(),
      timerNow: () => target.timerNow(),
      takeHeapSnapshot: (options) => this.snapshot(sessionId, release, () => target.takeHeapSnapshot(options)),
      sourceMaps: (scripts) => target.sourceMaps(scripts),
      peerAddresses: (sockets) => lookUp(() => target.peerAddresses(sockets)),
    };
  }

  async #over(lookUps: ReadonlySet<Promise<unknown>> | undefined): Promise<void> {
    if (lookUps === undefined) return;
    let cancel: () => void = () => undefined;
    const limit = new Promise<void>((resolve) => (cancel = this.#clock.schedule(LOOK_UPS_LIMIT_MS, resolve)));
    await Promise.race([Promise.allSettled(lookUps), limit]);
    cancel();
  }
}

/** Runs work that is listed for as long as it runs. */
async function during<T>(lists: Map<string, Set<Promise<unknown>>>, sessionId: string, work: () => Promise<T>): Promise<T> {
  const list = lists.get(sessionId) ?? new Set();
  lists.set(sessionId, list);
  const running = work();
  list.add(running);
  try {
    return await running;
  } finally {
    list.delete(running);
    if (list.size === 0) lists.delete(sessionId);
  }
}
