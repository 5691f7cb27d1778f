/**
 * The boundary between the extension host and the webview of the await graph. The host sends a full state first, then what is added
 * or changes; the webview asks for what a click means. Both sides check what they get: neither is sure who posts messages to it.
 */
import * as v from 'valibot';
import type { DumpFrame, FrameKind, Verdict, WaitsForKind } from '../core/model/dump';

/** Raised when a message changes its meaning: a webview of an older extension can be on the screen after an update. */
export const WEBVIEW_VERSION = 1;

/** UTF-16 units of any text in a message; the host cuts what is longer. */
export const WEBVIEW_TEXT_LIMIT = 2000;
/** Groups in the first message, so that there is something to see while the others are on their way; and in each that follows. */
export const FIRST_GROUPS = 400;
export const MORE_GROUPS = 2000;
/** Groups that one question can name; more are left out. */
export const REVEAL_LIMIT = 1000;

const text = v.pipe(v.string(), v.maxLength(WEBVIEW_TEXT_LIMIT));
const count = v.pipe(v.number(), v.minValue(0));
const index = v.pipe(v.number(), v.integer(), v.minValue(0));

const verdict = v.nullable(v.picklist(['orphan', 'cycle', 'stuck', 'in flight', 'crowd'] satisfies Verdict[]));
const position = v.nullable(v.object({ file: text, line: v.number(), column: v.number() }));

/** A frame that occurs in chains; each is sent once. */
const graphFrame = v.object({
  function: v.nullable(text),
  kind: v.picklist(['async function', 'async generator', 'then', 'combinator', 'module', 'thenable', 'native'] satisfies FrameKind[]),
  origin: v.picklist(['app', 'dependency', 'node'] satisfies DumpFrame['origin'][]),
  declared: position,
  awaiting: position,
  repeats: count,
  detail: v.nullable(text),
});
export type GraphFrame = v.InferOutput<typeof graphFrame>;

const WAITS_FOR = ['timer', 'socket', 'http request', 'fs', 'child process', 'worker', 'event', 'stream', 'app promise', 'combinator', 'native', 'cycle', 'nothing'] as const satisfies readonly WaitsForKind[];

const graphGroup = v.object({
  id: text,
  count,
  verdict,
  why: text,
  /** Indices of frames in the order in which they were sent, outermost first. */
  chain: v.array(index),
  waitsFor: v.object({ kind: v.picklist(WAITS_FOR), text, at: position }),
  heldBy: v.array(v.object({ count, path: text })),
});
export type GraphGroup = v.InferOutput<typeof graphGroup>;

/** What is said of the dump: in few words, in full with its notes, and whether the process can still be asked. */
const status = v.object({ text, full: text, canLookUp: v.boolean() });
export type GraphStatus = v.InferOutput<typeof status>;

const part = { version: v.literal(WEBVIEW_VERSION), dumpId: text };

/** From the host to the webview. */
const toGraph = v.variant('type', [
  /** Takes the place of everything before it; `total` is how many groups there will be. */
  v.object({ ...part, type: v.literal('state'), title: text, status, total: count, frames: v.array(graphFrame), groups: v.array(graphGroup) }),
  /** More of the same dump. */
  v.object({ ...part, type: v.literal('groups'), frames: v.array(graphFrame), groups: v.array(graphGroup) }),
  v.object({ ...part, type: v.literal('status'), status }),
  /** Brings groups into view and selects them. */
  v.object({ ...part, type: v.literal('select'), groupIds: v.array(text) }),
  /** There is no dump any more. */
  v.object({ version: v.literal(WEBVIEW_VERSION), type: v.literal('empty'), text }),
]);
export type ToGraph = v.InferOutput<typeof toGraph>;

/** From the webview to the host. */
const fromGraph = v.variant('type', [
  /** It has loaded, and knows nothing. */
  v.object({ version: v.literal(WEBVIEW_VERSION), type: v.literal('ready') }),
  /** Open the line of a frame of a group's chain, or of what it waits for. */
  v.object({ ...part, type: v.literal('open'), groupId: text, place: v.variant('of', [v.object({ of: v.literal('frame'), frame: index, line: v.picklist(['awaiting', 'declared']) }), v.object({ of: v.literal('leaf') })]) }),
  /** Select these groups in the tree. */
  v.object({ ...part, type: v.literal('reveal'), groupIds: v.pipe(v.array(text), v.maxLength(REVEAL_LIMIT)) }),
  v.object({ ...part, type: v.literal('variables'), groupId: text, frame: index }),
  v.object({ ...part, type: v.literal('dumpAgain') }),
  /** Something went wrong in the webview; for the log. */
  v.object({ version: v.literal(WEBVIEW_VERSION), type: v.literal('error'), text }),
]);
export type FromGraph = v.InferOutput<typeof fromGraph>;

/** Undefined for everything else that may be posted to the webview. */
export function parseToGraph(message: unknown): ToGraph | undefined {
  const parsed = v.safeParse(toGraph, message);
  return parsed.success ? parsed.output : undefined;
}

/** Undefined for what no webview of ours sends. */
export function parseFromGraph(message: unknown): FromGraph | undefined {
  const parsed = v.safeParse(fromGraph, message);
  return parsed.success ? parsed.output : undefined;
}
