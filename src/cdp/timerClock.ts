/**
 * The clock that Node's timers count on: libuv's time of the event loop, from a zero of the process's own (node: GetLibuvNow in
 * src/timers.cc). No public function tells it, and what `performance` knows of the start of the process is some milliseconds off; but the
 * functions of `timers` have what does in their scope, on Node 20 to 26 (node: lib/timers.js).
 */
import * as v from 'valibot';
import type { Connection } from './connection';
import { evaluateUnseen } from './evaluate';
import { LOAD, PROCESS } from './primordials';
import { scopeVariables } from './remoteProperties';

/** What is held in the target until the clock was read. */
const CLOCK_GROUP = 'asyncscope-timer-clock';
const SET_TIMEOUT = `${LOAD}(${PROCESS}, 'timers').setTimeout\n//# sourceURL=node:internal/asyncscope/timers`;
/** Brings the loop's time up to date, as each `setTimeout` does. V8 puts the text in parentheses, so the comment has to end. */
const NOW = 'function () { return this.getLibuvNow(); }\n//# sourceURL=node:internal/asyncscope/timers\n';

const found = v.object({ result: v.object({ objectId: v.optional(v.string()) }) });
const time = v.object({ result: v.object({ value: v.pipe(v.number(), v.finite(), v.minValue(0)) }) });

/**
 * Never rejects, and leaves nothing in the target.
 * @returns milliseconds, as in a timer's `_idleStart`; null where the target does not tell, as with timers that the program has replaced
 */
export async function readTimerClock(connection: Connection): Promise<number | null> {
  try {
    const setTimeout = v.parse(found, await evaluateUnseen(connection, { expression: SET_TIMEOUT, objectGroup: CLOCK_GROUP })).result.objectId;
    const [binding] = await scopeVariables(connection, setTimeout, ['binding']);
    if (binding?.objectId === undefined) return null;
    const call = { functionDeclaration: NOW, objectId: binding.objectId, silent: true, returnByValue: true };
    return v.parse(time, await connection.send('Runtime.callFunctionOn', call)).result.value;
  } catch {
    // without it timers are told without when they are due
    return null;
  } finally {
    // what is asked next comes after it, and the clock goes on
    connection.send('Runtime.releaseObjectGroup', { objectGroup: CLOCK_GROUP }).catch(() => undefined);
  }
}
