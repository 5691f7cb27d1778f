/**
 * What was there before the attach: timers, handles and requests that no hook of ours has seen begin. Node keeps them all
 * somewhere: timers in lists that only a debugger can reach (it hands them to {@link Existing.adopt}), handles and requests
 * in the lists behind `process._getActiveHandles` and `_getActiveRequests`.
 *
 * Where they were started is not known any more. What is known is the functions that they will call: the debugger finds
 * the positions of these, and a task counts there. Their ends come through the same hook as those of all other tasks.
 */
import type { AgentSite } from '../protocol/agent';
import { readHidden, readOwn } from './host';
import type { TargetProcess } from './host';
import { RESOURCE_CLASS } from './resourceTypes';
import type { Running } from './running';
import { NO_SITE } from './stacks';
import type { Stacks } from './stacks';

/**
 * Tasks from before the attach that are followed to their ends, at 3 us each; others are counted only. It stops the target for
 * 60 ms, once, and leaves most of the task table to what is started from now on.
 */
const FOLLOWED_LIMIT = 20_000;
/** Of these, handles and requests: a server with very many sockets has timers, too. What they call takes several looks, at 10 us each. */
const FOLLOWED_HANDLES_LIMIT = FOLLOWED_LIMIT / 2;
/**
 * Functions whose position the debugger looks up, one by one, at 50 us of the target's time each. What calls others is
 * counted with those that have the same source text, as an estimate.
 */
const CALLBACK_LIMIT = 500;
/** Functions of one task that are looked at: the first that is not Node's own tells its line. */
const CANDIDATE_LIMIT = 8;
/** Standard input, output and error. */
const LAST_STANDARD_FD = 2;
/** Of a function's text, this many characters at either end tell it from others, with its length. */
const TEXT_PART = 64;
/** Counting again what is not followed may take this share of the time between two counts: 100,000 timers take 20 ms. */
const RECOUNT_SHARE = 0.01;
/** The first count after the attach comes so much later. Milliseconds. */
const FIRST_RECOUNT_MS = 2_000;

type TaskKind = AgentSite['kind'];

/** What Node keeps to itself (node: lib/internal/timers.js), as far as this version has it. */
export interface TimerInternals {
  /** Lists of timers by their duration: circular, linked by `_idleNext`. */
  readonly timerListMap?: Readonly<Record<string, unknown>> | undefined;
  /** Linked by `_idleNext` from `head`. */
  readonly immediateQueue?: unknown;
}

/** What {@link Existing} needs of the resource hook. */
export interface ResourceLedger {
  /** Async ids below this were given before the hook was on. */
  readonly firstId: number;
  /** Follows a resource to its end. @returns whether there was room */
  follow(asyncId: number, site: number, start: number, held: object): boolean;
  follows(asyncId: number): boolean;
}

export interface Existing {
  /**
   * Follows what there is. Returns functions whose position the debugger is to find, by the numbers that sites name in
   * `callbacks`.
   */
  adopt(internals: TimerInternals): object;
  /** Tasks that are counted only: timers as of the last count, handles and requests as of the attach. */
  more(now: number): number;
  /** False where a part of it could not be looked at: never adopted, or what the program has patched threw. */
  readonly complete: boolean;
  stop(): void;
}

interface Found {
  readonly asyncId: number;
  readonly kind: TaskKind;
  readonly type: string;
  /** On the agent's clock; a lower bound of the age follows from it. */
  readonly start: number;
  readonly held: object;
  readonly candidates: readonly object[];
  site: number;
}

export interface ExistingOptions {
  readonly process: TargetProcess;
  readonly isProxy: (value: unknown) => boolean;
  readonly stacks: Stacks;
  readonly ledger: ResourceLedger;
  /** A timer of our own. */
  readonly own: object;
  /** `AsyncWrap.prototype.getAsyncId`: some handles inherit it without showing it. */
  readonly getAsyncId: ((this: object) => number) | undefined;
  readonly clock: () => number;
  /** Milliseconds between the timers' clock (libuv's) and ours. */
  readonly loopOffset: number;
  readonly running: Running;
}

export function createExisting(options: ExistingOptions): Existing {
  const { process, isProxy, stacks, ledger, own, clock, loopOffset } = options;
  const read = (holder: unknown, key: PropertyKey): unknown => readOwn(isProxy, holder, key);
  const hidden = (holder: unknown, description: string): unknown => readHidden(isProxy, holder, description);

  let timers: TimerInternals = {};
  let callbacks: Record<string, unknown> = create(null) as Record<string, unknown>;
  let callbackCount = 0;
  const numbers = new WeakMap<object, number>();
  const sites = new Map<string, number>();
  /** Functions that are looked up, by their text. */
  const alike = new Map<string, number[]>();
  let notFollowed = 0;
  /** Of these, handles and requests, as of the attach: listing them all again and again is too dear. */
  let handlesNotFollowed = 0;
  let complete = false;
  let countAgainAt = 0;
  let asyncIdKey: symbol | undefined;

  function adopt(internals: TimerInternals): object {
    timers = internals;
    const found: Found[] = [];
    const now = clock();
    let rest = 0;
    complete = true;
    attempt(() => {
      eachHandle(found, now);
    });
    attempt(() => {
      eachTimer((timer, asyncId, isImmediate) => {
        if (found.length < FOLLOWED_LIMIT) look(found, timer, asyncId, isImmediate, now);
        else rest++;
      });
    });
    for (let i = 0; i < found.length; i++) (found[i] as Found).site = siteOf(found[i] as Found);
    // the table keeps the tasks of a site in order of their start
    found.sort((a, b) => a.start - b.start);
    for (let i = 0; i < found.length; i++) {
      const { asyncId, kind, site, start, held } = found[i] as Found;
      if (site !== NO_SITE && ledger.follow(asyncId, site, start, held)) continue;
      if (kind === 'handle' || kind === 'request') handlesNotFollowed++;
      else rest++;
    }
    notFollowed = rest + handlesNotFollowed;
    countAgainAt = clock() + FIRST_RECOUNT_MS;
    const wanted = callbacks;
    callbacks = create(null) as Record<string, unknown>;
    return wanted;
  }

  function attempt(part: () => void): void {
    try {
      part();
    } catch {
      complete = false;
    }
  }

  /** Calls `see` for each timer and immediate from before the attach. */
  function eachTimer(see: (timer: object, asyncId: number, isImmediate: boolean) => void): void {
    const visit = (timer: object, isImmediate: boolean): void => {
      const id = timerId(timer);
      if (id >= 0 && id < ledger.firstId && timer !== own) see(timer, id, isImmediate);
    };
    const lists = timers.timerListMap;
    if (isObject(lists)) {
      for (const duration of keys(lists)) {
        const list = read(lists, duration);
        for (let timer = read(list, '_idleNext'); isObject(timer) && timer !== list; timer = read(timer, '_idleNext')) visit(timer, false);
      }
    }
    for (let each = read(timers.immediateQueue, 'head'); isObject(each); each = read(each, '_idleNext')) visit(each, true);
    // an interval stands in no list while its callback runs, at a breakpoint for instance
    const running = options.running.resource();
    if (typeof read(running, '_repeat') === 'number' && read(running, '_destroyed') === false) visit(running as object, false);
  }

  function timerId(timer: object): number {
    asyncIdKey ??= symbolOf(timer, 'asyncId');
    if (asyncIdKey === undefined) return -1;
    const id = read(timer, asyncIdKey);
    return typeof id === 'number' ? id : -1;
  }

  function look(found: Found[], timer: object, asyncId: number, isImmediate: boolean, now: number): void {
    const callback = read(timer, isImmediate ? '_onImmediate' : '_onTimeout');
    // a timer that was cleared in its own callback, or one that is about to be taken off its list
    if (typeof callback !== 'function') return;
    const candidates = isProxy(callback) ? [] : [callback];
    if (isImmediate) {
      found[found.length] = { asyncId, kind: 'immediate', type: 'Immediate', start: now, held: timer, candidates, site: NO_SITE };
      return;
    }
    const idleStart = read(timer, '_idleStart');
    const start = typeof idleStart === 'number' ? idleStart - loopOffset : now;
    const isTimeout = read(timer, '_repeat') === null;
    found[found.length] = {
      asyncId,
      kind: isTimeout ? 'timeout' : 'interval',
      type: isTimeout ? 'Timeout' : 'Interval',
      start,
      held: timer,
      candidates,
      site: NO_SITE,
    };
  }

  function eachHandle(found: Found[], now: number): void {
    const handles = list(process._getActiveHandles);
    const parts = new Set<unknown>();
    for (let i = 0; i < handles.length; i++) partsOfChild(handles[i], parts);
    for (let i = 0; i < handles.length; i++) {
      const owner = handles[i] as object;
      // the standard streams are Node's, a child's belong to the child
      const fd = read(owner, 'fd');
      if (parts.has(owner) || (typeof fd === 'number' && fd <= LAST_STANDARD_FD)) continue;
      const handle = handleOf(owner);
      if (meet(found, 'handle', handleType(handle, owner), idOf(handle), handle, now, () => functionsOf(owner))) httpRequest(found, owner, now);
    }
    const requests = list(process._getActiveRequests);
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as object;
      meet(found, 'request', constructorName(request).toUpperCase(), idOf(request), request, now, () => {
        const candidates: object[] = [];
        for (const callback of [read(read(request, 'context'), 'callback'), read(request, 'callback'), read(request, 'oncomplete')]) {
          addFunction(candidates, callback);
        }
        return candidates;
      });
    }
  }

  /**
   * Takes in a handle or a request, or only counts it.
   * @param resource what tells of its state
   * @param functions of the program that it will call
   * @returns whether it is a task from before the attach
   */
  function meet(found: Found[], kind: 'handle' | 'request', type: string, asyncId: number, resource: object, now: number, functions: () => object[]): boolean {
    if (RESOURCE_CLASS.get(type) !== kind || !(asyncId >= 0 && asyncId < ledger.firstId)) return false;
    if (found.length >= FOLLOWED_HANDLES_LIMIT) handlesNotFollowed++;
    else found[found.length] = { asyncId, kind, type, start: now, held: new WeakReference(resource), candidates: functions(), site: NO_SITE };
    return true;
  }

  /** A client's request whose answer is not complete: its parser is the resource that ends with it. */
  function httpRequest(found: Found[], socket: object, now: number): void {
    const request = read(socket, '_httpMessage');
    const parser = read(socket, 'parser');
    if (!isObject(request) || !isObject(parser) || typeof read(request, 'method') !== 'string') return;
    meet(found, 'request', 'HTTPCLIENTREQUEST', idOf(parser), request, now, () => {
      const candidates: object[] = [];
      addListeners(candidates, request, REQUEST_EVENTS);
      return candidates;
    });
  }

  function partsOfChild(child: unknown, parts: Set<unknown>): void {
    const streams = read(child, 'stdio');
    if (typeof read(child, 'spawnfile') !== 'string') return;
    const count = read(streams, 'length');
    for (let i = 0; typeof count === 'number' && i < count; i++) parts.add(read(streams, i));
    parts.add(read(child, 'channel'));
  }

  function handleOf(owner: object): object {
    const handle = read(owner, '_handle') ?? hidden(owner, 'kHandle') ?? read(hidden(owner, 'state symbol'), 'handle') ?? owner;
    // the TLS layer stands on the socket's own handle
    const below = read(handle, '_parent');
    return isObject(below) && constructorName(handle) === 'TLSWrap' ? below : (handle);
  }

  function handleType(handle: object, owner: object): string {
    const name = constructorName(handle);
    switch (name) {
      case 'TCP':
      case 'Pipe':
        return `${name.toUpperCase()}${read(owner, '_connectionKey') === undefined ? '' : 'SERVER'}WRAP`;
      case 'TTY':
      case 'UDP':
      case 'FSEvent':
      case 'Process':
      case 'Signal':
        return `${name.toUpperCase()}WRAP`;
      default:
        return name.toUpperCase();
    }
  }

  /** Functions of the program that a handle will call, those that say most first. */
  function functionsOf(owner: object): object[] {
    const all: object[] = [];
    const request = read(owner, '_httpMessage');
    const server = read(owner, 'server') ?? read(owner, '_server');
    if (isObject(request) && typeof read(request, 'method') === 'string') addListeners(all, request, REQUEST_EVENTS);
    // the listeners of an HTTP connection are Node's, and many are bound to it
    else if (!isObject(server) || !isObject(read(owner, 'parser'))) addListeners(all, owner, HANDLE_EVENTS);
    for (const stream of ['stdout', 'stderr']) addListeners(all, read(owner, stream), ['data', 'readable', 'end', 'close']);
    if (isObject(server)) addListeners(all, server, SERVER_EVENTS);
    addTargetListeners(all, owner);
    return all;
  }

  function addListeners(all: object[], emitter: unknown, names: readonly string[]): void {
    const events = read(emitter, '_events');
    for (let i = 0; i < names.length; i++) {
      const listeners = read(events, names[i] as string);
      if (typeof listeners === 'function') addFunction(all, listeners);
      const count = read(listeners, 'length');
      if (typeof listeners !== 'object' || typeof count !== 'number') continue;
      for (let k = 0; k < count && k < CANDIDATE_LIMIT; k++) addFunction(all, read(listeners, k));
    }
  }

  /** Listeners of an `EventTarget` of Node's, such as a message port (node: lib/internal/event_target.js). */
  function addTargetListeners(all: object[], target: object): void {
    const events = hidden(target, 'kEvents');
    if (!isObject(events) || !(events instanceof MapClass)) return;
    mapForEach(events, (root) => {
      for (let each = read(root, 'next'), k = 0; isObject(each) && k < CANDIDATE_LIMIT; each = read(each, 'next'), k++) {
        const callback = read(each, 'callback') ?? read(each, 'listener');
        addFunction(all, callback);
        addFunction(all, read(callback, 'fn'));
      }
    });
  }

  function addFunction(all: object[], value: unknown): void {
    if (typeof value !== 'function' || all.length >= CANDIDATE_LIMIT || isProxy(value)) return;
    // `once` wraps the listener that it was given
    const wrapped = read(value, 'listener');
    all[all.length] = typeof wrapped === 'function' && !isProxy(wrapped) ? wrapped : value;
  }

  function idOf(resource: object): number {
    try {
      return options.getAsyncId?.call(resource) ?? -1;
    } catch {
      return -1;
    }
  }

  function siteOf({ kind, type, candidates }: Found): number {
    let key = `${kind} ${type}`;
    for (let i = 0; i < candidates.length; i++) {
      const callback = candidates[i] as object;
      const number = numberOf(callback);
      key += ` ${number === -1 ? textKey(callback) : number}`;
    }
    let site = sites.get(key);
    if (site === undefined) {
      const name = read(candidates[0], 'name');
      site = stacks.addExisting({ kind, type, label: typeof name === 'string' ? name : null, before: callbacksOf(candidates) });
      if (site !== NO_SITE) sites.set(key, site);
    }
    return site;
  }

  function callbacksOf(candidates: readonly object[]): { callbacks: readonly number[]; estimated: boolean } {
    const found: number[] = [];
    let estimated = false;
    for (let i = 0; i < candidates.length; i++) {
      const callback = candidates[i] as object;
      const number = numberOf(callback);
      if (number !== -1) found[found.length] = number;
      else {
        estimated = true;
        const same = alike.get(textKey(callback)) ?? [];
        for (let k = 0; k < same.length; k++) found[found.length] = same[k] as number;
      }
    }
    return { callbacks: found, estimated };
  }

  /** The number of a function that the debugger looks up, or -1 when there are too many. */
  function numberOf(callback: object): number {
    const known = numbers.get(callback);
    if (known !== undefined) return known;
    if (callbackCount >= CALLBACK_LIMIT) return -1;
    const number = callbackCount++;
    numbers.set(callback, number);
    callbacks[number] = callback;
    const text = textKey(callback);
    const same = alike.get(text);
    if (same === undefined) alike.set(text, [number]);
    else same[same.length] = number;
    return number;
  }

  return {
    adopt,
    get complete() {
      return complete;
    },
    more(now) {
      if (notFollowed > 0 && now >= countAgainAt) {
        notFollowed = handlesNotFollowed;
        eachTimer((_timer, asyncId) => {
          if (!ledger.follows(asyncId)) notFollowed++;
        });
        const end = clock();
        countAgainAt = end + (end - now) / RECOUNT_SHARE;
      }
      return notFollowed;
    },
    stop() {
      timers = {};
    },
  };
}

const REQUEST_EVENTS = ['response', 'upgrade', 'connect', 'error', 'close', 'timeout'] as const;
const SERVER_EVENTS = ['request', 'connection', 'secureConnection', 'stream', 'upgrade', 'listening', 'error', 'close'] as const;
const HANDLE_EVENTS = ['request', 'connection', 'secureConnection', 'stream', 'data', 'readable', 'message', 'change', 'exit', 'end', 'close', 'connect', 'secureConnect', 'error', 'timeout', 'drain', 'listening', 'spawn'] as const;

/** What tells a function from another when its position cannot be looked up. */
function textKey(callback: object): string {
  const text = functionToString.call(callback);
  return `${text.length} ${text.slice(0, TEXT_PART)} ${text.slice(-TEXT_PART)}`;
}

function list(of: (() => unknown[]) | undefined): unknown[] {
  const all = of?.();
  return isArray(all) ? all : [];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function constructorName(value: object): string {
  const constructor = getOwnPropertyDescriptor(getPrototypeOf(value) ?? {}, 'constructor')?.value as unknown;
  const name = typeof constructor === 'function' ? (getOwnPropertyDescriptor(constructor, 'name')?.value as unknown) : undefined;
  return typeof name === 'string' ? name : '';
}

function symbolOf(holder: object, description: string): symbol | undefined {
  for (const symbol of getOwnPropertySymbols(holder)) if (symbol.description === description) return symbol;
  return undefined;
}

const { create, keys, getOwnPropertyDescriptor, getOwnPropertySymbols, getPrototypeOf } = Object;
const { isArray } = Array;
const functionToString = Function.prototype.toString;
const MapClass = Map;
const forEach = Map.prototype.forEach;
const mapForEach = (map: Map<unknown, unknown>, see: (value: unknown) => void): void => {
  forEach.call(map, see);
};
const WeakReference = WeakRef;
