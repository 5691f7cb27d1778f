/**
 * The boundary between the agent (inside the target) and the CDP layer. Everything that arrives here was made in
 * another process and is validated before use.
 *
 * Static data goes once, changes after: frames and sites are interned by the agent and sent when first seen; a poll
 * carries only the sites whose figures changed.
 */
import * as v from 'valibot';
import type { OriginPattern } from '../core/model/origin';

export const AGENT_PROTOCOL_VERSION = 1;

/** Longest name or path that the agent sends, in UTF-16 units; longer ones are cut. */
export const AGENT_STRING_LIMIT = 2048;

/** What the agent is told when it is installed. */
export interface AgentConfig {
  readonly version: typeof AGENT_PROTOCOL_VERSION;
  /** Name of the binding through which answers leave, a random identifier. */
  readonly outBinding: string;
  /** Name of the global whose assignment asks for a poll (see `src/cdp/agent/agentChannel.ts`). */
  readonly pollBinding: string;
  /** The agent disarms itself when it was not polled for this long. Milliseconds. */
  readonly leaseMs: number;
  /** Share of the target's time that sampling may cost. Percent. */
  readonly budgetPercent: number;
  /** Memory that live samples may take; near it, samples are taken more thinly. Bytes. */
  readonly memoryLimitBytes: number;
  /** Frames per stack. */
  readonly stackDepth: number;
  /** What the user says about whose code scripts are; the first that fits decides. */
  readonly origins: readonly OriginPattern[];
  /** Tasks listed per watched site. */
  readonly taskRowLimit: number;
}

/**
 * What the agent says in place of an answer when it was asked in the middle of one of its hooks: the answer follows as soon
 * as the hook is done.
 */
export const AGENT_ANSWER_FOLLOWS = 'later';
/** What the agent says in place of an answer that it could not make: it is there, and the next one may succeed. */
export const AGENT_ANSWER_FAILED = 'failed';

/**
 * What stands where in one script: `line, column, origin` of each range, one after the other, ascending; lines and columns are
 * 1-based, a range ends where the next begins. The origins are {@link ORIGIN_APP}, {@link ORIGIN_DEPENDENCY} and
 * {@link ORIGIN_HELPER}. Empty where the name of the script says it all.
 */
export type ScriptOrigins = readonly number[];
/** What the agent is told of one script, by the number that it has in {@link AgentPoll.unsure}. */
export type ScriptLesson = readonly [script: number, origins: ScriptOrigins];
export const ORIGIN_APP = 0;
export const ORIGIN_DEPENDENCY = 1;
/** Made by a compiler, between the lines of its sources. */
export const ORIGIN_HELPER = 2;

/** Longest message about a malformed answer, in UTF-16 units. */
const ERROR_LIMIT = 200;

/** Bits of {@link AgentFrame} flags. */
export const FRAME_NATIVE = 1;
export const FRAME_ASYNC = 2;
export const FRAME_CONSTRUCTOR = 4;
export const FRAME_EVAL = 8;

const text = v.pipe(v.string(), v.maxLength(AGENT_STRING_LIMIT));
/** A process cannot have more of anything, and sums of as many figures as there are sites stay finite. */
const LARGEST_FIGURE = 1e18;
const count = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(LARGEST_FIGURE));
const id = v.pipe(v.number(), v.integer(), v.minValue(0));
const difference = v.pipe(v.number(), v.safeInteger());

/** `[function, script name or URL, line, column, flags]`; line and column are 1-based, 0 when unknown. */
const frame = v.tuple([v.nullable(text), v.nullable(text), id, id, id]);

const kind = v.picklist(['promise', 'timeout', 'interval', 'immediate', 'handle', 'request']);

/**
 * One way in which tasks are spawned: a kind, a stack, a callback name. Several raw sites may fall on one source line.
 * `inner` marks plumbing: promises that a library made below the one it handed to its caller, and timers that Node
 * makes for itself. They are counted, but never at the caller's line. A site that was sent before is sent again when it
 * turns out to be plumbing, or not to be.
 */
const rawSite = v.object({
  id,
  kind,
  type: text,
  /** Name of the callback or of the called async function. */
  label: v.nullable(text),
  /** Indices of frames, innermost first. */
  frames: v.array(id),
  inner: v.boolean(),
  /** The promise was made by calling an async function: frame 0 is that function's own first line. */
  asyncCall: v.boolean(),
  /** The raw site that this one was triggered by, when its own stack holds no user frame. */
  cause: v.nullable(id),
  /**
   * Its tasks began before the agent was there: instead of a stack there is one frame, which stands for the position of a
   * function that the task will call. The debugger finds it and puts it there (`src/cdp/callbackPositions.ts`): `callbacks`
   * are the numbers of functions, of which the first that is not Node's own counts; with `estimated` they are others with the
   * same source text, as there were too many to look up, and count if they all stand in one place.
   */
  before: v.optional(v.object({ callbacks: v.array(id), estimated: v.boolean() })),
  /** The program let the agent take no stack: the line is unknown. */
  blind: v.optional(v.boolean()),
});

/**
 * `[site, live, variance, started, abandoned, oldest]`: figures of one raw site. `live`, `started` and `abandoned` are sums of
 * sampling weights; `variance` is the variance of `live`, 0 while every creation was seen; `oldest` is the start of the oldest live
 * task on the agent's clock in whole milliseconds, -1 when none is alive.
 */
export type AgentChange = readonly [site: number, live: number, variance: number, started: number, abandoned: number, oldest: number];

/** {@link AgentChange}s as they are sent, by columns; put together by `src/agent/changes.ts`. */
const changes = v.pipe(
  v.object({
    /** Raw sites, each less the one before. */
    sites: v.array(difference),
    live: v.array(count),
    /** What has started and is not live any more. */
    gone: v.array(count),
    /** Starts of the oldest tasks, each less the one before. */
    oldest: v.array(difference),
    /** Of all sites or, where all are 0, of none. */
    variance: v.array(count),
    abandoned: v.array(count),
  }),
  v.check(({ sites, ...columns }) => {
    const full = [columns.live, columns.gone, columns.oldest].every(({ length }) => length === sites.length);
    return full && [columns.variance, columns.abandoned].every(({ length }) => length === sites.length || length === 0);
  }, 'columns of one length'),
  v.transform(({ sites, live, gone, oldest, variance, abandoned }): readonly AgentChange[] => {
    let site = 0;
    let start = 0;
    return live.map((alive, index) => {
      site += sites[index] ?? 0;
      start += oldest[index] ?? 0;
      return [site, alive, variance[index] ?? 0, alive + (gone[index] ?? 0), abandoned[index] ?? 0, start];
    });
  }),
);

const counting = v.picklist(['exact', 'sampled stacks', 'sampled counts', 'duty-cycled']);

const task = v.object({
  id,
  /** On the agent's clock, milliseconds. */
  start: v.number(),
  weight: count,
  state: text,
  delayMs: v.optional(count),
  repeats: v.optional(v.boolean()),
  refed: v.optional(v.boolean()),
  type: v.optional(text),
  localAddress: v.optional(text),
  remoteAddress: v.optional(text),
  path: v.optional(text),
  pid: v.optional(id),
  /** Timers: milliseconds until they are due, negative when they are late. */
  dueInMs: v.optional(v.pipe(v.number(), v.finite())),
  /** Timers: their callback is running. */
  running: v.optional(v.boolean()),
  /** Sockets and pipes. */
  open: v.optional(v.boolean()),
  connecting: v.optional(v.boolean()),
  tls: v.optional(v.boolean()),
  halfOpen: v.optional(v.picklist(['ended by the other end', 'ended by us'])),
  waitingBytes: v.optional(count),
  carries: v.optional(v.picklist(['request'])),
  /** Servers. */
  connections: v.optional(count),
  /** Child processes. */
  command: v.optional(text),
  threadId: v.optional(id),
  fd: v.optional(id),
  /** HTTP requests: the head of the answer is there. */
  receiving: v.optional(v.boolean()),
});

const processFigures = v.object({
  heap: v.object({ used: count, total: count, limit: count, rss: count, external: count, arrayBuffers: count }),
  loop: v.object({ delayP50Ms: count, delayP99Ms: count, delayMaxMs: count, utilization: count, stillMs: count }),
  gc: v.object({ count, totalMs: count, estimated: v.boolean() }),
  activeResources: v.record(text, count),
  uptimeMs: count,
});

const poll = v.object({
  v: v.literal(AGENT_PROTOCOL_VERSION),
  /** 1 for the first poll after the install; a gap means that an answer was lost. */
  seq: id,
  /** The agent's clock in milliseconds. Starts and ages are on this clock. */
  now: v.number(),
  /** Wall clock, milliseconds since the epoch. */
  wall: v.number(),
  /** Frames first seen since the last poll, from index `firstFrame` on. */
  firstFrame: id,
  frames: v.array(frame),
  /** New ones, and those of which `inner` has changed since the agent knows whose code their frames are. */
  sites: v.array(rawSite),
  changes,
  /** Scripts that may hold more than the user's code, by number: the agent waits to be told their {@link ScriptOrigins}. */
  unsure: v.array(v.tuple([id, text])),
  /** Creations that nobody looked at and that no weight stands for (an agent limit was reached), since the install. */
  dropped: count,
  /**
   * Timers, handles and requests from before the attach that are counted but not followed (an agent limit): timers as of the last count,
   * the others as of the attach.
   */
  beforeNotFollowed: count,
  /** Whether all that was there before the attach, but promises, could be looked at. */
  beforeComplete: v.boolean(),
  /**
   * How far stacks go, the worst since the install: `cut` when the program has fixed `Error.stackTraceLimit`, `none` when it
   * has frozen what is needed to take any.
   */
  stacks: v.optional(v.picklist(['whole', 'cut', 'none'])),
  /**
   * When pending promises that the agent had not seen begin were last looked for in the heap, on the agent's clock, and how
   * many of them are not followed (an agent limit); null when they never were.
   */
  beforePromises: v.nullable(v.object({ at: v.number(), more: count })),
  /** True once any promise (or resource) creation was skipped by sampling since the install. */
  sampledPromises: v.boolean(),
  sampledResources: v.boolean(),
  promiseWeight: count,
  resourceWeight: count,
  /** What is done now to stay within the budget: see `CountingStep` in core/model/task.ts. */
  promiseCounting: counting,
  resourceCounting: counting,
  /** What the live samples take, about, and whether they are thinner for it than the budget asks for. */
  memoryBytes: count,
  memoryLimited: v.boolean(),
  /**
   * What watching costs in percent of the program's processor time, from a comparison of times with hooks and without, and the half
   * width of the 95 % interval; null while there are no such times. Noise may make it negative.
   */
  measured: v.nullable(v.object({ percent: v.pipe(v.number(), v.finite()), error: count })),
  /** Milliseconds spent in the agent since the last poll, and the length of that span. */
  agentMs: count,
  spanMs: count,
  pollMs: count,
  process: processFigures,
  /** Tasks of watched sites: raw site id, oldest tasks first, how many are not listed. */
  tasks: v.array(v.object({ site: id, rows: v.array(task), more: count })),
});

export type AgentFrame = v.InferOutput<typeof frame>;
export type AgentSite = v.InferOutput<typeof rawSite>;
export type AgentTask = v.InferOutput<typeof task>;
/** As the agent sends it. */
export type AgentAnswer = v.InferInput<typeof poll>;
export type AgentPoll = v.InferOutput<typeof poll>;

/**
 * Checks one answer of the agent.
 * @throws {AgentProtocolError} when it is not one.
 */
export function parseAgentPoll(json: string): AgentPoll {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new AgentProtocolError('not JSON');
  }
  const result = v.safeParse(poll, value);
  if (!result.success) {
    const issue = result.issues[0];
    // what was received is a part of it, and may be anything
    throw new AgentProtocolError(`${v.getDotPath(issue) ?? 'answer'}: ${issue.message}`.slice(0, ERROR_LIMIT));
  }
  return result.output;
}

/** The target sent something that the agent would not send. */
export class AgentProtocolError extends Error {
  override readonly name = 'AgentProtocolError';
}
