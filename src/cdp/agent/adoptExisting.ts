/** What was in the target before the agent, and what Node keeps to itself: handed to the agent by what only a debugger can reach. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import type { AgentConfig } from '../../protocol/agent';
import { findCallbacks } from '../callbackPositions';
import type { CallbackPositions } from '../callbackPositions';
import type { Connection } from '../connection';
import { callPatiently } from '../evaluate';
import { inObjectGroup } from '../objectGroup';
import { LOAD, PROCESS, findInternals } from '../primordials';
import { getProperties, propertyIds, scopeVariables } from '../remoteProperties';
import { remoteValue } from '../remoteValue';
import { TargetError } from '../target';
import { INSTALL_TIMEOUT_MS, MAIN_CONTEXT, NAMED, RETRY_MS, evaluateObject, resultOf, toArgument } from './agentCalls';
import type { CallResult } from './agentCalls';

const OBJECT_GROUP = 'asyncscope-adopt';
/** What the agent's absence is told by when it is called. */
const GONE = 'gone';
/** What the agent says where a count would be wrong, see `Agent.adoptPromises`. */
const SAMPLED = 'sampled';
/** A hook of the agent's takes microseconds: to meet one twice is unlikely, ten times is not going to happen. */
const ADOPT_ATTEMPTS = 10;
const COUNT_TIMEOUT_MS = 60_000;

const queried = v.object({ objects: remoteValue });

// No text that is called may differ from another agent's: see installer() in installAgent.ts.
const ENABLE = `function (poll, ...hook) {
  const agent = globalThis[poll];
  return agent === undefined ? ${JSON.stringify(GONE)} : agent.enableResources(...hook);
}${NAMED}`;
const ADOPT = `function (poll, timerListMap, immediateQueue, hookFields, usesResource, after) {
  const agent = globalThis[poll];
  return agent === undefined ? ${JSON.stringify(GONE)} : agent.adopt(timerListMap, immediateQueue, hookFields, usesResource, after);
}${NAMED}`;
const ADOPT_PROMISES = `function (poll, ...found) {
  const agent = globalThis[poll];
  return agent === undefined ? ${JSON.stringify(GONE)} : agent.adoptPromises(...found);
}${NAMED}`;

/** Variables of Node's own that only a debugger can reach, by the function in whose scope they are. */
const HOOK_INTERNALS = ['getHookArrays', 'enableHooks', 'kInit', 'kBefore', 'kDestroy', 'kTotals'] as const;
const TIMER_INTERNALS = ['timerListMap', 'immediateQueue'] as const;
const RUNNING_INTERNALS = ['async_hook_fields', 'kUsesExecutionAsyncResource', 'kAfter'] as const;

/**
 * Hands to the agent what Node keeps to itself, and has it take in what was there before the attach.
 *
 * On Nodes without `trackPromises: false` (20, early 22) the resource hook is registered with what Node keeps in the scope
 * of `AsyncHook.prototype.enable` (node: lib/async_hooks.js); the lists of timers are in that of `timers.setTimeout` (node:
 * lib/timers.js), and what a look at the running resource changes, with how many hooks there are of a kind, in that of
 * `executionAsyncResource` (node: lib/internal/async_hooks.js).
 */
export function adoptExisting(connection: Connection, config: AgentConfig, needsInternals: boolean): Promise<CallbackPositions> {
  return inObjectGroup(connection, OBJECT_GROUP, async (group) => {
    const objectId = await evaluateObject(
      connection,
      `(function (load) {
  var hooks = load('async_hooks');
  return { enable: hooks.createHook({}).enable, setTimeout: load('timers').setTimeout, executionAsyncResource: hooks.executionAsyncResource };
})(
function (name) { return ${LOAD}(${PROCESS}, name); })`,
      group,
    );
    const functions = await propertyIds(connection, objectId);
    const hook = needsInternals ? await scopeVariables(connection, functions.get('enable'), HOOK_INTERNALS) : HOOK_INTERNALS.map(() => undefined);
    if (needsInternals && hook.includes(undefined)) {
      throw new TargetError('agent failed', 'This version of Node hides its timers and handles from the agent.');
    }
    const timers = await scopeVariables(connection, functions.get('setTimeout'), TIMER_INTERNALS);
    const running = await scopeVariables(connection, functions.get('executionAsyncResource'), RUNNING_INTERNALS);
    if (needsInternals) {
      const enable = { functionDeclaration: ENABLE, objectId, arguments: [{ value: config.pollBinding }, ...hook.map(toArgument)], silent: true };
      throwIfGone(resultOf(await callPatiently(connection, enable)), config);
    }
    return adoptTimers(connection, config, objectId, [...timers, ...running]);
  });
}

/** Without what was before the attach the rest is counted all the same: the agent says in its polls that it is missing. */
async function adoptTimers(
  connection: Connection,
  config: AgentConfig,
  objectId: string | undefined,
  internals: readonly (CallResult | undefined)[],
): Promise<CallbackPositions> {
  const adopt = { functionDeclaration: ADOPT, objectId, arguments: [{ value: config.pollBinding }, ...internals.map(toArgument)], silent: true };
  let callbacks: CallResult;
  try {
    callbacks = await callWhenFree(connection, adopt, (result) => result.objectId !== undefined || result.value === GONE);
  } catch (error) {
    if (!isPassing(error)) throw error;
    return new Map();
  }
  throwIfGone(callbacks, config);
  try {
    return await findCallbacks(connection, callbacks.objectId ?? '');
  } catch (error) {
    if (!isPassing(error)) throw error;
    return new Map();
  }
}

/** Whether the connection goes on after an error. */
function isPassing(error: unknown): boolean {
  return error instanceof TargetError && (error.reason === 'timeout' || error.reason === 'agent failed');
}

/** @throws {TargetError} `timeout` when the lease was over before the call */
function throwIfGone({ value }: CallResult, { leaseMs }: AgentConfig): void {
  if (value !== GONE) return;
  throw new TargetError('timeout', `The target was too slow: the agent has waited for ${leaseMs / 1000} s and left. Try again.`);
}

/** What a call of the agent comes to: it is made again when it came in the middle of a hook, which takes microseconds. */
async function callWhenFree(
  connection: Connection,
  call: object,
  isDone: (result: CallResult) => boolean,
): Promise<CallResult> {
  for (let attempt = 0; attempt < ADOPT_ATTEMPTS; attempt++) {
    const result = resultOf(await connection.send('Runtime.callFunctionOn', call, INSTALL_TIMEOUT_MS));
    if (isDone(result)) return result;
    await sleep(RETRY_MS);
  }
  throw new TargetError('timeout', 'The target is too busy for the agent to begin. Try again.');
}

/** Promises are in no list: V8 walks the heap for them, after a collection. */
export function countPromises(connection: Connection, config: AgentConfig): Promise<void> {
  return inObjectGroup(connection, OBJECT_GROUP, async (group) => {
    const { getPromiseDetails, kPending } = await findInternals(connection, group);
    // an async function makes a promise of V8's class, whatever the global of that name is now
    const { internalProperties } = await getProperties(connection, await evaluateObject(connection, '(async function () {})()', group));
    const prototypeObjectId = internalProperties.find(({ name }) => name === '[[Prototype]]')?.value?.objectId;
    const query = { prototypeObjectId, objectGroup: group };
    const found = v.safeParse(queried, await connection.send('Runtime.queryObjects', query, COUNT_TIMEOUT_MS));
    if (!found.success || getPromiseDetails === undefined || kPending === undefined) {
      throw new TargetError('agent failed', 'This version of Node hides the states of its promises.');
    }
    const count = {
      functionDeclaration: ADOPT_PROMISES,
      executionContextId: MAIN_CONTEXT,
      arguments: [{ value: config.pollBinding }, ...[found.output.objects, getPromiseDetails, kPending].map(toArgument)],
      silent: true,
    };
    const counted = await callWhenFree(connection, count, ({ value }) => value !== false);
    throwIfGone(counted, config);
    if (counted.value === SAMPLED) {
      throw new TargetError('agent failed', 'Promises are sampled by now: those from before the attach cannot be told from the others any more. Detach, attach again, and count before there is load.');
    }
  });
}
