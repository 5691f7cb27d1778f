/**
 * Every name that the code and `package.json` share, in one typed place. `test/unit/host/contributions.test.ts` holds
 * the two against each other in both directions.
 */
import type { Grouping } from '../core/view/grouping';
import { REVEAL_GROUPS_COMMAND, REVEAL_SITE_COMMAND, SHOW_IN_GRAPH_COMMAND, SHOW_VARIABLES_COMMAND } from '../protocol/lsp';
import type { Verdict } from '../core/model/dump';
import type { DumpGrouping } from './dump/dumpGrouping';
import type { DebuggerConnection } from '../protocol/lsp';

export const COMMANDS = {
  attach: 'asyncscope.attach',
  detach: 'asyncscope.detach',
  detachAll: 'asyncscope.detachAll',
  pause: 'asyncscope.pause',
  resume: 'asyncscope.resume',
  setBaseline: 'asyncscope.setBaseline',
  sortByCount: 'asyncscope.sortByCount',
  sortByAge: 'asyncscope.sortByAge',
  sortByGrowth: 'asyncscope.sortByGrowth',
  groupBySite: 'asyncscope.groupBySite',
  groupByKind: 'asyncscope.groupByKind',
  groupByFile: 'asyncscope.groupByFile',
  groupByPackage: 'asyncscope.groupByPackage',
  filter: 'asyncscope.filter',
  clearFilter: 'asyncscope.clearFilter',
  showOnlyNew: 'asyncscope.showOnlyNew',
  showAll: 'asyncscope.showAll',
  countPromises: 'asyncscope.countPromises',
  takeHeapSnapshot: 'asyncscope.takeHeapSnapshot',
  dump: 'asyncscope.dump',
  dumpFile: 'asyncscope.dumpFile',
  dumpAgain: 'asyncscope.dumpAgain',
  openAwaitGraph: 'asyncscope.openAwaitGraph',
  filterDump: 'asyncscope.filterDump',
  clearDumpFilter: 'asyncscope.clearDumpFilter',
  groupDumpByVerdict: 'asyncscope.groupDumpByVerdict',
  groupDumpByChain: 'asyncscope.groupDumpByChain',
  groupDumpByLeaf: 'asyncscope.groupDumpByLeaf',
  exportDump: 'asyncscope.exportDump',
  clearDump: 'asyncscope.clearDump',
  copyDumpRow: 'asyncscope.copyDumpRow',
  copyDumpRowAsJson: 'asyncscope.copyDumpRowAsJson',
  openDumpRow: 'asyncscope.openDumpRow',
  openDumpRowToSide: 'asyncscope.openDumpRowToSide',
  openDeclaration: 'asyncscope.openDeclaration',
  showInGraph: SHOW_IN_GRAPH_COMMAND,
  showVariables: SHOW_VARIABLES_COMMAND,
  revealGroups: REVEAL_GROUPS_COMMAND,
  refresh: 'asyncscope.refresh',
  showInternals: 'asyncscope.showInternals',
  foldInternals: 'asyncscope.foldInternals',
  hideSite: 'asyncscope.hideSite',
  unhideSite: 'asyncscope.unhideSite',
  openProjectFile: 'asyncscope.openProjectFile',
  copySite: 'asyncscope.copySite',
  copyAsJson: 'asyncscope.copyAsJson',
  copyAsFoldedStacks: 'asyncscope.copyAsFoldedStacks',
  openSite: 'asyncscope.openSite',
  openSiteToSide: 'asyncscope.openSiteToSide',
  openFrame: 'asyncscope.openFrame',
  revealStack: 'asyncscope.revealStack',
  nextFrame: 'asyncscope.nextFrame',
  previousFrame: 'asyncscope.previousFrame',
  openSettings: 'asyncscope.openSettings',
  showLog: 'asyncscope.showLog',
  showActions: 'asyncscope.showActions',
  openWalkthrough: 'asyncscope.openWalkthrough',
  revealSite: REVEAL_SITE_COMMAND,
} as const;
export type CommandId = (typeof COMMANDS)[keyof typeof COMMANDS];

/** Commands that only make sense with arguments and are therefore kept out of the command palette. */
export const HIDDEN_COMMANDS: readonly CommandId[] = [
  COMMANDS.openSite,
  COMMANDS.openFrame,
  COMMANDS.revealSite,
  COMMANDS.openDumpRow,
  COMMANDS.openDumpRowToSide,
  COMMANDS.openDeclaration,
  COMMANDS.showInGraph,
  COMMANDS.showVariables,
  COMMANDS.revealGroups,
];

export const VIEWS = { liveTasks: 'asyncscope.liveTasks', asyncDump: 'asyncscope.asyncDump' } as const;

/** Type of the panel that shows the await graph. */
export const AWAIT_GRAPH = 'asyncscope.awaitGraph';

/** Id of the walkthrough for the first use. */
export const WALKTHROUGH = 'start';

export const CONFIGURATION_SECTION = 'asyncscope';

/** Settings below {@link CONFIGURATION_SECTION}, with the defaults that `package.json` declares. */
export interface Settings {
  /** Attach by itself when a JavaScript debug session starts. */
  readonly autoAttach: boolean;
  /** Milliseconds between polls. */
  readonly pollInterval: number;
  /** Percent of the target's time that sampling may cost. */
  readonly overheadBudget: number;
  /** Megabytes that the agent may take in the target. */
  readonly memoryLimit: number;
  /** Wait for a process that has gone to come back at its address. */
  readonly followRestarts: boolean;
  /** The way to a process that is being debugged. */
  readonly connection: DebuggerConnection;
  readonly codeLens: boolean;
  readonly gutter: boolean;
  readonly endOfLineText: boolean;
  readonly overviewRuler: boolean;
  /** Mark the lines where functions stood suspended at the last dump. */
  readonly suspendedMarks: boolean;
  /** Absolute, or relative to the first workspace folder; empty for the extension's own storage. */
  readonly snapshotDirectory: string;
  /** Seconds that the look-ups of a dump may take; below 0 what a dump takes by itself. */
  readonly dumpLookupBudget: number;
  /** Globs of files that count as the user's own code. */
  readonly 'origin.app': readonly string[];
  /** Globs of files that count as a dependency. */
  readonly 'origin.dependency': readonly string[];
  /** Directories of the process, and where they are on this machine. */
  readonly pathMappings: Readonly<Record<string, string>>;
}

export const DEFAULT_SETTINGS: Settings = {
  autoAttach: true,
  pollInterval: 1000,
  overheadBudget: 1,
  memoryLimit: 64,
  followRestarts: true,
  connection: 'auto',
  codeLens: true,
  gutter: true,
  endOfLineText: true,
  overviewRuler: true,
  suspendedMarks: true,
  snapshotDirectory: '',
  dumpLookupBudget: -1,
  'origin.app': [],
  'origin.dependency': [],
  pathMappings: {},
};

/** What the view is able to show; decides which welcome text stands in the empty view. */
export type ViewState = 'idle' | 'attaching' | 'active' | 'failed';

/** How the sites of a session are ordered. */
export type SiteOrder = 'count' | 'age' | 'growth';

/** Where dependencies and Node's own tasks stand: in a folded row of their own, or among the user's sites. */
export type InternalsPlacement = 'folded' | 'inline';

/** Keys for `when` clauses, with the type of their values. */
export interface ContextKeys {
  'asyncscope.state': ViewState;
  /** Some session can be paused. */
  'asyncscope.canPause': boolean;
  /** Some session is paused. */
  'asyncscope.canResume': boolean;
  /** Some session is attached, paused or unresponsive: it can be detached from. */
  'asyncscope.hasLiveSession': boolean;
  'asyncscope.internals': InternalsPlacement;
  'asyncscope.grouping': Grouping;
  /** Not all sites are listed: there is a filter, or only what is new is shown. */
  'asyncscope.filtered': boolean;
  'asyncscope.onlyNew': boolean;
  /** There is an async dump, or one is being taken. */
  'asyncscope.hasDump': boolean;
  'asyncscope.dumpGrouping': DumpGrouping;
  'asyncscope.dumpFiltered': boolean;
}

export const CONTEXT_KEYS: readonly (keyof ContextKeys)[] = [
  'asyncscope.state',
  'asyncscope.canPause',
  'asyncscope.canResume',
  'asyncscope.hasLiveSession',
  'asyncscope.internals',
  'asyncscope.grouping',
  'asyncscope.filtered',
  'asyncscope.onlyNew',
  'asyncscope.hasDump',
  'asyncscope.dumpGrouping',
  'asyncscope.dumpFiltered',
];

/** `contextValue` of the rows of the tree, for `viewItem` in `when` clauses. */
export const ROW_CONTEXTS = {
  sessionRunning: 'session.running',
  sessionPaused: 'session.paused',
  sessionUnresponsive: 'session.unresponsive',
  sessionAttaching: 'session.attaching',
  sessionWaiting: 'session.waiting',
  sessionEnded: 'session.ended',
  process: 'process',
  figure: 'figure',
  internals: 'internals',
  group: 'group',
  page: 'page',
  hidden: 'hidden',
  site: 'site',
  siteWithoutFile: 'site.noFile',
  siteHidden: 'site.hidden',
  stack: 'stack',
  frames: 'frames',
  frame: 'frame',
  frameWithoutFile: 'frame.noFile',
  task: 'task',
  uncounted: 'uncounted',
  noMatch: 'noMatch',
  note: 'note',
} as const;
export type RowContext = (typeof ROW_CONTEXTS)[keyof typeof ROW_CONTEXTS];

/** The same for the rows of "Async Dump". */
export const DUMP_ROW_CONTEXTS = {
  dump: 'dump',
  section: 'dump.section',
  chain: 'dump.chain',
  group: 'dump.group',
  page: 'dump.page',
  why: 'dump.why',
  frame: 'dump.frame',
  frameWithoutFile: 'dump.frame.noFile',
  frameWithoutDeclaration: 'dump.frame.noDeclaration',
  waitsFor: 'dump.waitsFor',
  waitsForWithoutFile: 'dump.waitsFor.noFile',
  fact: 'dump.fact',
  holders: 'dump.holders',
  holder: 'dump.holder',
  tasks: 'dump.tasks',
  task: 'dump.task',
  scope: 'dump.scope',
  variable: 'dump.variable',
  resources: 'dump.resources',
  resource: 'dump.resource',
  resourceWithoutFile: 'dump.resource.noFile',
  note: 'dump.note',
  unavailable: 'dump.unavailable',
} as const;
export type DumpRowContext = (typeof DUMP_ROW_CONTEXTS)[keyof typeof DUMP_ROW_CONTEXTS];

export const COLORS = {
  verdict: { orphan: 'asyncscope.orphan', cycle: 'asyncscope.cycle', crowd: 'asyncscope.crowd', stuck: 'asyncscope.stuck', 'in flight': 'asyncscope.inFlight' } satisfies Record<Verdict, string>,
  heat: { 1: 'asyncscope.heat1', 2: 'asyncscope.heat2', 3: 'asyncscope.heat3', 4: 'asyncscope.heat4' },
} as const;

/** The environment variable that names a target, `host:port`, to attach to when the extension starts. */
export const ATTACH_VARIABLE = 'ASYNCSCOPE_ATTACH';

/** The address that `node --inspect` listens on when it is told nothing else. */
export const DEFAULT_TARGET = '127.0.0.1:9229';
