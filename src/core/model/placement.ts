/**
 * Where a raw site belongs: the rules that attribute a task to the line of the user's own code that spawned it. See
 * ARCHITECTURE.md, "Words".
 */
import { ASYNC_FRAME, NATIVE_FRAME } from './rawPoll';
import type { RawFrame, RawSite } from './rawPoll';
import { createOrigins } from './origin';
import type { Origins } from './origin';
import type { Origin, StackFrame } from './task';
import { resourceNoun } from '../format/resourceNoun';
import { displayName } from '../format/text';

/** The name of a site whose program lets no stack be taken. */
export const UNKNOWN_LINE = '(unknown line)';

/** How many causes are followed to find a frame of the user's. A request is rarely more than three away from it. */
export const CAUSE_DEPTH_LIMIT = 32;

/** Turns a position in a running script into one in an original source. Lines and columns are 1-based. */
export type PositionMapper = (script: string, line: number, column: number) => MappedPosition;

export interface MappedPosition {
  /** Absolute path, or the script's URL or name where there is no file. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The source map has no source for it: a compiler put it between the lines of its sources. */
  readonly helper?: boolean;
}

/** A frame in original sources, with whose code it is; null for V8's builtins. */
export interface PlacedFrame extends StackFrame {
  readonly origin: Origin | null;
  /** Not on the stack: it awaits what the frame below it does. */
  readonly async: boolean;
  /** See {@link MappedPosition}. It counts as the user's only where nothing else does. */
  readonly helper?: boolean;
}

export interface Placement {
  readonly origin: Origin;
  readonly file: string | null;
  readonly line: number;
  readonly column: number;
  /** Name of the task's function, else of the one around the site. */
  readonly function: string | null;
}

/** When the user says nothing. */
const BY_NAME = createOrigins();

export function placeFrame(raw: RawFrame, map: PositionMapper, origins: Origins = BY_NAME): PlacedFrame {
  const [name, script, line, column, flags] = raw;
  const shown = name === null || name === '' ? null : displayName(name);
  const isAsync = (flags & ASYNC_FRAME) !== 0;
  // compiled code has no lines; whose it is, its callers tell
  if (script === null || script === '' || script.startsWith('wasm:') || (flags & NATIVE_FRAME) !== 0) {
    return { function: shown, file: null, line: 0, column: 0, origin: null, async: isAsync };
  }
  const origin = origins.of(script);
  if (origin === 'node') return { function: shown, file: script, line, column, origin, async: isAsync };
  const mapped = map(script, line, column);
  return { function: shown, ...mapped, origin: origins.ofSource(script, mapped.file), async: isAsync };
}

/**
 * Decides on which line a raw site is shown.
 * @param framesOf the placed frames of a raw site, innermost first.
 * @param siteOf finds a raw site by id, to follow causes.
 */
export function placeSite(
  site: RawSite,
  framesOf: (site: RawSite) => readonly PlacedFrame[],
  siteOf: (id: number) => RawSite | undefined,
): Placement {
  const frames = framesOf(site);
  if (site.before) return placeExisting(site, frames);
  if (site.inner) {
    // Plumbing below what was handed to the caller: it is never counted at a line of the user's.
    const own = frames.find((frame) => frame.origin === 'dependency' || frame.origin === 'node');
    return placement(own, site, frames, own?.origin ?? 'node');
  }
  const app = appFrame(site, frames);
  if (app) return placement(app, site, frames, 'app');
  const cause = causingAppFrame(site, framesOf, siteOf);
  if (cause) return placement(cause, site, frames, 'app');
  // Nobody can say whose it is: among the user's own it is seen.
  if (site.blind === true) return { origin: 'app', file: null, line: 0, column: 0, function: UNKNOWN_LINE };
  for (const origin of ['dependency', 'node'] as const) {
    const frame = foreignFrame(site, frames, origin);
    if (frame) return placement(frame, site, frames, origin);
  }
  return placement(undefined, site, frames, 'node');
}

/** Node's own use of sockets and timers: what only these functions wait for belongs to nobody else. */
const NODES_OWN = 'node:internal/deps/undici/';
/** Below these modules a request of the type is a part of something else, see the agent's resourceTypes.ts. */
const NODES_OWN_REQUEST: Readonly<Record<string, string>> = { GETADDRINFOREQWRAP: 'node:net' };

/**
 * A task from before the attach stands at the function that it will call. Where that is Node's own, or a builtin such as the
 * `resolve` of a promise, the task is taken for the user's, on no line: only timers are what Node makes for itself.
 */
function placeExisting(site: RawSite, frames: readonly PlacedFrame[]): Placement {
  const [frame] = frames;
  const positioned = frame !== undefined && frame.origin !== null;
  if (positioned && frame.origin !== 'node') return placement(frame, site, frames, frame.origin);
  const isTimer = site.kind === 'timeout' || site.kind === 'interval' || site.kind === 'immediate';
  const script = frame?.file ?? '';
  const own = positioned && (isTimer || script.startsWith(NODES_OWN) || NODES_OWN_REQUEST[site.type] === script);
  if (own) return placement(frame, site, frames, 'node');
  return { origin: 'app', file: null, line: 0, column: 0, function: `(${displayName(resourceNoun(site.type))})` };
}

/**
 * The user's frame that a task belongs to: the innermost one. For the call of an async function of the user's that is the
 * caller's line, as `go f()` is in Go; where other code made the call (a library, Node's event loop), it is the function's
 * own first line.
 */
function appFrame(site: RawSite, frames: readonly PlacedFrame[]): PlacedFrame | undefined {
  const called = frames[0];
  if (site.asyncCall && called && isUsers(called)) {
    const caller = frames.find((frame, index) => index > 0 && frame.origin !== null && frame.helper !== true);
    return caller && isUsers(caller) && !caller.async ? caller : called;
  }
  // A map that says nothing of the only code there is must not hide it.
  return frames.find(isUsers) ?? (frames.some((frame) => frame.origin === 'dependency') ? undefined : frames.find((frame) => frame.helper));
}

function isUsers({ origin, helper }: PlacedFrame): boolean {
  return origin === 'app' && helper !== true;
}

/** The frame of other code's: the caller of its async function where it is its own, else the innermost one. */
function foreignFrame(site: RawSite, frames: readonly PlacedFrame[], origin: Origin): PlacedFrame | undefined {
  const caller = frames.find((frame, index) => frame.origin === origin && !(site.asyncCall && index === 0));
  return caller ?? frames.find((frame) => frame.origin === origin);
}

function causingAppFrame(
  site: RawSite,
  framesOf: (site: RawSite) => readonly PlacedFrame[],
  siteOf: (id: number) => RawSite | undefined,
): PlacedFrame | undefined {
  let current: RawSite = site;
  // The limit also ends a circle, which a well-behaved agent would not send.
  for (let depth = 0; depth < CAUSE_DEPTH_LIMIT && current.cause !== null; depth++) {
    const cause = siteOf(current.cause);
    if (!cause || isSharedTimer(cause, framesOf(cause))) return undefined;
    const frame = appFrame(cause, framesOf(cause));
    if (frame) return frame;
    current = cause;
  }
  return undefined;
}

/** What a package's timer for all of its calls starts is not the doing of the line that happened to start the timer. */
function isSharedTimer({ kind, inner }: RawSite, [maker]: readonly PlacedFrame[]): boolean {
  return inner && kind === 'timeout' && maker?.origin === 'dependency';
}

function placement(
  frame: PlacedFrame | undefined,
  site: RawSite,
  frames: readonly PlacedFrame[],
  origin: Origin,
): Placement {
  const label = site.label === null || site.label === '' ? null : displayName(site.label);
  const called = site.asyncCall ? (frames[0]?.function ?? null) : null;
  if (frame) {
    return { origin, file: frame.file, line: frame.line, column: frame.column, function: label ?? called ?? frame.function };
  }
  // Without a position, the name of the builtin or of the resource is all there is to tell sites apart.
  const name = label ?? called ?? frames[0]?.function ?? displayName(site.type);
  return { origin, file: null, line: 0, column: 0, function: name };
}
