/**
 * Captures the stack of a creation and turns it into a site: frames are interned by script and position, and a site is a
 * path of frames from the innermost one to the first frame of the user's own code. The frames beyond that are kept once,
 * as a sample.
 *
 * Of a script that may be a bundle it is not known at first whose code its frames are. Until the client has said so, the path
 * is as long as what was taken of the stack, so that no two callers share a site; then it is looked at again.
 */
import type { AgentConfig, AgentSite, ScriptLesson } from '../protocol/agent';
import { cutText } from './bounds';
import { createCalls } from './calls';
import type { MadeBelow, Way } from './calls';
import type { Capture, StackState } from './capture';
import { createContinuations } from './continuations';
import type { AsyncFunction } from './continuations';
import type { CallSite } from './host';
import { isOneOf, isPartOfObject } from './resourceTypes';
import { createScripts, originAt } from './scripts';
import type { FrameOrigin, Script } from './scripts';
import type { TaskTable } from './taskTable';

/**
 * Frames taken at first. In a service that is not busy a capture costs about 15 us whatever its depth, as nothing of it is in
 * the caches: one that decides is better than two. In a hot loop it is 3 us, and 0.2 us for each frame (Node 24).
 */
const FIRST_FRAMES = 12;
/**
 * Where these mostly do not decide, all frames are taken at once: for a file or a socket, which Node's own code opens far from the
 * user's, say. So many captures in a row that went one way are outweighed by as many that went the other.
 */
const DEPTH_MEMORY = 4;
/** Sites and frames beyond these are not interned; their tasks count as dropped. */
const MAX_SITES = 20_000;
const MAX_FRAMES = 100_000;

/** As in protocol/agent.ts, which the agent may only import types from. */
const FRAME_NATIVE = 1;
const FRAME_ASYNC = 2;
const FRAME_CONSTRUCTOR = 4;
const FRAME_EVAL = 8;

/**
 * Sites that end in code of which it is not known whose it is. Beyond these, names of scripts decide, which is wrong for bundles:
 * the sites of a program that recurses in many ways must not use up all there may be.
 */
const MAX_UNSURE_SITES = 10_000;
/** Promises made in such code that are gone through again in their order, once it is known. Those beyond count once a site. */
const MAX_UNSURE_PROMISES = 10_000;
/**
 * A timer that is started by the one before it, and so on, would get a new site with each turn, as each has another cause. Of
 * causes that come again, so many are told apart, and looked for among so many causes of causes.
 */
const CAUSE_REPEATS = 8;
const CAUSE_DEPTH = 64;
/** Node's function that starts every `import()`. */
const DYNAMIC_IMPORT = 'importModuleDynamicallyCallback';
/** Builtins whose promise is settled by the time they return: never the one that a call hands out to be waited for. */
const SETTLED_BUILTIN = /^(?:resolve|reject)$/;
/** Builtins that join promises: nearer to the caller than what they join. */
const JOINING_BUILTIN = /^(?:all|allSettled|any|race)$/;
/** Frames that it takes to see a `then`: Node runs the hooks from a function of its own where a program has some, too. */
const THEN_FRAMES = 4;
/** Builtins that are given callbacks. */
const DERIVING_BUILTIN = /^(?:then|catch|finally)$/;
/** Builtins that run an async generator until it waits: like the call of an async function. */
const RESUMING_BUILTIN = /^(?:next|return|throw)$/;

/** Node's function that runs ticks and microtasks: below whatever they do. */
const TASK_QUEUES = 'node:internal/process/task_queues';
/** Where Node runs what was put off: the bottom of a stack, below which V8 lists who awaits it. */
const NODE_QUEUES = /^node:internal\/(?:process\/task_queues|timers)$/;

/** Our own code in the target, and that of other Asyncscopes: what it makes is not the program's. */
const OWN_SCRIPT = /^node:internal\/asyncscope\//;

interface Frame {
  readonly id: number;
  readonly name: string | null;
  readonly script: Script | null;
  /** Which function it is in: that function's script and first position. */
  readonly fn: string;
  readonly line: number;
  readonly column: number;
  readonly async: boolean;
  readonly construct: boolean;
  origin: FrameOrigin;
}

interface Node {
  /** Most nodes have none. */
  children: Map<number, Node> | undefined;
  /** The site that ends here, or -1. */
  site: number;
  /** What holds for all sites of which the owner is the frame here. */
  verdict: Verdict | null;
  /** The site that ends here waits to be told whose code it is in. */
  birth: Birth | null;
  /** Where it is the call of an async function of other code: that function. */
  called: AsyncFunction | null;
}

interface Verdict {
  readonly inner: boolean;
  readonly below: readonly string[];
  /** Where other code made the promise below a call of the user's: its part in that call. */
  readonly way: Way | null;
  readonly sites: number[];
}

/** A site that may have to be looked at again. */
interface Birth {
  readonly id: number;
  /** Where it ends. */
  readonly node: Node;
  readonly request: Pick<SiteRequest, 'kind' | 'type' | 'isInner'>;
  readonly list: readonly Frame[];
  readonly asyncCall: boolean;
  readonly cause: number;
  owner: Node;
  /** Whose code it was taken to be in. */
  origins: string;
}

/** One promise at such a site. */
interface UnsurePromise {
  readonly birth: Birth;
  readonly exact: boolean;
  readonly turn: number;
  readonly list: readonly Frame[];
}

/** A stack and what it says. */
interface Walk {
  readonly frames: readonly Frame[];
  readonly sites: readonly CallSite[];
  readonly asyncCall: boolean;
  readonly owner: number;
  readonly whole: boolean;
}

/** No stack could be taken, or none that says anything. */
const BLIND: Walk = { frames: [], sites: [], asyncCall: false, owner: -1, whole: true };
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
  /** The program let us take no stack. */
  readonly blind?: boolean;
}

/** What the stack tells of one creation besides its site. */
export interface SiteRequest {
  readonly kind: AgentSite['kind'];
  readonly type: string;
  /** The hook whose own frames are to be left out. */
  readonly above: unknown;
  /** On the agent's clock, milliseconds. */
  readonly now: number;
  /** Every creation of this kind is looked at. */
  readonly exact: boolean;
  /** Called when the site is new: the name of the callback. */
  label(): string | null;
  /** Called when no frame is the user's: the site that caused this one, or -1. */
  cause(): number;
  /** Called when the site is new, with its type, the scripts between the creation and the user's code, and its cause or -1. */
  isInner(type: string, scripts: readonly string[], cause: number, functions: readonly string[]): boolean;
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
  /** The site of the `then` that is called, where other code calls it during a call of the user's; else -1. */
  reaction(request: SiteRequest): number;
  /** Whether other code made a site's tasks during a call of the user's. */
  isBelowUser(site: number): boolean;
  /** The site of what belongs to no line, but to something of this name. */
  named(kind: AgentSite['kind'], type: string, name: string): number;
  /** The scripts between what a site makes and the user's code, one for each frame, innermost first. */
  below(site: number): readonly string[];
  /** A site of tasks from before the attach, of which no stack is known, or {@link NO_SITE}. */
  addExisting(site: Pick<RawSite, 'kind' | 'type' | 'label'> & Required<Pick<RawSite, 'before'>>): number;
  /** Frames and sites interned since the last call, and the scripts that {@link learn} has not told of. */
  takeNew(): { firstFrame: number; frames: RawFrame[]; sites: RawSite[]; unsure: [number, string][] };
  /** While this is not 0, {@link observed} is to be told of every promise that somebody waits for. */
  readonly undecided: number;
  /**
   * Somebody waits for a promise of a site.
   * @param above the hook that was told of it, whose own frames are to be left out
   */
  observed(site: number, above: unknown): void;
  /** Takes in what is in scripts, and looks again at the sites that were waiting for it. */
  learn(lessons: readonly ScriptLesson[]): void;
  /** How far the stacks go that the program lets us take. */
  readonly state: StackState;
}

/** @param turn what Node runs now, as an async id */
export function createStacks(capture: Capture, table: TaskTable, stackDepth: number, origins: AgentConfig['origins'], turn: () => number): Stacks {
  const scripts = createScripts(origins);
  const natives = new Map<string, number>();
  const frames: Frame[] = [];
  const roots = new Map<string, Node>();
  /** Positions of dynamic imports: their promise is made by the very frame that holds the import. */
  const imports = new Set<number>();
  const continuations = createContinuations(table);
  const verdicts = new Map<number, Verdict>();
  const calls = createCalls((way) => {
    const sites = verdicts.get(way.site)?.sites ?? [];
    for (let i = 0; i < sites.length; i++) setInner(sites[i] as number, way.inner);
  });
  let newFrames: RawFrame[] = [];
  /** By id; of a site that has changed since it was sent, too. */
  let newSites = new Map<number, RawSite>();
  const allSites: RawSite[] = [];
  let siteCount = 0;
  /** By site: where it would end without its cause. */
  const bases: Node[] = [];
  const namedSites = new Map<string, number>();
  /** By type: above 0 where the first frames mostly decide, below where not. */
  const depths = new Map<string, number>();
  /** Sites that may have to be looked at again, and the promises made there, in the order in which they were made. */
  let births: Birth[] = [];
  let unsurePromises: UnsurePromise[] = [];

  function intern(site: CallSite): Frame | undefined {
    const script = scripts.of(site);
    if (script === null) {
      const name = site.getFunctionName() ?? '';
      const known = natives.get(name);
      if (known !== undefined) return frames[known];
      const frame = addFrame(site, null);
      if (frame !== undefined) natives.set(name, frame.id);
      return frame;
    }
    const position = site.getPosition();
    const known = script.byPosition.get(position);
    if (known !== undefined) return frames[known];
    const frame = addFrame(site, script);
    if (frame !== undefined) script.byPosition.set(position, frame.id);
    return frame;
  }

  function addFrame(site: CallSite, script: Script | null): Frame | undefined {
    if (frames.length >= MAX_FRAMES) return undefined;
    const line = script === null ? 0 : (site.getLineNumber() ?? 0);
    const column = script === null ? 0 : (site.getColumnNumber() ?? 0);
    const frame: Frame = {
      id: frames.length,
      name: cut(site.getFunctionName()),
      script,
      fn: `${script?.name ?? ''} ${site.getEnclosingLineNumber()} ${site.getEnclosingColumnNumber()} ${site.getFunctionName() ?? ''}`,
      line,
      column,
      async: site.isAsync(),
      construct: site.isConstructor(),
      origin: script === null ? 'native' : originAt(script, line, column),
    };
    const raw: RawFrame = {
      function: frame.name,
      script: script === null ? null : script.name,
      line,
      column,
      flags:
        (script === null ? FRAME_NATIVE : 0) |
        (frame.async ? FRAME_ASYNC : 0) |
        (frame.construct ? FRAME_CONSTRUCTOR : 0) |
        (site.isEval() ? FRAME_EVAL : 0),
    };
    frames[frames.length] = frame;
    newFrames[newFrames.length] = raw;
    return frame;
  }

  /** The frames of `sites` from the first that is not plumbing; undefined when an observer is at work. */
  function internAll(sites: readonly CallSite[]): Frame[] | undefined {
    const list: Frame[] = [];
    for (let i = 0; i < sites.length; i++) {
      const frame = intern(sites[i] as CallSite);
      if (frame === undefined) break;
      if (list.length === 0 && frame.script !== null && OWN_SCRIPT.test(frame.script.name)) return undefined;
      if (list.length === 0 && frame.script?.plumbing === true) continue;
      list[list.length] = frame;
    }
    return list;
  }

  /** @param taken the frames, where more of them than `depth` were taken already */
  function walk(request: SiteRequest, depth: number, taken?: readonly CallSite[]): Walk | undefined {
    const captured = taken === undefined ? capture.take(request.above, depth) : firstOf(taken, depth);
    if (captured === undefined) return BLIND;
    const sites = request.classes === undefined ? captured : withoutConstructors(captured, request.classes);
    const frames = sites && internAll(sites);
    if (sites === undefined || frames === undefined) return undefined;
    const asyncCall = request.kind === 'promise' && isAsyncCall(frames);
    const whole = captured.length < (depth < capture.most ? depth : capture.most);
    return { frames, sites, asyncCall, owner: ownerOf(frames, asyncCall, whole, sites), whole };
  }

  /**
   * The frame that a task belongs to: its index, {@link NOBODY} or {@link UNDECIDED}. For the call of an async function
   * that is the caller's line; where other code than the user's made the call (a library, a builtin at the bottom of the
   * stack), it is the function's own first line. For everything else it is the innermost frame of the user's code.
   */
  function ownerOf(list: readonly Frame[], asyncCall: boolean, whole: boolean, sites?: readonly CallSite[]): number {
    const offset = sites === undefined ? 0 : sites.length - list.length;
    if (asyncCall && list[0]?.origin === 'app') {
      for (let i = 1; i < list.length; i++) {
        const frame = list[i] as Frame;
        if (frame.origin === 'native' || frame.origin === 'helper') continue;
        const isAsync = sites?.[offset + i]?.isAsync() ?? frame.async;
        return frame.origin === 'app' && !isAsync ? i : 0;
      }
      return whole ? 0 : UNDECIDED;
    }
    for (let i = 0; i < list.length; i++) if ((list[i] as Frame).origin === 'app') return i;
    if (!whole) return UNDECIDED;
    // A map that says nothing of the only code there is must not hide it.
    let helper = NOBODY;
    for (let i = list.length - 1; i >= 0; i--) {
      const { origin } = list[i] as Frame;
      if (origin === 'dependency') return NOBODY;
      if (origin === 'helper') helper = i;
    }
    return helper;
  }

  function site(request: SiteRequest): number {
    const shallow = depths.get(request.type) ?? 0;
    const taken = shallow < 0 ? capture.take(request.above, stackDepth) : undefined;
    let walked = walk(request, FIRST_FRAMES, taken);
    if (walked?.owner === UNDECIDED) {
      if (shallow > -DEPTH_MEMORY) depths.set(request.type, shallow - 1);
      walked = walk(request, stackDepth, taken);
    } else if (shallow < DEPTH_MEMORY) depths.set(request.type, shallow + 1);
    if (walked === undefined) return NOT_COUNTED;
    // whose code it is stands further out than the program lets us look
    if (walked.owner === UNDECIDED && capture.most < stackDepth) walked = BLIND;
    const { frames: list, asyncCall } = walked;
    const owner = walked.owner < 0 ? NOBODY : walked.owner;
    const last = owner === NOBODY ? innermostForeign(list) : owner;
    const waits = isUnsureUpTo(list, last) && births.length < MAX_UNSURE_SITES;
    const end = waits ? decidingFrame(list, asyncCall) : last;
    const base = nodeOf(request.type, list, end);
    const cause = request.kind !== 'promise' && walked !== BLIND && (owner === NOBODY || waits) ? causeOf(request, walked, base) : -1;
    const node = withCause(base, cause);
    if (node.site === -1) {
      if (siteCount >= MAX_SITES) return NO_SITE;
      const sample = walked.whole ? walked : (walk(request, stackDepth, taken) ?? walked);
      addSite(node, base, request, sample, owner, cause, waits);
    }
    if (owner === NOBODY && walked.asyncCall && request.exact) continuations.calledBy(node.site, continued(walked, null));
    if (node.called !== null) continuations.begins(node.called, turn(), request.now);
    const { birth } = node;
    const way = (birth === null ? node : birth.owner).verdict?.way ?? null;
    if (birth !== null && request.kind === 'promise' && unsurePromises.length < MAX_UNSURE_PROMISES) {
      unsurePromises[unsurePromises.length] = { birth, exact: request.exact, turn: turn(), list };
    }
    if (way !== null) calls.saw(way, request.exact, turn(), list, owner + 1);
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
      if (frame.script?.name === TASK_QUEUES) continue;
      const isAsync = (sites[offset + i] as CallSite).isAsync();
      if (frame.origin === 'dependency' || (isAsync && frame.origin === 'node')) {
        const found = type === null ? continuations.onlySiteOf(frame.fn) : continuations.siteOf(frame.fn, type, turn());
        if (found !== -1) return found;
      }
      // frames above this one are called by it, they are not resumed
      if (!isAsync) return -1;
    }
    return -1;
  }

  /** Where it is not known whose code a stack is: the first frame that is the user's for certain, or all that there are. */
  function decidingFrame(list: readonly Frame[], asyncCall: boolean): number {
    for (let i = asyncCall ? 1 : 0; i < list.length; i++) {
      const frame = list[i] as Frame;
      if (frame.origin === 'app' && !isUnsure(frame)) return i;
    }
    return list.length - 1;
  }

  /** The cause of what ends at `base`; that of the last which ended there, when there were too many already. */
  function causeOf(request: SiteRequest, walked: Walk, base: Node): number {
    const resumed = continued(walked, request.type);
    const cause = resumed === -1 ? request.cause() : resumed;
    let last = -1;
    let repeats = 0;
    for (let at = cause, step = 0; at !== -1 && step < CAUSE_DEPTH; step++, at = allSites[at]?.cause ?? -1) {
      if (bases[at] !== base) continue;
      if (last === -1) last = at;
      if (++repeats === CAUSE_REPEATS) return allSites[last]?.cause ?? -1;
    }
    return cause;
  }

  function nodeOf(type: string, list: readonly Frame[], last: number): Node {
    let node = roots.get(type);
    if (node === undefined) roots.set(type, (node = createNode()));
    for (let i = 0; i <= last; i++) node = childOf(node, (list[i] as Frame).id);
    return node;
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

  function addSite(node: Node, base: Node, request: SiteRequest, walked: Walk, owner: number, cause: number, waits: boolean): void {
    const { frames: list, sites, asyncCall } = walked;
    const { kind, type } = request;
    if (kind === 'request' && isSynchronous(list)) {
      node.site = NOT_COUNTED;
      return;
    }
    const id = siteCount;
    const at = ownerNode(type, list, owner, cause);
    const verdict = at.verdict ?? judge(at, id, request, list, asyncCall, owner, cause, sites);
    const ids: number[] = [];
    for (let i = 0; i < list.length; i++) ids[i] = (list[i] as Frame).id;
    const site: RawSite = {
      id,
      kind,
      type,
      label: asyncCall ? (list[0]?.name ?? null) : cut(request.label()),
      frames: ids,
      inner: verdict.inner || verdict.way?.inner === true,
      asyncCall,
      cause: cause === -1 ? null : cause,
      ...(walked === BLIND && { blind: true }),
    };
    // from here on all or nothing, or figures would stand at other sites
    newSites.set(id, site);
    table.addSite();
    verdict.sites[verdict.sites.length] = id;
    allSites[id] = site;
    bases[id] = base;
    siteCount++;
    node.site = id;
    follow(node, id, list, asyncCall, owner);
    if (!waits) return;
    const { isInner } = request;
    node.birth = { id, node, request: { kind, type, isInner }, list, asyncCall, cause, owner: at, origins: originsOf(list, owner) };
    births[births.length] = node.birth;
  }

  /** Other code's async function may go on later, on behalf of the user's call. */
  function follow(node: Node, id: number, list: readonly Frame[], asyncCall: boolean, owner: number): void {
    const made = list[0];
    if (asyncCall && made !== undefined && made.origin !== 'app') {
      node.called = continuations.add(made.fn, id, owner !== NOBODY);
    }
  }

  /** Where the verdict on a site is kept: at its owner, with the cause of what is nobody's. */
  function ownerNode(type: string, list: readonly Frame[], owner: number, cause: number): Node {
    return owner === NOBODY ? withCause(nodeOf(type, list, innermostForeign(list)), cause) : nodeOf(type, list, owner);
  }

  /** @param id the site that it is about first */
  function judge(
    at: Node,
    id: number,
    { kind, type, isInner }: Birth['request'],
    list: readonly Frame[],
    asyncCall: boolean,
    owner: number,
    cause: number,
    sites?: readonly CallSite[],
  ): Verdict {
    const below: string[] = [];
    const functions: string[] = [];
    for (let i = 0; i < (owner === NOBODY ? list.length : owner); i++) {
      const { script, origin, name } = list[i] as Frame;
      if (script !== null && origin !== 'app') below[below.length] = script.name;
      functions[functions.length] = name ?? '';
    }
    // where the loader is the caller, it is no call: a module that may await at its top level gets a promise of its own
    const caller = list[1]?.script?.name;
    if (asyncCall && owner === 0 && caller !== undefined) below[below.length] = caller;
    const inner = isInner(type, below, owner === NOBODY ? cause : -1, functions);
    const made = kind === 'promise' && !inner && owner > 0 ? madeBelow(list, asyncCall, owner, below.length > 0, sites) : undefined;
    const verdict: Verdict = { inner, below, way: made === undefined ? null : calls.add(id, made), sites: [] };
    at.verdict = verdict;
    verdicts.set(id, verdict);
    return verdict;
  }

  /** What a promise is to the call of the user's below which it was made; undefined when there is no such call. */
  function madeBelow(
    list: readonly Frame[],
    asyncCall: boolean,
    owner: number,
    foreign: boolean,
    sites?: readonly CallSite[],
  ): MadeBelow | undefined {
    const builtin = list[0]?.origin === 'native' ? (list[0].name ?? '') : '';
    if (SETTLED_BUILTIN.test(builtin)) return undefined;
    const caller = list[owner] as Frame;
    const nearest = list[owner - 1] as Frame;
    const resumed = nearest.origin === 'native' && RESUMING_BUILTIN.test(nearest.name ?? '');
    if (!foreign && !resumed) return undefined;
    for (let i = 1; i < owner; i++) {
      const { origin, name } = list[i] as Frame;
      if (origin === 'native' && RESUMING_BUILTIN.test(name ?? '')) continuations.isGenerator((list[i - 1] as Frame).fn);
    }
    let called = owner - 1;
    const stands = ({ origin: of, script }: Frame): boolean => of !== 'native' && !NODE_QUEUES.test(script?.name ?? '');
    while (!resumed && called > 0 && !stands(list[called] as Frame)) called--;
    const { fn, origin, async, construct } = list[called] as Frame;
    // for whom it was made: the frame that calls an async function or a builtin
    let depth = 0;
    for (let i = asyncCall ? 1 : 0; i <= called; i++) if ((list[i] as Frame).origin !== 'native') depth++;
    const offset = (sites?.length ?? 0) - list.length;
    const site = sites?.[offset + called];
    // Where the user's function is waiting, what is on the stack was resumed: an async function or generator has handed out its
    // own promise long ago. A callback of `then` has not: it stands for the promise that `then` has derived.
    const waits = sites?.[offset + owner]?.isAsync() ?? caller.async;
    const resumedLater = waits && !(asyncCall && called === 0) && ((site?.isAsync() ?? async) || continuations.knows(fn));
    return {
      key: `${caller.id} ${fn}`,
      ofCall: resumed ? owner === 1 : asyncCall && called === 0,
      never: resumedLater || isPart(list) || ((site?.isConstructor() ?? construct) && (asyncCall || depth > 1 || origin === 'node')),
      depth: JOINING_BUILTIN.test(builtin) ? depth - 0.5 : depth,
      path: list.slice(0, owner),
      asyncCall,
    };
  }

  /** Whether a function of Node's made it that makes parts of objects, or what the runner of tests waits for. */
  function isPart(list: readonly Frame[]): boolean {
    let maker: Frame | undefined;
    for (let i = 0; i < list.length && maker === undefined; i++) {
      const { origin, name } = list[i] as Frame;
      if (origin !== 'native' && name !== 'createDeferredPromise') maker = list[i];
    }
    return maker?.origin === 'node' && isPartOfObject(maker.script?.name ?? '', maker.name ?? '');
  }

  function named(kind: AgentSite['kind'], type: string, name: string): number {
    const key = `${kind} ${type} ${name}`;
    const known = namedSites.get(key);
    if (known !== undefined) return known;
    if (siteCount >= MAX_SITES) return NO_SITE;
    const id = siteCount++;
    const site: RawSite = { id, kind, type, label: name, frames: [], inner: true, asyncCall: false, cause: null };
    allSites[id] = site;
    newSites.set(id, site);
    table.addSite();
    namedSites.set(key, id);
    return id;
  }

  function below(site: number): readonly string[] {
    const of = allSites[site];
    if (of === undefined || of.frames.length === 0) return [];
    const list = framesOf(site);
    return ownerNode(of.type, list, ownerOf(list, of.asyncCall, true), of.cause ?? -1).verdict?.below ?? [];
  }

  /** Live promises at a site that stands for others like it, too. */
  function liveAt(id: number): number {
    const sites = verdicts.get(id)?.sites ?? [];
    let live = 0;
    for (let i = 0; i < sites.length; i++) live += table.figures(sites[i] as number).samples;
    return live;
  }

  function setInner(id: number, inner: boolean): void {
    const site = allSites[id];
    if (site === undefined || site.inner === inner) return;
    const changed = { ...site, inner };
    allSites[id] = changed;
    newSites.set(id, changed);
  }

  function learn(lessons: readonly ScriptLesson[]): void {
    for (let i = 0; i < lessons.length; i++) {
      const lesson = lessons[i] as ScriptLesson;
      const script = scripts.byId(lesson[0]);
      if (script === undefined) continue;
      script.unsure = false;
      if (lesson[1].length === 0) continue;
      script.origins = lesson[1];
      script.byPosition.forEach((id) => {
        const frame = frames[id] as Frame;
        frame.origin = originAt(script, frame.line, frame.column);
      });
    }
    const waiting = births;
    const promises = unsurePromises;
    births = [];
    unsurePromises = [];
    // What was decided by names that say too little is decided anew, from the beginning.
    const mistaken = new Set<Birth>();
    for (let i = 0; i < waiting.length; i++) {
      const birth = waiting[i] as Birth;
      birth.node.birth = null;
      const origins = originsOf(birth.list, ownerOf(birth.list, birth.asyncCall, true));
      if (origins === birth.origins) continue;
      birth.origins = origins;
      if (birth.owner.verdict !== null) birth.owner.verdict.sites.length = 0;
      birth.owner.verdict = null;
      mistaken.add(birth);
    }
    for (let i = 0; i < promises.length; i++) {
      const { birth, exact, turn: then, list } = promises[i] as UnsurePromise;
      if (!mistaken.has(birth)) continue;
      const way = judgeAnew(birth).way;
      if (way !== null) calls.saw(way, exact, then, list, ownerOf(birth.list, birth.asyncCall, true) + 1);
    }
    for (let i = 0; i < waiting.length; i++) lookAgain(waiting[i] as Birth, mistaken);
    for (let i = 0; i < promises.length; i++) {
      const promise = promises[i] as UnsurePromise;
      if (promise.birth.node.birth !== null) unsurePromises[unsurePromises.length] = promise;
    }
  }

  function judgeAnew(birth: Birth): Verdict {
    const { id, request, list, asyncCall, cause } = birth;
    const owner = ownerOf(list, asyncCall, true);
    const at = ownerNode(request.type, list, owner, cause);
    birth.owner = at;
    const verdict = at.verdict ?? judge(at, id, request, list, asyncCall, owner, cause);
    if (!verdict.sites.includes(id)) verdict.sites[verdict.sites.length] = id;
    return verdict;
  }

  function lookAgain(birth: Birth, mistaken: ReadonlySet<Birth>): void {
    const { id, node, list, asyncCall } = birth;
    if (mistaken.has(birth)) {
      const { inner, way } = judgeAnew(birth);
      setInner(id, inner || way?.inner === true);
      follow(node, id, list, asyncCall, ownerOf(list, asyncCall, true));
    }
    const owner = ownerOf(list, asyncCall, true);
    if (isUnsureUpTo(list, owner === NOBODY ? innermostForeign(list) : owner)) {
      node.birth = birth;
      births[births.length] = birth;
      // what is made from now on has a shorter path, and the same site
    } else if (birth.owner.site === -1) birth.owner.site = id;
  }

  function isBelowUser(id: number): boolean {
    const list = framesOf(id);
    const owner = ownerOf(list, allSites[id]?.asyncCall === true, true);
    return owner > 0 && foreignCaller(list) < owner;
  }

  /** Where the innermost frame is that is no builtin, if it is a dependency's; else where none is. */
  function foreignCaller(list: readonly Frame[]): number {
    let i = 0;
    while (i < list.length && list[i]?.origin === 'native') i++;
    return list[i]?.origin === 'dependency' ? i : list.length;
  }

  function framesOf(id: number): readonly Frame[] {
    const list: Frame[] = [];
    const ids = allSites[id]?.frames ?? [];
    for (let i = 0; i < ids.length; i++) list[i] = frames[ids[i] as number] as Frame;
    return list;
  }

  function reaction(request: SiteRequest): number {
    // an `await` is none, and is not to have a site
    const top = capture.take(request.above, THEN_FRAMES);
    const then = top && internAll(top)?.[0];
    if (then?.origin !== 'native' || !DERIVING_BUILTIN.test(then.name ?? '')) return -1;
    const id = site(request);
    return id >= 0 && isBelowUser(id) ? id : -1;
  }

  return {
    site,
    reaction,
    isBelowUser,
    get state() {
      return capture.state;
    },
    named,
    below,
    learn,
    addExisting({ kind, type, label, before }) {
      if (siteCount >= MAX_SITES || frames.length >= MAX_FRAMES) return NO_SITE;
      // stands for the position that the debugger will find
      const name = cut(label);
      const frame: Frame = { id: frames.length, name, script: null, fn: '', line: 0, column: 0, async: false, construct: false, origin: 'native' };
      frames[frames.length] = frame;
      newFrames[newFrames.length] = { function: frame.name, script: null, line: 0, column: 0, flags: FRAME_NATIVE };
      const id = siteCount++;
      const site: RawSite = { id, kind, type, label: frame.name, frames: [frame.id], inner: false, asyncCall: false, cause: null, before };
      allSites[id] = site;
      newSites.set(id, site);
      table.addSite();
      return id;
    },
    get undecided() {
      return calls.undecided;
    },
    observed(of, above) {
      if (!calls.isUndecided(of)) return;
      const captured = capture.take(above, FIRST_FRAMES);
      const list = captured && internAll(captured);
      if (captured === undefined || list === undefined) return;
      const offset = captured.length - list.length;
      const isAsync = (i: number): boolean => (captured[offset + i] as CallSite).isAsync();
      // what only has a `then` is waited for by whoever the call of that `then` is made for
      let i = 0;
      let then = false;
      for (; i < list.length && ((list[i] as Frame).origin !== 'app' && !isAsync(i)); i++) then ||= (list[i] as Frame).name === 'then';
      const { origin } = list[i] ?? { origin: 'native' };
      const direct = list.find((frame) => frame.origin !== 'native')?.origin === 'app';
      calls.observed(of, direct || (then && origin === 'app'));
    },
    takeNew() {
      capture.retry();
      calls.review(liveAt);
      const waiting = scripts.unsure();
      const unsure: [number, string][] = [];
      for (let i = 0; i < waiting.length; i++) {
        const { id, name } = waiting[i] as Script;
        unsure[i] = [id, name];
      }
      const sites: RawSite[] = [];
      newSites.forEach((site) => {
        sites[sites.length] = site;
      });
      const taken = {
        firstFrame: frames.length - newFrames.length,
        frames: newFrames,
        sites,
        unsure,
      };
      newFrames = [];
      newSites = new Map();
      return taken;
    },
  };
}

/** `slice` of a program's arrays may be anything. */
function firstOf(sites: readonly CallSite[], count: number): CallSite[] {
  const first: CallSite[] = [];
  for (let i = 0; i < count && i < sites.length; i++) first[i] = sites[i] as CallSite;
  return first;
}

function createNode(): Node {
  return { children: undefined, site: -1, verdict: null, birth: null, called: null };
}

function isUnsure(frame: Frame): boolean {
  return frame.script?.unsure === true;
}

function isUnsureUpTo(list: readonly Frame[], last: number): boolean {
  for (let i = 0; i <= last; i++) if (isUnsure(list[i] as Frame)) return true;
  return false;
}

/** Whose code a site's path is up to its owner, as one text. */
function originsOf(list: readonly Frame[], owner: number): string {
  let text = `${owner}`;
  for (let i = 0; i < (owner === NOBODY ? list.length : owner + 1); i++) text += ` ${(list[i] as Frame).origin}`;
  return text;
}

function withCause(node: Node, cause: number): Node {
  return cause === -1 ? node : childOf(node, -1 - cause);
}

function childOf(node: Node, key: number): Node {
  const children = (node.children ??= new Map<number, Node>());
  let child = children.get(key);
  if (child === undefined) children.set(key, (child = createNode()));
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
  let builtin = 0;
  while (builtin < sites.length && !isPromiseConstructor(sites[builtin] as CallSite)) builtin++;
  if (builtin === sites.length) return sites;
  let end = builtin + 1;
  for (; end < sites.length; end++) {
    const site = sites[end] as CallSite;
    if (!site.isConstructor() || !isOneOf(classes, site.getFunctionName() ?? '')) break;
  }
  const caller = sites[end];
  if (caller?.getFunctionName() === 'then' && caller.getLineNumber() === null) return undefined;
  const rest: CallSite[] = [];
  for (let i = 0; i < sites.length; i++) if (i <= builtin || i >= end) rest[rest.length] = sites[i] as CallSite;
  return rest;
}

function isPromiseConstructor(site: CallSite): boolean {
  return site.isConstructor() && site.getFunctionName() === 'Promise';
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

function cut(value: string | null): string | null {
  return value === null || value === '' ? null : cutText(value);
}
