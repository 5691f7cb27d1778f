/** Follows a process that is restarted: waits at its address until it answers there again. */
import type { TargetInfo } from '../core/model/task';
import { TargetError } from './target';
import type { AttachedTarget } from './target';

/** Between two attempts, in milliseconds: doubled each time, up to the last. A refused connection costs next to nothing. */
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 2_000;
/** A process that lived shorter than this is in a crash loop: the delays go on growing. Milliseconds. */
export const STABLE_MS = 5_000;
/** After this a process that has not come back is given up. Milliseconds. */
export const FOLLOW_LIMIT_MS = 10 * 60_000;

/** What an attempt may meet while a process is on its way: nothing, a port that is forwarded to nothing, one that has not begun. */
const PASSING = new Set<TargetError['reason']>(['refused', 'timeout', 'not an inspector', 'closed', 'agent failed']);

export interface AttachAgainOptions {
  readonly gone: TargetInfo;
  /** Attaches to {@link TargetInfo.url}. */
  readonly attach: (target: string) => Promise<AttachedTarget>;
  /** How many attempts or short lives there were before, see {@link STABLE_MS}. */
  readonly attempts: number;
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
  /** Whether to go on. Asked before each attempt and after each wait. */
  readonly wanted: () => boolean;
}

/**
 * @returns undefined once it is not wanted any more
 * @throws {TargetError} when something else answers there, or nothing for {@link FOLLOW_LIMIT_MS}
 */
export async function attachAgain(options: AttachAgainOptions): Promise<AttachedTarget | undefined> {
  const { gone, now, wait, wanted } = options;
  const end = now() + FOLLOW_LIMIT_MS;
  for (let attempt = options.attempts; ; attempt++) {
    await wait(Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10)));
    if (!wanted()) return undefined;
    let target: AttachedTarget;
    try {
      target = await options.attach(gone.url);
    } catch (error) {
      if (!wanted()) return undefined;
      if (!(error instanceof TargetError && PASSING.has(error.reason))) throw error;
      if (now() > end) throw new TargetError('refused', `The process did not come back at ${gone.url}. Attach again when it runs.`, { cause: error });
      continue;
    }
    if (target.info.title === gone.title && target.info.cwd === gone.cwd) return target;
    await target.detach();
    throw new TargetError('refused', `Another program answers at ${gone.url} now. Attach again if you mean that one.`);
  }
}
