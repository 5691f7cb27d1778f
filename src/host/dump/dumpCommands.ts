/** What can be done with an async dump: take it, look at it, copy it, let go of it. */
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { formatDuration } from '../../core/format/quantity';
import { groupCount } from '../../core/format/dumpText';
import { estimateSnapshotPauseMs } from '../../core/model/snapshotCost';
import type { DumpPosition } from '../../core/model/dump';
import type { DumpFrameParams, DumpResult, RevealGroupsArguments } from '../../protocol/lsp';
import type { ServerClient } from '../client/serverClient';
import type { CommandTable, DumpRowArguments } from '../commands/commandTable';
import { COMMANDS, DUMP_ROW_CONTEXTS, VIEWS } from '../contributions';
import type { MarksModel } from '../editor/marksModel';
import { openPosition } from '../editor/openPosition';
import type { ScriptDocuments } from '../editor/scriptDocuments';
import { confirmPause, withProgress } from '../heapSnapshot/pause';
import { snapshotFileName } from '../heapSnapshot/snapshotFile';
import { safeErrorMessage } from '../redact';
import type { Session, SessionStore } from '../sessions/sessionStore';
import { displayName, isLive } from '../sessions/sessionStore';
import type { AwaitGraph } from './awaitGraph';
import { askForDumpFilter } from './dumpFilterInput';
import type { DumpElement } from './dumpElements';
import type { DumpLook } from './dumpLook';
import { whyNoVariables } from './dumpState';
import type { DumpStore, HeldDump } from './dumpStore';
import type { DumpRow } from './dumpTree';
import { frameOfInterest, groupAsText, lineNow, rowAsText } from './dumpTree';
import type { DumpView } from './dumpView';

export interface DumpCommandContext {
  readonly server: ServerClient;
  readonly sessions: SessionStore;
  readonly marks: MarksModel;
  readonly scripts: ScriptDocuments;
  readonly log: vscode.LogOutputChannel;
  readonly dumps: DumpStore;
  readonly dumpLook: DumpLook;
  readonly dumpView: DumpView;
  readonly graph: AwaitGraph;
}

type DumpCommands = Pick<
  CommandTable,
  | typeof COMMANDS.dumpFile
  | typeof COMMANDS.dumpAgain
  | typeof COMMANDS.openAwaitGraph
  | typeof COMMANDS.filterDump
  | typeof COMMANDS.clearDumpFilter
  | typeof COMMANDS.groupDumpByVerdict
  | typeof COMMANDS.groupDumpByChain
  | typeof COMMANDS.groupDumpByLeaf
  | typeof COMMANDS.exportDump
  | typeof COMMANDS.clearDump
  | typeof COMMANDS.copyDumpRow
  | typeof COMMANDS.copyDumpRowAsJson
  | typeof COMMANDS.openDumpRow
  | typeof COMMANDS.openDumpRowToSide
  | typeof COMMANDS.openDeclaration
  | typeof COMMANDS.showInGraph
  | typeof COMMANDS.showVariables
  | typeof COMMANDS.revealGroups
>;

/** How long a message stands in the status bar, in milliseconds. */
const MESSAGE_MS = 4000;

/** Owner only: a dump names addresses, paths and functions. */
const PRIVATE_FILE_MODE = 0o600;

export function dumpCommands(context: DumpCommandContext): DumpCommands {
  const { dumps, dumpLook, dumpView, graph } = context;
  return {
    [COMMANDS.dumpFile]: async (given) => {
      const file = typeof given === 'string' ? given : await askForFile();
      if (file !== undefined) await dumpOfFile(context, file);
    },
    [COMMANDS.dumpAgain]: async (element) => {
      const held = chosenDump(context, element);
      if (held !== undefined) await dumpAgain(context, held.id);
    },
    [COMMANDS.openAwaitGraph]: (element) => {
      const held = chosenDump(context, element);
      if (held !== undefined) graph.open(held.id);
      return Promise.resolve();
    },
    [COMMANDS.filterDump]: async (given) => {
      if (typeof given === 'string') dumpLook.setFilter(given);
      else await askForDumpFilter(dumpLook);
    },
    [COMMANDS.clearDumpFilter]: () => {
      dumpLook.setFilter('');
      return Promise.resolve();
    },
    [COMMANDS.groupDumpByVerdict]: () => dumpLook.setGrouping('verdict'),
    [COMMANDS.groupDumpByChain]: () => dumpLook.setGrouping('chain'),
    [COMMANDS.groupDumpByLeaf]: () => dumpLook.setGrouping('leaf'),
    [COMMANDS.exportDump]: async (element) => {
      const held = chosenDump(context, element);
      if (held !== undefined) await exportDump(held);
    },
    [COMMANDS.clearDump]: async (element) => {
      const cleared = element === undefined ? dumps.all() : dumps.all().filter(({ id }) => id === element.row.dumpId);
      for (const { id } of cleared) dumps.remove(id);
      await Promise.all(cleared.map(({ id }) => context.server.dumpClear(id)));
    },
    [COMMANDS.copyDumpRow]: async (...args) => {
      const rows = rowsOf(context, args);
      const lines = rows.length > 0 ? rows.map(rowAsText) : dumps.all().flatMap(({ dump }) => dump.groups.map(groupAsText));
      await copy(lines.join(rows.some(({ context: kind }) => kind === DUMP_ROW_CONTEXTS.group) || rows.length === 0 ? '\n\n' : '\n'));
    },
    [COMMANDS.copyDumpRowAsJson]: async (...args) => {
      const rows = rowsOf(context, args);
      const groups = [...new Set(rows.flatMap((row) => row.groups))];
      const [only, ...others] = dumps.all().map(({ dump }) => dump);
      await copy(`${JSON.stringify(groups.length > 0 ? groups : others.length === 0 ? only : [only, ...others], undefined, 2)}\n`);
    },
    [COMMANDS.openDumpRow]: (element) => openRow(context, element?.row, ({ open }) => open, undefined),
    [COMMANDS.openDumpRowToSide]: (element) => openRow(context, element?.row ?? dumpView.selection[0], ({ open }) => open, vscode.ViewColumn.Beside),
    [COMMANDS.openDeclaration]: (element) => openRow(context, element?.row, ({ declared }) => declared, undefined),
    [COMMANDS.showInGraph]: (...args) => {
      const [linked] = readGroups(args[0]).groups;
      if (linked !== undefined) {
        graph.open(linked.dumpId, [linked.groupId]);
        return Promise.resolve();
      }
      const rows = rowsOf(context, args as DumpRowArguments);
      const [first] = rows;
      if (first !== undefined) graph.open(first.dumpId, [...new Set(rows.flatMap(({ groups }) => groups.map(({ id }) => id)))]);
      return Promise.resolve();
    },
    [COMMANDS.showVariables]: async (target) => {
      const frame = variablesTarget(target);
      const held = frame === undefined ? undefined : dumps.get(frame.dumpId);
      const missing = held === undefined ? undefined : whyNoVariables(held);
      const shown = frame !== undefined && missing === undefined && (await unfiltered(dumpLook, () => dumpView.revealVariables(frame)));
      if (!shown) vscode.window.setStatusBarMessage(`Asyncscope: ${missing ?? 'there is no function to look into'}`, MESSAGE_MS);
    },
    [COMMANDS.revealGroups]: async (argument) => {
      const groups = readGroups(argument);
      if (await unfiltered(dumpLook, () => dumpView.reveal(groups))) return;
      vscode.window.setStatusBarMessage('Asyncscope: that dump is not kept any more', MESSAGE_MS);
    },
  };
}

/** What the filter leaves out is shown all the same when somebody goes there. */
export async function unfiltered(look: DumpLook, reveal: () => Promise<boolean>): Promise<boolean> {
  if (await reveal()) return true;
  if (look.filter === '') return false;
  look.setFilter('');
  return reveal();
}

/** Asks where it takes long, dumps, and shows what was found. */
export async function takeDump(context: DumpCommandContext, session: Session): Promise<void> {
  if (!(await confirmPause(session, { what: 'An async dump', button: 'Dump Async Tasks', estimateMs: estimateSnapshotPauseMs }))) return;
  const { processRestarts } = session;
  await showDump(context, displayName(session), { sessionId: session.id }, processRestarts);
}

/** @throws {Error} when the process is gone */
export async function dumpAgain(context: DumpCommandContext, dumpId: string): Promise<void> {
  const held = context.dumps.get(dumpId);
  if (held === undefined) return;
  if (held.dump.target.file !== null) {
    await dumpOfFile(context, held.dump.target.file);
    return;
  }
  const session = held.sessionId === undefined ? undefined : context.sessions.get(held.sessionId);
  if (session === undefined || !isLive(session)) throw new Error(`${held.name} has ended: there is nothing left to dump. Attach to a process that runs.`);
  await takeDump(context, session);
}

async function dumpOfFile(context: DumpCommandContext, file: string): Promise<void> {
  await showDump(context, basename(file), { file }, 0);
}

async function showDump(context: DumpCommandContext, name: string, from: { readonly sessionId: string } | { readonly file: string }, processRestarts: number): Promise<void> {
  const { server, sessions, dumps, log } = context;
  const result = await dumps.whileTaking(() => withProgress(`Async dump of ${name}`, (signal, onProgress) => server.dump(from, signal, onProgress)));
  if (result === undefined) {
    log.info('async dump cancelled');
    return;
  }
  log.info(`async dump of ${name}: ${summary(result)}`);
  const replaced = dumps.add({ id: result.dumpId, name, dump: result.dump, sessionId: 'sessionId' in from ? from.sessionId : undefined, processRestarts }, (sessionId) => {
    const session = sessions.get(sessionId);
    return session === undefined || session.status === 'ended';
  });
  for (const dumpId of replaced) await server.dumpClear(dumpId).catch((error: unknown) => { log.debug(`forgetting a dump: ${safeErrorMessage(error)}`); });
  await vscode.commands.executeCommand(`${VIEWS.asyncDump}.focus`);
}

function summary({ dump }: DumpResult): string {
  const stopped = dump.pauseMs === null ? '' : `stopped for ${formatDuration(dump.pauseMs)}, `;
  return `${groupCount(dump.groups.length)}, ${stopped}analysed in ${formatDuration(dump.analysisMs)}`;
}

async function askForFile(): Promise<string | undefined> {
  const [chosen] = (await vscode.window.showOpenDialog({ title: 'Dump a Heap Snapshot File', openLabel: 'Dump', filters: { 'Heap snapshots': ['heapsnapshot'] } })) ?? [];
  return chosen?.fsPath;
}

async function exportDump({ name, dump }: HeldDump): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const fileName = snapshotFileName(`${name}-async`, new Date(dump.at)).replace(/\.heapsnapshot$/, '.json');
  const chosen = await vscode.window.showSaveDialog({ title: 'Export Async Dump', filters: { JSON: ['json'] }, ...(folder !== undefined && { defaultUri: vscode.Uri.file(join(folder.fsPath, fileName)) }) });
  if (chosen === undefined) return;
  await writeFile(chosen.fsPath, `${JSON.stringify(dump, undefined, 2)}\n`, { mode: PRIVATE_FILE_MODE });
  await vscode.window.showTextDocument(chosen);
}

/** The dump that a command is about: that of a row, of what is selected, or the last. */
function chosenDump({ dumps, dumpView }: DumpCommandContext, element: DumpElement | undefined): HeldDump | undefined {
  const dumpId = (element === undefined ? dumpView.selection[0] : rowOf(element))?.dumpId;
  return (dumpId === undefined ? undefined : dumps.get(dumpId)) ?? dumps.all()[0];
}

/** The rows that a command is about: those given, else the selected ones. */
function rowsOf({ dumpView }: DumpCommandContext, [element, elements]: DumpRowArguments): readonly DumpRow[] {
  // A keybinding may pass anything.
  const given: readonly unknown[] = Array.isArray(elements) && elements.length > 0 ? elements : [element];
  const rows = given.flatMap((each) => rowOf(each) ?? []);
  return rows.length > 0 ? rows : dumpView.selection;
}

function rowOf(element: unknown): DumpRow | undefined {
  if (typeof element !== 'object' || element === null || !('row' in element)) return undefined;
  const { row } = element as Pick<DumpElement, 'row'>;
  return typeof (row as unknown) === 'object' && typeof row.dumpId === 'string' ? row : undefined;
}

async function openRow(context: DumpCommandContext, row: DumpRow | undefined, positionOf: (row: DumpRow) => DumpPosition | undefined, column: vscode.ViewColumn | undefined): Promise<void> {
  const position = row === undefined ? undefined : positionOf(row);
  if (row === undefined || position === undefined) {
    vscode.window.setStatusBarMessage('Asyncscope: there is no line to go to', MESSAGE_MS);
    return;
  }
  await openDumpPosition(context, row.dumpId, position, { groupId: row.groups.length === 1 ? row.groups[0]?.id : undefined, column });
}

/** Where the file is open and edited, its marks have moved along with the lines. */
export async function openDumpPosition(
  { dumps, marks, scripts }: Pick<DumpCommandContext, 'dumps' | 'marks' | 'scripts'>,
  dumpId: string,
  position: DumpPosition,
  { groupId, column }: { readonly groupId?: string | undefined; readonly column?: vscode.ViewColumn | undefined },
): Promise<void> {
  const group = groupId === undefined ? undefined : dumps.group(dumpId, groupId);
  const known = group === undefined ? [] : marks.suspendedLines(vscode.Uri.file(position.file).toString(), dumpId, group.id);
  const movedTo = group === undefined ? undefined : lineNow(group, position, known);
  await openPosition(scripts, dumps.get(dumpId)?.sessionId, position, { movedTo, column });
}

function variablesTarget(target: unknown): DumpFrameParams | undefined {
  const row = rowOf(target);
  const [group] = row?.groups ?? [];
  if (row !== undefined && group !== undefined) {
    const frame = frameOfInterest(group);
    return frame === undefined ? undefined : { dumpId: row.dumpId, groupId: group.id, task: 0, frame };
  }
  if (typeof target !== 'object' || target === null) return undefined;
  const { dumpId, groupId, task, frame } = target as Partial<Record<keyof DumpFrameParams, unknown>>;
  return typeof dumpId === 'string' && typeof groupId === 'string' && typeof task === 'number' && typeof frame === 'number' ? { dumpId, groupId, task, frame } : undefined;
}

/** A link can pass anything. */
function readGroups(argument: unknown): RevealGroupsArguments {
  const groups: unknown = typeof argument === 'object' && argument !== null && 'groups' in argument ? argument.groups : [];
  const isGroup = (each: unknown): each is RevealGroupsArguments['groups'][number] =>
    typeof each === 'object' && each !== null && 'dumpId' in each && typeof each.dumpId === 'string' && 'groupId' in each && typeof each.groupId === 'string';
  return { groups: Array.isArray(groups) ? groups.filter(isGroup) : [] };
}

async function copy(text: string): Promise<void> {
  await vscode.env.clipboard.writeText(text);
  vscode.window.setStatusBarMessage('Asyncscope: copied', MESSAGE_MS);
}
