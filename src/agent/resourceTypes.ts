/**
 * Which of Node's async resources are tasks. The types are those of `async_hooks` (node: lib/internal/async_hooks.js and
 * src/async_wrap.h, NODE_ASYNC_PROVIDER_TYPES). What is not listed is no task of its own: ticks, parsers, the TLS layer
 * of a socket, the connect and write requests that are a socket's state, and `AsyncResource`s, which only carry context.
 */
import type { AgentSite } from '../protocol/agent';

type TaskKind = AgentSite['kind'];

const HANDLES = [
  'TCPWRAP',
  'TCPSERVERWRAP',
  'PIPEWRAP',
  'PIPESERVERWRAP',
  'TTYWRAP',
  'UDPWRAP',
  'FSEVENTWRAP',
  'STATWATCHER',
  'PROCESSWRAP',
  'WORKER',
  'MESSAGEPORT',
  'SIGNALWRAP',
  'FILEHANDLE',
  'DIRHANDLE',
] as const;

const REQUESTS = [
  'FSREQCALLBACK',
  'FSREQPROMISE',
  'FILEHANDLECLOSEREQ',
  'GETADDRINFOREQWRAP',
  'GETNAMEINFOREQWRAP',
  'QUERYWRAP',
  'HTTPCLIENTREQUEST',
  'HTTP2STREAM',
  'ZLIB',
  'PBKDF2REQUEST',
  'SCRYPTREQUEST',
  'RANDOMBYTESREQUEST',
  'RANDOMPRIMEREQUEST',
  'CHECKPRIMEREQUEST',
  'KEYPAIRGENREQUEST',
  'KEYGENREQUEST',
  'KEYEXPORTREQUEST',
  'SIGNREQUEST',
  'VERIFYREQUEST',
  'CIPHERREQUEST',
  'DERIVEBITSREQUEST',
  'HASHREQUEST',
  'ARGON2REQUEST',
] as const;

/** `timer` stands for both `timeout` and `interval`: the resource tells which. */
export type ResourceClass = Exclude<TaskKind, 'promise' | 'timeout' | 'interval'> | 'timer';

export const RESOURCE_CLASS: ReadonlyMap<string, ResourceClass> = new Map<string, ResourceClass>([
  ['Timeout', 'timer'],
  ['Immediate', 'immediate'],
  ...HANDLES.map((type) => [type, 'handle'] as const),
  ...REQUESTS.map((type) => [type, 'request'] as const),
]);

/** Requests that are awaited by functions of Node's own, which then make further requests: `readFile` opens, then reads. */
export const CONTINUES_IN_NODE: ReadonlySet<string> = new Set([
  'FSREQPROMISE',
  'KEYPAIRGENREQUEST',
  'KEYGENREQUEST',
  'KEYEXPORTREQUEST',
  'SIGNREQUEST',
  'CIPHERREQUEST',
  'DERIVEBITSREQUEST',
  'HASHREQUEST',
]);

/**
 * Handles that Node makes in C++ when a request is done, before it begins the request's callback and without a trigger
 * (node: src/node_file.cc, AfterOpenFileHandle; src/node_dir.cc, AfterOpenDir).
 */
export const MADE_BEFORE_CALLBACK: ReadonlySet<string> = new Set(['FILEHANDLE', 'DIRHANDLE']);

/** Jobs of which there is a synchronous kind, too: at their creation both look alike. */
export const MAY_BE_SYNCHRONOUS: ReadonlySet<string> = new Set([
  'ZLIB',
  'PBKDF2REQUEST',
  'SCRYPTREQUEST',
  'RANDOMBYTESREQUEST',
  'RANDOMPRIMEREQUEST',
  'CHECKPRIMEREQUEST',
  'KEYPAIRGENREQUEST',
  'KEYGENREQUEST',
  'KEYEXPORTREQUEST',
  'SIGNREQUEST',
  'VERIFYREQUEST',
  'CIPHERREQUEST',
  'DERIVEBITSREQUEST',
  'HASHREQUEST',
  'ARGON2REQUEST',
]);

/** Handles that are over when they are closed, which Node does not tell before they are collected. */
export const SILENT: ReadonlySet<string> = new Set(['FILEHANDLE', 'ZLIB']);

/** Sockets, which a client may keep in a pool. */
export const POOLED: ReadonlySet<string> = new Set(['TCPWRAP', 'PIPEWRAP']);

/** Node's function that opens the file of a stream, in the tick after the stream was made (lib/internal/streams/destroy.js). */
export const STARTING_TICK = 'constructNT';

/** Node's modules that make a timer because the program asked for one. All others make timers for themselves. */
const TIMERS_FOR_THE_PROGRAM = /^node:(?:timers\/promises|internal\/abort_controller)$/;

/**
 * Timers that a package has one of, for all of its calls: whichever call came first has started it, and it is no more that call's
 * than any other's. Nothing in a timer or its stack tells that, so the functions that start such timers are listed: undici's
 * makes the clock by which all its clients measure their time-outs (undici: lib/util/timers.js). Timers that a package makes for
 * each object or call are not among these: their line is the one that made the object or the call.
 */
const SHARED_TIMERS: readonly { readonly script: RegExp; readonly maker: string }[] = [
  { script: /[\\/]node_modules[\\/]undici[\\/]lib[\\/]util[\\/]timers\.js$/, maker: 'refreshTimeout' },
];

/** By resource type: a creation below these modules is part of another task, which is counted in its stead. */
const PART_OF_ANOTHER: Readonly<Record<string, RegExp>> = {
  // the standard streams, which Node opens at their first use
  TTYWRAP: /^node:internal\/bootstrap\/switches\//,
  // a child's standard streams belong to the child
  PIPEWRAP: /^node:(?:internal\/bootstrap\/switches\/|child_process$|internal\/child_process)/,
  TCPWRAP: /^node:internal\/bootstrap\/switches\//,
  // the ports between a worker and its parent belong to the worker
  MESSAGEPORT: /^node:internal\/(?:worker$|bootstrap\/switches\/)/,
  // the directories that a copy walks through belong to the copy
  DIRHANDLE: /^node:internal\/fs\/(?:cp|glob|rimraf)/,
  // a look-up on the way to a connection is the socket's state
  GETADDRINFOREQWRAP: /^node:net$/,
};

/** How Node watches recursively where the system cannot, and its functions for what is found further down. */
const RECURSIVE_WATCH = /^node:internal\/fs\/recursive_watch$/;
const GOES_DOWN = /^#(?:watchFolder|addEntry)$/;

const IN_FS = /^node:internal\/fs\//;

/** Loading a module makes promises of its own, for every `import()` and at the first use of a builtin. */
const LOADER = /^node:internal\/(?:modules\/|bootstrap\/realm$)/;

/**
 * Whether a creation is a part of another task, or Node's own business.
 * @param below scripts between the creation and the user's code, innermost first
 * @param functions names of all functions there
 */
export function isInnerResource(type: string, below: readonly string[], functions: readonly string[]): boolean {
  if (type === 'Timeout' || type === 'Interval' || type === 'Immediate') {
    const maker = below[0];
    if (maker === undefined) return false;
    return maker.startsWith('node:') ? !TIMERS_FOR_THE_PROGRAM.test(maker) : isShared(maker, functions[0]);
  }
  // the file that `readFile` and its like open for themselves belongs to them: below it, they called `open`
  if (type === 'FILEHANDLE') return below.length > 1 && IN_FS.test(below[0] as string) && IN_FS.test(below[1] as string);
  // a recursive watch watches each directory below the one that was asked for
  if (type === 'FSEVENTWRAP' && anyOf(below, RECURSIVE_WATCH)) return !isOneOf(functions, '[kFSWatchStart]') || anyOf(functions, GOES_DOWN);
  // a stream that the other end has opened belongs to the connection
  if (type === 'HTTP2STREAM') return below.length === 0;
  if (type === 'PROMISE') return anyOf(below, LOADER);
  const pattern = PART_OF_ANOTHER[type];
  return pattern !== undefined && anyOf(below, pattern);
}

function isShared(script: string, maker: string | undefined): boolean {
  for (let i = 0; i < SHARED_TIMERS.length; i++) {
    const timer = SHARED_TIMERS[i] as (typeof SHARED_TIMERS)[number];
    if (timer.maker === maker && timer.script.test(script)) return true;
  }
  return false;
}

/** `Array.prototype.some` of a program may be anything. */
function anyOf(scripts: readonly string[], pattern: RegExp): boolean {
  for (let i = 0; i < scripts.length; i++) if (pattern.test(scripts[i] as string)) return true;
  return false;
}

/** Functions of Node's that make the promises of an object's properties: a reader's `closed`, a writer's `ready`. */
const MAKES_PROPERTIES = /^(?:readableStreamReaderGenericInitialize|setup\w+|set\w+Promise\w*)$/;

/** Whether a promise that a function of Node's makes is a part of an object, and never what a call hands out. */
export function isPartOfObject(script: string, name: string): boolean {
  // a test is its own function, which the runner calls
  if (script.startsWith('node:internal/test_runner/')) return true;
  return script.startsWith('node:internal/webstreams/') && MAKES_PROPERTIES.test(name);
}

/** `Array.prototype.includes` of a program may be anything. */
export function isOneOf(names: readonly string[], name: string): boolean {
  for (let i = 0; i < names.length; i++) if (names[i] === name) return true;
  return false;
}
