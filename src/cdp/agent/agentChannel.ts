/**
 * Puts the agent into a target and talks to it.
 *
 * A poll leaves no script behind, which an evaluation would (a debugger lists it, and V8 keeps it): `Runtime.addBinding`
 * assigns a function to a global, the agent has put a setter there, and answers through a binding of its own. V8 runs
 * this also while the target is paused at a breakpoint or busy in a loop.
 */
import { randomBytes } from 'node:crypto';
import { originPatterns } from '../../core/model/origin';
import type { OriginRules } from '../../core/model/origin';
import { TASK_ROW_LIMIT } from '../../core/model/task';
import { AGENT_ANSWER_FAILED, AGENT_ANSWER_FOLLOWS, AGENT_PROTOCOL_VERSION, AgentProtocolError, parseAgentPoll } from '../../protocol/agent';
import type { AgentConfig, AgentPoll, ScriptLesson } from '../../protocol/agent';
import { placeCallbacks } from '../callbackPositions';
import type { CallbackPositions } from '../callbackPositions';
import { REQUEST_TIMEOUT_MS, withTimeout } from '../connection';
import type { Connection } from '../connection';
import { TargetError } from '../target';
import { adoptExisting, countPromises } from './adoptExisting';
import { MAIN_CONTEXT, NAMED, callGlobally } from './agentCalls';
import { OLDEST_NODE, installWhenReady } from './installAgent';
import type { InstallOptions, InstalledAgent } from './installAgent';

const STACK_DEPTH = 40;
export const DEFAULT_LEASE_MS = 10_000;
export const DEFAULT_MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;

// No text that is called may differ from another agent's: see installer() in installAgent.ts. Arrays come as JSON: V8 compiles a value
// that is no primitive.
const TAKE_OUT = `function (poll, out) { globalThis[poll]?.dispose?.(); delete globalThis[poll]; delete globalThis[out]; }${NAMED}`;
const WATCH = `function (poll, sites) { globalThis[poll]?.watch(sites); }${NAMED}`;
const LEARN = `function (poll, lessons) { globalThis[poll]?.learn(lessons); }${NAMED}`;

export interface AgentChannel {
  readonly agent: InstalledAgent;
  poll(): Promise<AgentPoll>;
  watch(rawSiteIds: readonly number[]): Promise<void>;
  learn(lessons: readonly ScriptLesson[]): Promise<void>;
  /** Looks for pending promises from before the attach in the heap, which stops the target, and follows them. */
  countPromises(): Promise<void>;
  /** Takes the agent out of the target. */
  dispose(): Promise<void>;
}

export interface AgentChannelOptions extends InstallOptions {
  readonly budgetPercent: number;
  readonly memoryLimitBytes: number;
  readonly leaseMs: number;
  readonly origins: OriginRules;
}

/**
 * Resolves when the agent is in place: with a target that waits before its first line that is when it begins to run.
 * @throws {TargetError} `not node`, `node too old`, `agent failed`, `timeout`, `closed` or `cancelled`
 */
export async function openAgentChannel(connection: Connection, options: AgentChannelOptions): Promise<AgentChannel> {
  // Names of its own for each agent: one that was disarmed may have left something behind under the old ones.
  const newConfig = (): AgentConfig => {
    const name = `__asyncscope_${randomBytes(8).toString('hex')}`;
    return {
      version: AGENT_PROTOCOL_VERSION,
      outBinding: `${name}_out`,
      pollBinding: `${name}_poll`,
      leaseMs: options.leaseMs,
      budgetPercent: options.budgetPercent,
      memoryLimitBytes: options.memoryLimitBytes,
      stackDepth: STACK_DEPTH,
      origins: originPatterns(options.origins),
      taskRowLimit: TASK_ROW_LIMIT,
    };
  };
  let config = newConfig();
  // Answers that nobody has taken yet: one that comes after its poll was given up goes to the next, as nothing that is in
  // it is ever sent again.
  const answers: string[] = [];
  const asked: { follows: boolean; owed: number; tooMany: boolean; arrived?: () => void } = { follows: false, owed: 0, tooMany: false };
  const answerFollows = () => asked.follows;
  const throwIfTooMany = (): void => {
    if (asked.tooMany) throw new TargetError('agent failed', 'The target gives answers that nobody has asked for.');
  };
  connection.on('Runtime.bindingCalled', ({ name: binding, payload }) => {
    if (binding !== config.outBinding || typeof payload !== 'string') return;
    asked.follows = payload === AGENT_ANSWER_FOLLOWS;
    if (asked.follows) return;
    // each is asked for: a target that says more would fill our memory
    if (asked.owed === 0) asked.tooMany = true;
    if (asked.tooMany) return;
    asked.owed--;
    answers.push(payload);
    asked.arrived?.();
  });

  let positions: CallbackPositions = new Map();

  const install = async (): Promise<InstalledAgent> => {
    try {
      await connection.send('Runtime.addBinding', { name: config.outBinding, executionContextId: MAIN_CONTEXT });
      const info = await installWhenReady(connection, config, options);
      if (info.runtime !== 'node') {
        throw new TargetError('not node', `This is ${info.runtime}, not Node. Asyncscope looks into Node processes only.`);
      }
      if (info.isTooOld) {
        throw new TargetError('node too old', `The target runs Node ${info.node}. Asyncscope needs Node ${OLDEST_NODE} or newer.`);
      }
      positions = await adoptExisting(connection, config, info.needsInternals);
      return info;
    } catch (error) {
      // what can be taken out again is, whatever went wrong; the lease sees to the rest
      await takeOut().catch(() => undefined);
      throw error;
    }
  };

  /** Leaves nothing of the agent in the target. */
  const takeOut = async (): Promise<void> => {
    await callGlobally(connection, TAKE_OUT, [config.pollBinding, config.outBinding]);
    await connection.send('Runtime.removeBinding', { name: config.outBinding });
  };

  const agent = await install();

  return {
    agent,
    async poll() {
      const payload = await ask();
      if (payload !== undefined) return placeCallbacks(parse(payload), positions);
      // The agent is gone: its lease ran out while nobody could poll. What addBinding made is a real global then.
      await takeOut();
      config = newConfig();
      asked.owed = 0;
      await install();
      const again = await ask();
      if (again === undefined) throw new TargetError('agent failed', 'The agent does not answer.');
      return placeCallbacks(parse(again), positions);
    },
    async watch(rawSiteIds) {
      await callGlobally(connection, WATCH, [config.pollBinding, JSON.stringify(rawSiteIds)]);
    },
    async learn(lessons) {
      await callGlobally(connection, LEARN, [config.pollBinding, JSON.stringify(lessons)]);
    },
    countPromises: () => countPromises(connection, config),
    dispose: takeOut,
  };

  /** One poll's payload, or undefined when no agent is there. */
  async function ask(): Promise<string | undefined> {
    throwIfTooMany();
    const late = answers.shift();
    if (late !== undefined) return late;
    asked.follows = false;
    asked.owed++;
    // What the agent says at once precedes the response to the command. Both are sent at once: V8 ignores a binding that is there already,
    // so one that was not taken away as its response came too late would keep the agent from ever being asked again.
    await Promise.all([
      connection.send('Runtime.addBinding', { name: config.pollBinding, executionContextId: MAIN_CONTEXT }),
      connection.send('Runtime.removeBinding', { name: config.pollBinding }),
    ]);
    if (answerFollows()) {
      const arrival = new Promise<void>((resolve) => {
        asked.arrived = resolve;
      });
      await withTimeout(arrival, REQUEST_TIMEOUT_MS, () => new TargetError('timeout', 'The agent did not answer in time.'));
    }
    throwIfTooMany();
    return answers.shift();
  }
}

/** @throws {TargetError} `timeout` for an answer that is worth asking for again, else `agent failed` */
function parse(payload: string): AgentPoll {
  if (payload === AGENT_ANSWER_FAILED) throw new TargetError('timeout', 'The agent could not make its answer. It is asked again.');
  try {
    return parseAgentPoll(payload);
  } catch (error) {
    if (!(error instanceof AgentProtocolError)) throw error;
    throw new TargetError('agent failed', `The agent's answer is malformed (${error.message}).`, { cause: error });
  }
}
