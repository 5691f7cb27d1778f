/**
 * The boundary between the language server and its client: the requests and notifications beyond plain LSP. Code lenses
 * and hovers are plain LSP and need none of these.
 */
import * as v from 'valibot';
import type { Dump, DumpPosition, Verdict } from '../core/model/dump';
import type { Losses, Origin, Overhead, ProcessFigures, PromiseCount, Site, TargetInfo, TaskKind, TaskList } from '../core/model/task';

const text = v.pipe(v.string(), v.maxLength(4096));

const globs = v.pipe(v.array(v.string()), v.maxLength(10_000));

const pathMappings = v.pipe(v.record(text, text), v.maxEntries(100));

/** Settings that the client hands to the server, at initialization and with `asyncscope/configure`. */
export const serverSettings = v.object({
  /** Milliseconds between polls. At most half the agent's lease, or it would disarm itself in between. */
  pollIntervalMs: v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(5_000)),
  /** Percent of the target's time. */
  budgetPercent: v.pipe(v.number(), v.minValue(0.1), v.maxValue(100)),
  /** Megabytes that the agent may take in the target. For sessions that begin from now on. */
  memoryLimitMb: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(256)), 64),
  codeLens: v.boolean(),
  /** Whether there are lenses for where functions stood suspended, where there are lenses at all. */
  suspendedLens: v.optional(v.boolean(), true),
  /** Wait for a process that has gone to come back at the same address. */
  followRestarts: v.optional(v.boolean(), true),
  /** Globs of files, by whose code they are to count as. For sessions that begin from now on. */
  origin: v.optional(v.object({ app: v.optional(globs), dependency: v.optional(globs), node: v.optional(globs) }), {}),
  /** Directories, absolute: where those of the process are on this machine. For sessions that begin from now on. */
  pathMappings: v.optional(pathMappings, {}),
  /** Milliseconds that the look-ups of await lines in a dump may stop the process; without it what its snapshot did. */
  dumpLookupMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(600_000))),
});
export type ServerSettings = v.InferOutput<typeof serverSettings>;
export const DEFAULT_SERVER_SETTINGS: ServerSettings = { pollIntervalMs: 1000, budgetPercent: 1, memoryLimitMb: 64, codeLens: true, suspendedLens: true, followRestarts: true, origin: {}, pathMappings: {} };

/** The client's `initializationOptions`, each of which may be missing. */
export const initializationOptions = v.optional(v.nullable(v.partial(serverSettings)));

/**
 * The way to a process that is being debugged: `auto` connects to its inspector, and through the debugger's session where
 * that cannot be reached.
 */
export type DebuggerConnection = 'auto' | 'direct' | 'proxy';
export const DEBUGGER_CONNECTIONS = ['auto', 'direct', 'proxy'] as const satisfies readonly DebuggerConnection[];

/**
 * What an attach may do only after the user was asked. Without it the attach fails with the reason `signal unsure`
 * (SIGUSR1 goes to a program that may handle it itself) or `remote host` (the inspector is on another machine).
 */
export type Consent = 'signal' | 'remote host';

/**
 * `asyncscope/attach`: `target` is a port, `host:port`, a `ws://` URL or `pid:1234`; with `proxy`, a debugger's CDP proxy through
 * which the server asks for the inspector's address (and stays on it when that address cannot be reached).
 */
export const attachParams = v.object({
  target: v.optional(text),
  proxy: v.optional(v.object({ host: text, port: v.number(), path: v.optional(text) })),
  /** With `proxy`. */
  connection: v.optional(v.picklist(DEBUGGER_CONNECTIONS)),
  name: v.optional(text),
  /** {@link NodeProcess.identity} of the process that `pid:…` was chosen from. */
  identity: v.optional(text),
  consents: v.optional(v.array(v.picklist(['signal', 'remote host'] satisfies Consent[]))),
  /** Beside those of the settings, and before them. */
  pathMappings: v.optional(pathMappings),
  /** The debug session this belongs to; handed back in {@link SessionUpdate}. */
  debugSessionId: v.optional(text),
});
export type AttachParams = v.InferOutput<typeof attachParams>;
export interface AttachResult {
  readonly sessionId: string;
}

export const sessionParams = v.object({ sessionId: text });

export const setPausedParams = v.object({ sessionId: text, paused: v.boolean() });
export type SetPausedParams = v.InferOutput<typeof setPausedParams>;

/** `asyncscope/watch`: the sites of a session whose tasks are to be listed in every update. Replaces the last list. */
export const watchParams = v.object({ sessionId: text, siteIds: v.array(text) });
export type WatchParams = v.InferOutput<typeof watchParams>;

/** `asyncscope/site`: answers a `Site`, its sample stack included, or null when the session does not know it. */
export const siteParams = v.object({ sessionId: text, siteId: text });

/** `asyncscope/sites`: answers those `Site`s that the session knows, in the order asked for. */
export const sitesParams = v.object({ sessionId: text, siteIds: v.array(text) });
export type SitesParams = v.InferOutput<typeof sitesParams>;

/** `asyncscope/scriptSource`: the text of a file that a site or a frame of the session is in. For files that are not on this machine. */
export const scriptSourceParams = v.object({ sessionId: text, file: text });
export type ScriptSourceParams = v.InferOutput<typeof scriptSourceParams>;

/**
 * The text, and where it is from. Without one `message` says why, and what to do: `no file` is code that the process evaluated,
 * whose text only a debugger could give.
 */
export type ScriptSource =
  | { readonly text: string; readonly from: 'source map' | 'process' }
  | { readonly text: null; readonly reason: 'no file' | 'gone' | 'unreadable' | 'unknown'; readonly message: string };

/** An entry of `.asyncscope.json`, as `HideEntry` describes it. */
const hideEntry = v.object({
  file: v.exactOptional(text),
  function: v.exactOptional(v.nullable(text)),
  kind: v.exactOptional(v.picklist(['promise', 'timeout', 'interval', 'immediate', 'handle', 'request'] satisfies TaskKind[])),
  line: v.exactOptional(v.number()),
  reason: v.string(),
});

/** `asyncscope/project`: what the `.asyncscope.json` of each folder (an absolute path) says. Replaces the last. */
export const projectParams = v.object({ folders: v.array(v.object({ folder: text, hide: v.array(hideEntry) })) });
export type ProjectParams = v.InferOutput<typeof projectParams>;

/** `asyncscope/heapSnapshot`: writes to `file`, which must not exist, readable by its owner only. Cancellable. */
export const heapSnapshotParams = v.object({ sessionId: text, file: text, workDoneToken: v.optional(v.union([v.string(), v.number()])) });
export type HeapSnapshotParams = v.InferOutput<typeof heapSnapshotParams>;
export interface HeapSnapshotResult {
  readonly file: string;
  readonly bytes: number;
  readonly durationMs: number;
}

/**
 * `asyncscope/dump`: takes a heap snapshot of a session's process, or reads a snapshot file, and answers the `Dump`. Cancellable; its
 * work-done progress names the phase. A session keeps its last dump, a file's is kept under the id that the answer names.
 */
export const dumpParams = v.object({
  sessionId: v.optional(text),
  /** Absolute path of a `.heapsnapshot`, instead of a session. */
  file: v.optional(text),
  workDoneToken: v.optional(v.union([v.string(), v.number()])),
});
export type DumpParams = v.InferOutput<typeof dumpParams>;
export interface DumpResult {
  readonly dumpId: string;
  readonly dump: Dump;
}

/** `asyncscope/dumpClear`: forgets a dump, and its marks and lenses with it. */
export const dumpClearParams = v.object({ dumpId: text });

/** One task of a group, and one frame of its chain: indices from 0, `task` below the group's `count`. */
export const dumpFrameParams = v.object({
  dumpId: text,
  groupId: text,
  task: v.pipe(v.number(), v.integer(), v.minValue(0)),
  frame: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type DumpFrameParams = v.InferOutput<typeof dumpFrameParams>;

/** Why something of a dump cannot be looked up now; `message` is for people. */
export interface DumpUnavailable {
  readonly unavailable: 'file' | 'gone' | 'ended' | 'resumed' | 'not kept';
  readonly message: string;
}

/** `asyncscope/dumpLocate`: where this one task stands now. `resumed`: it no longer waits there. */
export type DumpLocation = { readonly awaiting: DumpPosition | null } | DumpUnavailable;

/** `asyncscope/dumpVariables`: the scopes of a suspended frame, innermost first, as a debugger shows them. */
export type DumpVariables = { readonly scopes: readonly DumpScope[] } | DumpUnavailable;
export interface DumpScope {
  /** `Local`, `Closure (name)`, `Module` … */
  readonly name: string;
  readonly variables: readonly DumpVariable[];
}
/** Texts are the process's, cut to a limit. */
export interface DumpVariable {
  readonly name: string;
  /** As a debugger prints it: `42`, `'text'`, `Map(3)`, `{id: 1, …}`. */
  readonly value: string;
  readonly type: string;
  /** For `asyncscope/dumpVariable`, until the next look-up in this dump; null where there is nothing to unfold. */
  readonly reference: string | null;
}

/** `asyncscope/dumpVariable`: what is in an unfolded variable: answers one {@link DumpScope} with its name, or {@link DumpUnavailable}. */
export const dumpVariableParams = v.object({ dumpId: text, reference: text });
export type DumpVariableParams = v.InferOutput<typeof dumpVariableParams>;

/** A line where functions stand suspended in the last dump, in the document's present state. */
export interface SuspendedMark {
  /** 0-based, as in LSP. */
  readonly line: number;
  readonly count: number;
  /** The worst of the groups that stand here. */
  readonly verdict: Verdict | null;
  /** End-of-line text, such as `84 suspended here · 14:03:22`. */
  readonly text: string;
  readonly groups: readonly { readonly dumpId: string; readonly groupId: string }[];
}

/** An inspector found on this machine. */
export interface DiscoveredInspector {
  /** `host:port`. */
  readonly target: string;
  readonly title: string;
  /** What runs there, such as `node.js/v24.9.0`. */
  readonly description: string;
}

/** How a running process can be attached to. */
export type ProcessAccess =
  /** `host:port` of its inspector. */
  | { readonly kind: 'open'; readonly address: string }
  /** SIGUSR1 makes it open its inspector. */
  | { readonly kind: 'signal' }
  /** For people: why not, and what to do. */
  | { readonly kind: 'refused'; readonly reason: string };

/** A Node process of this user on this machine. Names and paths are the process's own words: data. */
export interface NodeProcess {
  readonly pid: number;
  /** Differs between two processes that had the same id one after the other. */
  readonly identity: string;
  /** Script, or what the process calls itself. */
  readonly name: string;
  readonly cwd?: string;
  readonly access: ProcessAccess;
}

/** Answer of `asyncscope/processes`. */
export interface ProcessList {
  readonly processes: readonly NodeProcess[];
  /** For people: why there are none, where processes cannot be listed. */
  readonly unavailable?: string;
}

export type SessionStatus = 'attaching' | 'waiting' | 'attached' | 'paused' | 'unresponsive' | 'ended';

/** What a session of status `waiting` waits for; `message` is for people. */
export interface SessionWait {
  readonly for: 'first line' | 'restart';
  readonly message: string;
}

/** Why a session ended or could not begin; `message` says what to do. */
export interface SessionEnd {
  readonly reason: AttachFailureReason | 'detached' | 'target exited' | 'connection lost' | 'inspector closed' | 'debugger ended';
  readonly message: string;
}

export type AttachFailureReason =
  | 'bad target'
  | 'attached already'
  | 'refused'
  | 'remote host'
  | 'signal unsure'
  | 'not an inspector'
  | 'not node'
  | 'node too old'
  | 'timeout'
  | 'agent failed';

/** One row of the tree without its stack, which is fetched with `asyncscope/site`. */
export type SiteRow = Omit<Site, 'stack'>;

/** What is known of the time before the attach. */
export interface BeforeAttach {
  /** The part of the session's totals that began then. */
  readonly totals: Readonly<Record<TaskKind, number>>;
  /** Timers beyond a limit of the agent, in no other figure. */
  readonly notFollowed: number;
  /** Missing while promises were not counted: `asyncscope/countPromises` does, and stops the target for it. */
  readonly promises?: PromiseCount;
  /** False once promises are sampled: what was there before is like what was passed over. */
  readonly canCountPromises: boolean;
  /** How long the target had been running, milliseconds. */
  readonly uptimeMs: number;
}

/**
 * `asyncscope/update`: the state of one session. `full` replaces what the client holds; otherwise `sites` are new or
 * changed rows and `removed` names rows to drop. A row is not sent again because its oldest task grew older: its age now
 * is `oldestMs` plus what `clockMs` has advanced since the update that brought the row.
 */
export interface SessionUpdate {
  readonly sessionId: string;
  readonly name: string;
  readonly debugSessionId?: string;
  readonly status: SessionStatus;
  readonly end?: SessionEnd;
  /** With status `waiting` only. */
  readonly wait?: SessionWait;
  readonly target?: TargetInfo;
  readonly full: boolean;
  readonly sites: readonly SiteRow[];
  readonly removed: readonly string[];
  /** The session's clock in milliseconds; missing before the first poll. It stands still while nothing answers. */
  readonly clockMs?: number;
  /** Live tasks of sites of origin `app`, by kind: the headline. What is folded away is in `origins`. */
  readonly totals: Readonly<Record<TaskKind, number>>;
  /** What began before the attach: the part of `totals`, and timers beyond a limit that are in no other figure. */
  readonly before: BeforeAttach;
  /** Live tasks by origin. */
  readonly origins: Readonly<Record<Origin, number>>;
  /** Creations lost to a limit since the attach; shown loudly when above 0. */
  readonly dropped: number;
  /** Answers of the agent that never arrived: sites may be missing when above 0. */
  readonly lostPolls: number;
  /** How often the agent was put in anew because nobody could reach it for long: older tasks are not known then. */
  readonly agentRestarts: number;
  /** How often another process took the place of the one before at the same address. */
  readonly processRestarts: number;
  /** How far stacks go that the program lets the agent take: what they hide stands under "(unknown line)". */
  readonly stacks: Losses['stacks'];
  /** Part of what was there before the attach is not counted. */
  readonly beforeMissed: boolean;
  readonly overhead?: Overhead;
  readonly process?: ProcessFigures;
  readonly tasks: readonly TaskList[];
  /** Milliseconds since the epoch: when the baseline was set. */
  readonly baselineAt?: number;
}

/** How hot a line is, by the number of its live tasks: 1 up to 9, 2 up to 99, 3 up to 999, 4 from 1,000 on. */
export type Heat = 1 | 2 | 3 | 4;

/** A line that spawns live tasks, in the document's present state (edits accounted for). */
export interface LineMark {
  /** 0-based, as in LSP. */
  readonly line: number;
  /** The kind with the most tasks. */
  readonly kind: TaskKind;
  readonly heat: Heat;
  readonly count: number;
  /** End-of-line text. */
  readonly text: string;
  readonly sites: readonly { readonly sessionId: string; readonly siteId: string }[];
}

/** `asyncscope/marks`: all marks of one open document. */
export interface MarksUpdate {
  readonly uri: string;
  readonly version: number;
  readonly marks: readonly LineMark[];
  /** From the last dump of each process. */
  readonly suspended: readonly SuspendedMark[];
}

/** Arguments of {@link REVEAL_SITE_COMMAND}. */
export interface RevealSiteArguments {
  readonly sessionId: string;
  readonly siteId: string;
}

/** Arguments of {@link REVEAL_GROUPS_COMMAND}: the groups that are suspended on a line. */
export interface RevealGroupsArguments {
  readonly groups: readonly { readonly dumpId: string; readonly groupId: string }[];
}

/** The client's command behind a code lens of suspended functions, and a link in their hover. */
export const REVEAL_GROUPS_COMMAND = 'asyncscope.revealGroups';

/** The client's command that shows groups in the await graph, with the same arguments. For a link in a hover. */
export const SHOW_IN_GRAPH_COMMAND = 'asyncscope.showInGraph';

/** The client's command that shows the variables of a suspended frame: its argument is a {@link DumpFrameParams}. For a link in a hover. */
export const SHOW_VARIABLES_COMMAND = 'asyncscope.showVariables';

/** The client's command behind a code lens. */
export const REVEAL_SITE_COMMAND = 'asyncscope.revealSite';

/**
 * Method names. `update` and `marks` are notifications from the server; all others are requests to it, which answer null
 * where nothing else is said. `attach` answers once the agent is in place, and fails with the message of
 * {@link SessionEnd}; an update with status `attaching` names the session before that.
 */
export const LSP = {
  configure: 'asyncscope/configure',
  attach: 'asyncscope/attach',
  detach: 'asyncscope/detach',
  setPaused: 'asyncscope/setPaused',
  setBaseline: 'asyncscope/setBaseline',
  watch: 'asyncscope/watch',
  site: 'asyncscope/site',
  sites: 'asyncscope/sites',
  scriptSource: 'asyncscope/scriptSource',
  project: 'asyncscope/project',
  discover: 'asyncscope/discover',
  processes: 'asyncscope/processes',
  countPromises: 'asyncscope/countPromises',
  heapSnapshot: 'asyncscope/heapSnapshot',
  dump: 'asyncscope/dump',
  dumpClear: 'asyncscope/dumpClear',
  dumpLocate: 'asyncscope/dumpLocate',
  dumpVariables: 'asyncscope/dumpVariables',
  dumpVariable: 'asyncscope/dumpVariable',
  update: 'asyncscope/update',
  marks: 'asyncscope/marks',
} as const;
