/**
 * Captures the stack of a creation and turns it into a site: frames are interned by script and position, and a site is a
 * path of frames from the innermost one to the first frame of the user's own code. The frames beyond that are kept once,
 * as a sample.
 */
import type { AgentSite } from '../protocol/agent';
import { createCalls } from './calls';
import type { MadeBelow, Way } from './calls';
import { createContinuations } from './continuations';
import type { CallSite, V8Error } from './host';
import { isPartOfObject } from './resourceTypes';
import type { TaskTable } from './taskTable';

/**
 * Frames taken at first. In a service that is not busy a capture costs about 15 us whatever its depth, as nothing of it is in
 * the caches: one that decides is better than two. In a hot loop it is 3 us, and 0.2 us for each frame (Node 24).
 */
const FIRST_FRAMES = 12;
/** Sites and frames beyond these are not interned; their tasks count as dropped. */
export const MAX_SITES = 20_000;
export const MAX_FRAMES = 100_000;
/** Names and paths are cut to this many UTF-16 units. */
const STRING_LIMIT = 2048;

/** As in protocol/agent.ts, which the agent may only import types from. */
const FRAME_NATIVE = 1;
const FRAME_ASYNC = 2;
const FRAME_CONSTRUCTOR = 4;
const FRAME_EVAL = 8;

/** Scripts that stand between a creation and the code that asked for it, and say nothing about it. */
const PLUMBING = /^node:(?:internal\/(?:async_hooks|promise_hooks|timers$)|timers$)/;
/** Node's function that starts every `import()`. */
const DYNAMIC_IMPORT = 'importModuleDynamicallyCallback';
/** Builtins whose promise is settled by the time they return: never the one that a call hands out to be waited for. */
const SETTLED_BUILTIN = /^(?:resolve|reject)$/;
/** Builtins that join promises: nearer to the caller than what they join. */
const JOINING_BUILTIN = /^(?:all|allSettled|any|race)$/;
/** Builtins that run an async generator until it waits: like the call of an async function. */
const RESUMING_BUILTIN = /^(?:next|return|throw)$/;

/** Node's function that runs ticks and microtasks: below whatever they do. */
const TASK_QUEUES = 'node:internal/process/task_queues';
/** Where Node runs what was put off: the bottom of a stack, below which V8 lists who awaits it. */
const NODE_QUEUES = /^node:internal\/(?:process\/task_queues|timers)$/;

/** Our own code in the target, and that of other Asyncscopes: what it makes is not the program's. */
const OWN_SCRIPT = /^node:internal\/asyncscope\//;
const UNNAMED_SCRIPT = '<anonymous>';

type FrameOrigin = 'app' | 'dependency' | 'node' | 'native';

interface Script {
  readonly origin: FrameOrigin;
  readonly plumbing: boolean;
  readonly byPosition: Map<number, number>;
}

interface Frame {
  readonly id: number;
  readonly origin: FrameOrigin;
  readonly plumbing: boolean;
  readonly name: string | null;
  readonly script: string | null;
  /** Which function it is in: that function's script and first position. */
  readonly fn: string;
}

interface Node {
  readonly children: Map<number, Node>;
  /** The site that ends here, or -1. */
  site: number;
  /** Where other code made the promise below a call of the user's: its part in that call. */
  way: Way | null;
}

/** A stack and what it says. */
interface Walk {
  readonly frames: readonly Frame[];
  readonly sites: readonly CallSite[];
  readonly asyncCall: boolean;
  readonly owner: number;
  readonly whole: boolean;
}

/** No frame is the user's. */
const NOBODY = -1;
/** The stack was not taken far enough to tell. */
const UNDECIDED = -2;

export interface RawFrame {
  readonly function: string | null;
  readonly script: string | null;
  readonly line: number;
  readonly column: number;
  readonly flags: number;
}

export interface RawSite {
  readonly id: number;
  readonly kind: AgentSite['kind'];
  readonly type: string;
  readonly label: string | null;
  readonly frames: readonly number[];
  /** May change later: the site is then given out once more. */
  readonly inner: boolean;
  readonly asyncCall: boolean;
  readonly cause: number | null;
  /** As in protocol/agent.ts: tasks from before the attach. */
  readonly before?: { readonly callbacks: readonly number[]; readonly estimated: boolean };
}

/** What the stack tells of one creation besides its site. */
export interface SiteRequest {
  readonly kind: AgentSite['kind'];
  readonly type: string;
  /** The hook whose own frames are to be left out. */
  readonly above: unknown;
  /** Every creation of this kind is looked at. */
  readonly exact: boolean;
  /** Called when the site is new: the name of the callback. */
  label(): string | null;
  /** Called when no frame is the user's: the site that caused this one, or -1. */
  cause(): number;
  /** Called when the site is new, with the scripts between the creation and the user's code. */
  isInner(scripts: readonly string[]): boolean;
  /** Of a promise of a subclass: the names of its classes up to `Promise`, whose constructors are on the stack. */
  readonly classes?: readonly string[] | undefined;
}

/** A limit was reached. */
export const NO_SITE = -1;
/** An observer's own. */
export const NOT_COUNTED = -2;

export interface Stacks {
  /** The site of the creation that is going on, {@link NO_SITE} when there is none to be had, or {@link NOT_COUNTED}. */
  site(request: SiteRequest): number;
  /** The site of what belongs to no line, but to something of this name. */
  named(kind: AgentSite['kind'], type: string, name: string): number;
  /** The scripts between what a site makes and the user's code, one for each frame, innermost first. */
  below(site: number): readonly string[];
  /** A site of tasks from before the attach, of which no stack is known, or {@link NO_SITE}. */
  addExisting(site: Pick<RawSite, 'kind' | 'type' | 'label'> & Required<Pick<RawSite, 'before'>>): number;
  /** Frames and sites interned since the last call. */
  takeNew(): { firstFrame: number; frames: RawFrame[]; sites: RawSite[] };
  /** Gives back what was changed on `Error`. */
  restore(): void;
}

/** @param turn what Node runs now, as an async id */
export function createStacks(ErrorClass: V8Error, table: TaskTable, stackDepth: number, turn: () => number): Stacks {
  const { captureStackTrace } = ErrorClass;
  const hadPrepare = Object.prototype.hasOwnProperty.call(ErrorClass, 'prepareStackTrace');
  const scripts = new Map<string, Script>();
  const natives = new Map<string, number>();
  const frames: Frame[] = [];
  const roots = new Map<string, Node>();
  /** Positions of dynamic imports: their promise is made by the very frame that holds the import. */
  const imports = new Set<number>();
  const continuations = createContinuations(table);
  const promiseSites = new Map<number, RawSite>();
  const calls = createCalls((way) => {
    const known = promiseSites.get(way.site);
    if (known === undefined) return;
    const changed = { ...known, inner: way.inner };
    promiseSites.set(way.site, changed);
    newSites = newSites.filter(({ id }) => id !== way.site);
    newSites[newSites.length] = changed;
  });
  let newFrames: RawFrame[] = [];
  let newSites: RawSite[] = [];
  let siteCount = 0;
  const belowSites: (readonly string[])[] = [];
  const namedSites = new Map<string, number>();

  const keepSites = (_error: unknown, sites: CallSite[]): CallSite[] => sites;

  function capture(above: unknown, depth: number): CallSite[] {
    const { stackTraceLimit, prepareStackTrace } = ErrorClass;
    const holder: { stack?: unknown } = {};
    try {
      ErrorClass.stackTraceLimit = depth;
      ErrorClass.prepareStackTrace = keepSites;
      captureStackTrace(holder, above);
      const sites = holder.stack;
      return Array.isArray(sites) ? (sites as CallSite[]) : [];
    } finally {
      ErrorClass.prepareStackTrace = prepareStackTrace;
      ErrorClass.stackTraceLimit = stackTraceLimit as number;
    }
  }

  // where the program has frozen or replaced Error, every hook would fail: better to say so once, before anything is changed
  if (!canCapture()) throw new Error('the program has frozen or replaced Error, no stack can be taken');

  function canCapture(): boolean {
    try {
      return capture(canCapture, 1).length > 0;
    } catch {
      return false;
    }
  }

  function intern(site: CallSite): Frame | undefined {
    let script = site.getScriptNameOrSourceURL();
    // evaluated code may have no name, builtins have no position either
    if ((script === null || script === '') && site.getLineNumber() !== null) script = UNNAMED_SCRIPT;
    if (script === null || script === '') {
      const name = site.getFunctionName() ?? '';
      const known = natives.get(name);
      if (known !== undefined) return frames[known];
      const frame = addFrame(site, null, 'native', false);
      if (frame !== undefined) natives.set(name, frame.id);
      return frame;
    }
    let entry = scripts.get(script);
    if (entry === undefined) {
      entry = { origin: originOf(script), plumbing: PLUMBING.test(script), byPosition: new Map() };
      scripts.set(script, entry);
    }
    const position = site.getPosition();
    const known = entry.byPosition.get(position);
    if (known !== undefined) return frames[known];
    const frame = addFrame(site, script, entry.origin, entry.plumbing);
    if (frame !== undefined) entry.byPosition.set(position, frame.id);
    return frame;
  }

  function addFrame(site: CallSite, script: string | null, origin: FrameOrigin, plumbing: boolean): Frame | undefined {
    if (frames.length >= MAX_FRAMES) return undefined;
    const name = cut(site.getFunctionName());
    const fn = `${script ?? ''} ${site.getEnclosingLineNumber()} ${site.getEnclosingColumnNumber()} ${name ?? ''}`;
    const frame: Frame = { id: frames.length, origin, plumbing, name, script, fn };
    frames.push(frame);
    newFrames.push({
      function: name,
      script: cut(script),
      line: script === null ? 0 : (site.getLineNumber() ?? 0),
      column: script === null ? 0 : (site.getColumnNumber() ?? 0),
      flags:
        (script === null ? FRAME_NATIVE : 0) |
        (site.isAsync() ? FRAME_ASYNC : 0) |
        (site.isConstructor() ? FRAME_CONSTRUCTOR : 0) |
        (site.isEval() ? FRAME_EVAL : 0),
    });
    return frame;
  }

  /** The frames of `sites` from the first that is not plumbing; undefined when an observer is at work. */
  function internAll(sites: readonly CallSite[]): Frame[] | undefined {
    const list: Frame[] = [];
    for (let i = 0; i < sites.length; i++) {
      const frame = intern(sites[i] as CallSite);
      if (frame === undefined) break;
      if (list.length === 0 && frame.script !== null && OWN_SCRIPT.test(frame.script)) return undefined;
      if (list.length === 0 && frame.plumbing) continue;
      list.push(frame);
    }
    return list;
  }

  function walk(request: SiteRequest, depth: number): Walk | undefined {
    const captured = capture(request.above, depth);
    const sites = request.classes === undefined ? captured : withoutConstructors(captured, request.classes);
    const frames = sites && internAll(sites);
    if (sites === undefined || frames === undefined) return undefined;
    const asyncCall = request.kind === 'promise' && isAsyncCall(frames);
    const whole = captured.length < depth;
    return { frames, sites, asyncCall, owner: ownerOf(frames, sites, asyncCall, whole), whole };
  }

  /**
   * The frame that a task belongs to: its index, {@link NOBODY} or {@link UNDECIDED}. For the call of an async function
   * that is the caller's line; where other code than the user's made the call (a library, a builtin at the bottom of the
   * stack), it is the function's own first line. For everything else it is the innermost frame of the user's code.
   */
  function ownerOf(list: readonly Frame[], sites: readonly CallSite[], asyncCall: boolean, whole: boolean): number {
    const offset = sites.length - list.length;
    if (asyncCall && list[0]?.origin === 'app') {
      for (let i = 1; i < list.length; i++) {
        const frame = list[i] as Frame;
        if (frame.origin === 'native') continue;
        return frame.origin === 'app' && !(sites[offset + i] as CallSite).isAsync() ? i : 0;
      }
      return whole ? 0 : UNDECIDED;
    }
    for (let i = 0; i < list.length; i++) if ((list[i] as Frame).origin === 'app') return i;
    return whole ? NOBODY : UNDECIDED;
  }

  function site(request: SiteRequest): number {
    let walked = walk(request, FIRST_FRAMES);
    if (walked?.owner === UNDECIDED) walked = walk(request, stackDepth);
    if (walked === undefined) return NOT_COUNTED;
    const { frames: list } = walked;
    const owner = walked.owner < 0 ? NOBODY : walked.owner;
    let cause = -1;
    if (owner === NOBODY && request.kind !== 'promise') {
      cause = continued(walked, request.type);
      if (cause === -1) cause = request.cause();
    }
    const last = owner === NOBODY ? innermostForeign(list) : owner;
    let node = roots.get(request.type);
    if (node === undefined) roots.set(request.type, (node = createNode()));
    for (let i = 0; i <= last; i++) node = childOf(node, (list[i] as Frame).id);
    if (cause !== -1) node = childOf(node, -1 - cause);
    if (node.site === -1) {
      if (siteCount >= MAX_SITES) return NO_SITE;
      const sample = walked.whole ? walked : (walk(request, stackDepth) ?? walked);
      addSite(node, request, sample, owner, cause);
    }
    if (owner === NOBODY && walked.asyncCall && request.exact) continuations.calledBy(node.site, continued(walked, null));
    if (node.way !== null) calls.saw(node.way, request.exact, turn(), list, owner + 1);
    return node.site;
  }

  /**
   * The site of the user's whose call goes on here, where an async function of other code was resumed; else -1.
   * @param type of what is made; null when only certainty is wanted
   */
  function continued({ frames: list, sites }: Walk, type: string | null): number {
    const offset = sites.length - list.length;
    for (let i = list.length - 1; i >= 0; i--) {
      const frame = list[i] as Frame;
      if (frame.script === TASK_QUEUES) continue;
      const isAsync = (sites[offset + i] as CallSite).isAsync();
      if (frame.origin === 'dependency' || (isAsync && frame.origin === 'node')) {
        const found = type === null ? continuations.onlySiteOf(frame.fn) : continuations.siteOf(frame.fn, type);
        if (found !== -1) return found;
      }
      // frames above this one are called by it, they are not resumed
      if (!isAsync) return -1;
    }
    return -1;
  }

  /** A promise that no builtin on the stack made is the result of an async function's call, or of `import()`. */
  function isAsyncCall(list: readonly Frame[]): boolean {
    const first = list[0];
    if (first === undefined || first.origin === 'native') return false;
    if (first.name === DYNAMIC_IMPORT) {
      // Node makes a promise in its loader first, then V8 makes the one that the program gets, at the import's position
      const importer = list[1];
      if (importer !== undefined) imports.add(importer.id);
    }
    return !imports.has(first.id);
  }

  function addSite(node: Node, request: SiteRequest, walked: Walk, owner: number, cause: number): void {
    const { frames: list, asyncCall } = walked;
    const below: string[] = [];
    for (let i = 0; i < (owner === NOBODY ? list.length : owner); i++) {
      const { script, origin } = list[i] as Frame;
      if (script !== null && origin !== 'app') below.push(script);
    }
    // where the loader is the caller, it is no call: a module that may await at its top level gets a promise of its own
    const caller = list[1]?.script;
    if (asyncCall && owner === 0 && caller !== null && caller !== undefined) below.push(caller);
    if (request.kind === 'request' && isSynchronous(list)) {
      node.site = NOT_COUNTED;
      return;
    }
    const inner = request.isInner(below);
    node.site = siteCount++;
    belowSites[node.site] = below;
    table.addSite();
    if (request.kind === 'promise' && !inner && owner > 0) {
      const made = madeBelow(walked, owner, below.length > 0);
      if (made !== undefined) node.way = calls.add(node.site, made);
    }
    const site: RawSite = {
      id: node.site,
      kind: request.kind,
      type: request.type,
      label: asyncCall ? (list[0]?.name ?? null) : cut(request.label()),
      frames: list.map((frame) => frame.id),
      inner: inner || node.way?.inner === true,
      asyncCall,
      cause: cause === -1 ? null : cause,
    };
    newSites[newSites.length] = site;
    if (node.way !== null) promiseSites.set(site.id, site);
    const made = list[0];
    if (asyncCall && made !== undefined && made.origin !== 'app') continuations.add(made.fn, site.id, owner !== NOBODY);
  }

  /** What a promise is to the call of the user's below which it was made; undefined when there is no such call. */
  function madeBelow({ frames: list, sites, asyncCall }: Walk, owner: number, foreign: boolean): MadeBelow | undefined {
    const offset = sites.length - list.length;
    const builtin = list[0]?.origin === 'native' ? (list[0].name ?? '') : '';
    if (SETTLED_BUILTIN.test(builtin)) return undefined;
    const caller = list[owner] as Frame;
    const nearest = list[owner - 1] as Frame;
    const resumed = nearest.origin === 'native' && RESUMING_BUILTIN.test(nearest.name ?? '');
    if (!foreign && !resumed) return undefined;
    let called = owner - 1;
    while (!resumed && called > 0 && (list[called] as Frame).origin === 'native') called--;
    // for whom it was made: the frame that calls an async function or a builtin
    let depth = 0;
    for (let i = asyncCall ? 1 : 0; i <= called; i++) if ((list[i] as Frame).origin !== 'native') depth++;
    const site = sites[offset + called] as CallSite;
    // a function that is resumed has handed out its own promise long ago; what runs from Node's queues is called by nobody
    const resumedLater = (site.isAsync() && !(asyncCall && called === 0)) || NODE_QUEUES.test((list[called] as Frame).script ?? '');
    return {
      key: `${caller.id} ${(list[called] as Frame).fn}`,
      ofCall: resumed ? owner === 1 : asyncCall && called === 0,
      never: resumedLater || isPart(list) || (site.isConstructor() && (asyncCall || depth > 1 || (list[called] as Frame).origin === 'node')),
      depth: JOINING_BUILTIN.test(builtin) ? depth - 0.5 : depth,
    };
  }

  /** Whether a function of Node's made it that makes parts of objects, or what the runner of tests waits for. */
  function isPart(list: readonly Frame[]): boolean {
    const maker = list.find(({ origin, name }) => origin !== 'native' && name !== 'createDeferredPromise');
    return maker?.origin === 'node' && isPartOfObject(maker.script ?? '', maker.name ?? '');
  }

  function named(kind: AgentSite['kind'], type: string, name: string): number {
    const key = `${kind} ${type} ${name}`;
    const known = namedSites.get(key);
    if (known !== undefined) return known;
    if (siteCount >= MAX_SITES) return NO_SITE;
    const id = siteCount++;
    newSites.push({ id, kind, type, label: name, frames: [], inner: true, asyncCall: false, cause: null });
    table.addSite();
    namedSites.set(key, id);
    return id;
  }

  return {
    site,
    named,
    below: (of) => belowSites[of] ?? [],
    addExisting({ kind, type, label, before }) {
      if (siteCount >= MAX_SITES || frames.length >= MAX_FRAMES) return NO_SITE;
      // stands for the position that the debugger will find
      const frame: Frame = { id: frames.length, origin: 'native', plumbing: false, name: cut(label), script: null, fn: '' };
      frames.push(frame);
      newFrames.push({ function: frame.name, script: null, line: 0, column: 0, flags: FRAME_NATIVE });
      newSites.push({ id: siteCount, kind, type, label: frame.name, frames: [frame.id], inner: false, asyncCall: false, cause: null, before });
      table.addSite();
      return siteCount++;
    },
    takeNew() {
      const taken = { firstFrame: frames.length - newFrames.length, frames: newFrames, sites: newSites };
      newFrames = [];
      newSites = [];
      return taken;
    },
    restore() {
      if (!hadPrepare && ErrorClass.prepareStackTrace === undefined) delete ErrorClass.prepareStackTrace;
      // a program may have deleted it: then no capture found a value to put back
      if (ErrorClass.stackTraceLimit === undefined) delete ErrorClass.stackTraceLimit;
    },
  };
}

function createNode(): Node {
  return { children: new Map(), site: -1, way: null };
}

function childOf(node: Node, key: number): Node {
  let child = node.children.get(key);
  if (child === undefined) node.children.set(key, (child = createNode()));
  return child;
}

/** Where no frame is the user's: the innermost frame of a dependency, else of Node, else the last one there is. */
function innermostForeign(list: readonly Frame[]): number {
  for (let i = 0; i < list.length; i++) if ((list[i] as Frame).origin === 'dependency') return i;
  for (let i = 0; i < list.length; i++) if ((list[i] as Frame).origin === 'node') return i;
  return list.length - 1;
}

/**
 * A promise of a subclass is made where the subclass is constructed: `new Mine()`, not `super()` in its constructor. What
 * `then` derives from such a promise is made by the constructor too, without a parent: undefined, it is no task.
 */
function withoutConstructors(sites: CallSite[], classes: readonly string[]): CallSite[] | undefined {
  const builtin = sites.findIndex((site) => site.isConstructor() && site.getFunctionName() === 'Promise');
  if (builtin === -1) return sites;
  let end = builtin + 1;
  for (; end < sites.length; end++) {
    const site = sites[end] as CallSite;
    if (!site.isConstructor() || !classes.includes(site.getFunctionName() ?? '')) break;
  }
  const caller = sites[end];
  if (caller?.getFunctionName() === 'then' && caller.getLineNumber() === null) return undefined;
  return [...sites.slice(0, builtin + 1), ...sites.slice(end)];
}

/** Node makes an object for a request that it runs at once, too (`crypto.randomBytes`), and lets the collector end it. */
function isSynchronous(list: readonly Frame[]): boolean {
  for (let i = 0; i < list.length; i++) {
    const { origin, name } = list[i] as Frame;
    if (origin === 'app' || origin === 'dependency') return false;
    if (name?.endsWith('Sync') === true) return true;
  }
  return false;
}

function originOf(script: string): FrameOrigin {
  if (script.startsWith('node:')) return 'node';
  return /[\\/]node_modules[\\/]/.test(script) ? 'dependency' : 'app';
}

function cut(value: string | null): string | null {
  return value === null || value === '' ? null : value.length > STRING_LIMIT ? value.slice(0, STRING_LIMIT) : value;
}
