/** How everything of ours is evaluated in a target. */
import { withTimeout } from './connection';
import type { Connection } from './connection';
import { TargetError } from './target';

/** After so long without the answer of a call it is asked whether the target answers at all. */
const CALL_TIMEOUT_MS = 15_000;

export interface Evaluation {
  /** Ends with a `sourceURL` below `node:internal/asyncscope/`: debuggers skip such scripts. */
  readonly expression: string;
  readonly objectGroup?: string;
  readonly returnByValue?: boolean;
  /** `require` among others, which V8 puts into reach for it. Default true. */
  readonly includeCommandLineAPI?: boolean;
}

/**
 * Evaluates in the target's main realm, unseen by its debugger: an exception does not pause it, nor does a pause that is due at the
 * next statement, such as "break on start" and the one that a person asks for while nothing runs. That pause comes at the program's own
 * next statement then. Measured on Node 20 to 26; without `disableBreaks` the debugger would show our script, and we would have no
 * answer until it goes on.
 * @param timeoutMs as of {@link Connection.send}
 * @throws {TargetError} as {@link Connection.send} does
 */
export function evaluateUnseen(connection: Connection, evaluation: Evaluation, timeoutMs?: number): Promise<Record<string, unknown>> {
  return connection.send('Runtime.evaluate', { includeCommandLineAPI: true, ...evaluation, silent: true, disableBreaks: true }, timeoutMs);
}

/**
 * Calls a function in the target, for as long as that takes while it answers other things: a call cannot do without breaks as an
 * evaluation can, so a debugger may hold the target in the middle of it, until a person goes on.
 * @param call parameters of `Runtime.callFunctionOn`
 * @throws {TargetError} `timeout` when the target answers nothing, else as {@link Connection.send} does
 */
export async function callPatiently(connection: Connection, call: object): Promise<Record<string, unknown>> {
  const answer = connection.send('Runtime.callFunctionOn', call, 0);
  // when it is given up, the connection is closed, and that is no news
  answer.catch(() => undefined);
  const slow = new TargetError('timeout', '');
  for (;;) {
    try {
      return await withTimeout(answer, CALL_TIMEOUT_MS, () => slow);
    } catch (error) {
      if (error !== slow) throw error;
    }
    // compiles and runs nothing, so that a target that is paused answers it
    await connection.send('Runtime.getHeapUsage');
  }
}
