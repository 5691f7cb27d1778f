/** A dump for people. Everything that comes from the process is stripped of what a terminal would act on. */
import { assertNever } from '../core/base/assertNever';
import { NO_CHAIN, byVerdictAndCount, frameName, isUsersChain, waitsForText } from '../core/format/dumpText';
import { counted, formatBytes, formatCount, formatDuration } from '../core/format/quantity';
import { displayName, stripControls } from '../core/format/text';
import type { Dump, DumpFrame, DumpGroup, DumpPosition, DumpResource, Verdict } from '../core/model/dump';
import { shortPath } from '../server/dump/shortPath';
import { clipEnd, displayWidth } from './terminalText';

export interface DumpTextOptions {
  /** Terminal columns; Infinity when it is not a terminal. */
  readonly columns: number;
  readonly color: boolean;
  /** What belongs to Node itself too, and resources beyond {@link RESOURCE_LIMIT}. */
  readonly all: boolean;
  /** Paths below it are shown relative to it. */
  readonly cwd: string;
}

/** Resources of a kind that are listed without `--all`; the rest is counted. */
export const RESOURCE_LIMIT = 5;
/** Functions of a chain that are drawn: the outermost and the innermost half of so many. */
export const CHAIN_LIMIT = 40;
/** Holders of a group that are listed without `--all`. */
const HOLDER_LIMIT = 2;
/** What explains a verdict is broken into lines of at most this many columns. */
const PROSE_COLUMNS = 100;

type Style = 'plain' | 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';
type Line = readonly (readonly [text: string, style?: Style])[];

/** Lines, each ending with a newline. */
export function renderDumpText(dump: Dump, options: DumpTextOptions): string {
  const shown = options.all ? dump.groups : dump.groups.filter(({ chain }) => isUsersChain(chain));
  const lines: Line[] = [
    ...headOf(dump),
    ...verdictsOf(shown, options),
    ...treeOf(shown, options),
    ...resourcesOf(dump, options),
    ...notesOf(dump, shown, options),
  ];
  return lines.map((line) => `${paint(line, options)}\n`).join('');
}

function headOf({ target, at, pauseMs, analysisMs, totals }: Dump): Line[] {
  const about = [target.title, target.pid === null ? '' : `pid ${target.pid}`, target.node === null ? '' : `Node ${target.node}`, target.url ?? ''];
  const pause = pauseMs === null ? '' : `stood still for ${formatDuration(pauseMs)}`;
  return [
    [[about.filter((part) => part !== '').map(displayName).join('  '), 'bold']],
    [
      [`${counted(totals.suspended, 'suspended call')} of async functions`, 'bold'],
      [`, ${counted(totals.pendingPromises, 'pending promise')}, ${counted(totals.timers, 'timer')}, ${counted(totals.handles, 'handle')}, ${counted(totals.requests, 'request')}`],
    ],
    [[[`at ${at}`, pause, `analysed in ${formatDuration(analysisMs)}`].filter((part) => part !== '').join(', '), 'dim']],
  ];
}

/** What is wrong, before what waits. What has the same reason is told together. */
function verdictsOf(groups: readonly DumpGroup[], options: DumpTextOptions): Line[] {
  const reasons = new Map<string, { readonly verdict: Verdict; readonly why: string; readonly groups: DumpGroup[] }>();
  for (const group of [...groups].sort(byVerdictAndCount)) {
    const { verdict, why } = group;
    if (verdict === null || verdict === 'in flight') continue;
    const key = `${verdict} ${why}`;
    const reason = reasons.get(key) ?? { verdict, why, groups: [] };
    reasons.set(key, reason);
    reason.groups.push(group);
  }
  const lines: Line[] = [];
  for (const { verdict, why, groups: alike } of reasons.values()) {
    for (const group of alike) lines.push([['  '], [verdict, styleOf(verdict)], [`  ${formatCount(group.count)} × ${titleOf(group, options)}`]]);
    lines.push(...wrap(why, 4, options));
    const [first] = alike;
    for (const { count, path } of alike.length === 1 ? (first?.heldBy.slice(0, options.all ? Infinity : HOLDER_LIMIT) ?? []) : []) {
      lines.push([['    held by  ', 'dim'], [`${count === first?.count ? '' : `${formatCount(count)} of ${formatCount(first?.count ?? 0)}: `}${clean(path)}`]]);
    }
  }
  return lines.length === 0 ? [] : [[], [['VERDICTS', 'bold']], ...lines];
}

/** `loadUser at src/users.ts:14, waiting for nothing`. */
function titleOf(group: DumpGroup, options: DumpTextOptions): string {
  const own = group.chain.filter(({ origin }) => origin === 'app');
  const frame = own.at(-1) ?? group.chain.at(-1);
  const where = frame === undefined ? NO_CHAIN : `${frameName(frame)}${placeOf(frame, group.count, options)}`;
  return `${where}, waiting for ${waitText(group)}`;
}

interface Branch {
  readonly frame: DumpFrame;
  count: number;
  readonly branches: Map<string, Branch>;
  readonly waits: DumpGroup[];
}

/** Chains folded from the outermost function down. */
function treeOf(groups: readonly DumpGroup[], options: DumpTextOptions): Line[] {
  if (groups.length === 0) return [];
  const top: Pick<Branch, 'branches' | 'waits'> = { branches: new Map(), waits: [] };
  for (const group of groups) {
    let at = top;
    for (const frame of shortened(group.chain.filter(({ origin, kind }) => options.all || origin !== 'node' || kind === 'combinator'))) {
      const key = JSON.stringify([frame.function, frame.kind, frame.detail, frame.repeats, frame.declared, frame.awaiting]);
      const known = at.branches.get(key);
      const branch = known ?? { frame, count: 0, branches: new Map<string, Branch>(), waits: [] };
      branch.count += group.count;
      if (known === undefined) at.branches.set(key, branch);
      at = branch;
    }
    at.waits.push(group);
  }
  const lines: Line[] = [[], [['AWAIT TREE', 'bold'], ['  from the outermost function down to what it hangs on', 'dim']]];
  const walk = (at: Pick<Branch, 'branches' | 'waits'>, indent: string, parentCount: number | undefined): void => {
    const children: (Branch | DumpGroup)[] = [...[...at.branches.values()].sort((a, b) => b.count - a.count), ...at.waits];
    for (const [index, child] of children.entries()) {
      const last = index === children.length - 1;
      const joint = parentCount === undefined ? '' : last ? '└─ ' : '├─ ';
      const below = parentCount === undefined ? '   ' : `${indent}${last ? '   ' : '│  '}`;
      const count: Line = child.count === parentCount ? [] : [[`${formatCount(child.count)} × `, 'bold']];
      const head: Line = [[`${parentCount === undefined ? '' : indent}${joint}`, 'dim'], ...count];
      if ('frame' in child) {
        lines.push([...head, ...frameLine(child.frame, child.count, options)]);
        walk(child, below, child.count);
      } else lines.push([...head, ...waitLine(child, options)]);
    }
  };
  walk(top, '', undefined);
  return lines;
}

/** The middle of a chain that is too long to be read, as one frame without a place. */
function shortened(chain: readonly DumpFrame[]): readonly DumpFrame[] {
  const left = chain.length - CHAIN_LIMIT;
  if (left <= 0) return chain;
  const detail = `… ${formatCount(left)} more`;
  const gap: DumpFrame = { function: null, kind: 'combinator', origin: 'node', declared: null, awaiting: null, awaitingKnown: 0, repeats: 1, detail };
  return [...chain.slice(0, CHAIN_LIMIT / 2), gap, ...chain.slice(-CHAIN_LIMIT / 2)];
}

function frameLine(frame: DumpFrame, count: number, options: DumpTextOptions): Line {
  const style: Style = frame.origin === 'app' ? 'plain' : 'dim';
  return [[frameName(frame), style], [placeOf(frame, count, options), 'dim']];
}

function waitLine(group: DumpGroup, options: DumpTextOptions): Line {
  const { verdict, waitsFor } = group;
  const position = waitsFor.at === null ? '' : ` at ${positionText(waitsFor.at, options)}`;
  // most texts name their place themselves
  const where = waitsFor.at !== null && waitsFor.text.includes(`:${waitsFor.at.line}`) ? '' : position;
  const shown: Line = verdict === null ? [] : [[`  [${verdict}]`, styleOf(verdict)]];
  return [['waits for ', 'dim'], [waitText(group), 'cyan'], [where, 'dim'], ...shown];
}

function waitText({ waitsFor }: DumpGroup): string {
  return clean(waitsForText(waitsFor));
}

/** Where a frame stands, else where it is declared. */
function placeOf({ awaiting, awaitingKnown, declared }: DumpFrame, count: number, options: DumpTextOptions): string {
  if (awaiting !== null) return `  ${positionText(awaiting, options)}${awaitingKnown < count ? ` (${formatCount(awaitingKnown)} of ${formatCount(count)} looked up)` : ''}`;
  return declared === null ? '' : `  in ${positionText(declared, options)}`;
}

function positionText({ file, line, column }: DumpPosition, { cwd }: DumpTextOptions): string {
  return clean(`${shortPath(file, cwd)}:${line}:${column}`);
}

function resourcesOf({ resources }: Dump, options: DumpTextOptions): Line[] {
  const lines: Line[] = [];
  const listed = (title: string, list: readonly Line[]): void => {
    if (list.length === 0) return;
    const limit = options.all ? Infinity : RESOURCE_LIMIT;
    lines.push([], [[title, 'bold']], ...list.slice(0, limit));
    if (list.length > limit) lines.push([[`  … ${formatCount(list.length - limit)} more`, 'dim']]);
  };
  listed('TIMERS', resources.timers.map((each) => resourceLine(each.text.includes(each.type) || each.text === '' ? each : { ...each, text: `${each.type}, ${each.text}` }, options)));
  listed('HANDLES', resources.handles.map((each) => resourceLine(each, options)));
  listed('REQUESTS', resources.requests.map((each) => resourceLine(each, options)));
  listed(
    'LISTENERS',
    resources.listeners.map((each) => [
      [`  ${formatCount(each.count)} × `, each.aboveLimit ? 'yellow' : 'plain'],
      [`${displayName(each.emitter)} '${displayName(each.event)}'`],
      [each.emitters > 1 ? ` on each of up to ${formatCount(each.emitters)}` : ''],
      [each.aboveLimit && each.limit !== null ? `  above its limit of ${formatCount(each.limit)}` : '', 'yellow'],
      [each.at === null ? '' : `  ${positionText(each.at, options)}`, 'dim'],
    ]),
  );
  listed(
    'STREAMS',
    resources.streams.map((each) => {
      const amount = (value: number): string => (each.objectMode ? counted(value, 'object') : formatBytes(value));
      return [
        [`  ${formatCount(each.count)} × `],
        [`${displayName(each.stream)}, ${clean(each.state)}: ${amount(each.bufferedBytes)} buffered`],
        [`, high-water mark ${amount(each.highWaterMark)}`, each.bufferedBytes > each.highWaterMark ? 'yellow' : 'dim'],
      ];
    }),
  );
  return lines;
}

function resourceLine({ count, type, text, at }: DumpResource, options: DumpTextOptions): Line {
  const where = at === null || text.includes(`:${at.line}`) ? '' : `  ${positionText(at, options)}`;
  return [[`  ${formatCount(count)} × `], [clean(text === '' ? type : text)], [where, 'dim']];
}

function notesOf(dump: Dump, shown: readonly DumpGroup[], options: DumpTextOptions): Line[] {
  const notes = dump.notes.map(clean);
  const hidden = dump.groups.length - shown.length;
  if (hidden > 0) {
    const tasks = dump.groups.reduce((sum, group) => sum + group.count, 0) - shown.reduce((sum, group) => sum + group.count, 0);
    notes.push(`Not listed: ${formatCount(tasks)} of Node itself. Use --all to see them.`);
  }
  if (dump.groups.length === 0) notes.push('No async function is suspended.');
  return notes.length === 0 ? [] : [[], ...notes.flatMap((note) => wrap(note, 0, options))];
}

function styleOf(verdict: Verdict): Style {
  switch (verdict) {
    case 'orphan':
    case 'cycle':
      return 'red';
    case 'crowd':
    case 'stuck':
      return 'yellow';
    case 'in flight':
      return 'green';
    default:
      return assertNever(verdict);
  }
}

/** A text of the process that may be long, on one line. */
function clean(text: string): string {
  return stripControls(text.replace(/\s+/g, ' ').trim());
}

/** Prose in lines that fit, indented. */
function wrap(text: string, indent: number, { columns }: DumpTextOptions): Line[] {
  const room = Math.max(20, Math.min(columns, PROSE_COLUMNS) - indent);
  const lines: string[] = [];
  let line = '';
  for (const word of clean(text).split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines.map((each) => [[`${' '.repeat(indent)}${each}`]]);
}

const SGR: Readonly<Record<Exclude<Style, 'plain'>, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

function paint(line: Line, { columns, color }: DumpTextOptions): string {
  let room = columns;
  let painted = '';
  for (const [text, style = 'plain'] of line) {
    if (room <= 0 || text === '') continue;
    const cut = clipEnd(text, room);
    room -= displayWidth(cut);
    painted += color && style !== 'plain' ? `\u001b[${SGR[style]}m${cut}\u001b[0m` : cut;
    // what does not fit ends the line
    if (cut !== text) break;
  }
  return painted.trimEnd();
}
