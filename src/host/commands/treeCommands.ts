/** What can be done with the rows of the tree: copy, hide, look along their stacks, filter and group. */
import * as vscode from 'vscode';
import { EMPTY_FILTER, parseFilter } from '../../core/view/filter';
import { foldStacks } from '../../core/view/foldedStacks';
import type { HideableSite, HideRule } from '../../core/view/hiddenSites';
import { toSiteJson } from '../../core/view/siteJson';
import { PROJECT_FILE } from '../../core/config/projectFile';
import type { RevealSiteArguments } from '../../protocol/lsp';
import type { ServerClient } from '../client/serverClient';
import { ROW_CONTEXTS } from '../contributions';
import type { MarksModel } from '../editor/marksModel';
import type { ProjectFiles } from '../project/projectFiles';
import type { SessionStore } from '../sessions/sessionStore';
import { currentSite } from '../sessions/sessionStore';
import type { LiveTasksView, TreeElement } from '../tree/liveTasksView';
import { siteAsText } from '../tree/siteText';
import type { TreeRow } from '../tree/treeModel';
import { siteKey } from '../tree/treeModel';
import type { TreeState } from '../tree/treeState';
import { askForFilter } from './filterInput';

/** What VS Code hands to a command of a row's menu: the row, and all that are selected when it is one of them. */
export type RowArguments = [element?: TreeElement | undefined, elements?: readonly TreeElement[] | undefined];

export interface TreeCommandContext {
  readonly server: ServerClient;
  readonly sessions: SessionStore;
  readonly view: LiveTasksView;
  readonly state: TreeState;
  readonly project: ProjectFiles;
  readonly marks: MarksModel;
}

export type CopyFormat = 'text' | 'json' | 'folded';

/** Copies the sites of the given rows; without rows the selected ones, and without a selection all that are listed. */
export async function copySites(context: TreeCommandContext, rows: readonly TreeRow[], format: CopyFormat): Promise<void> {
  const chosen = rows.length > 0 ? rows : context.view.picture.rows;
  const bySession = new Map<string, string[]>();
  for (const { sessionId, siteId } of sitesBelow(chosen)) {
    const ids = bySession.get(sessionId) ?? [];
    bySession.set(sessionId, ids);
    ids.push(siteId);
  }
  const copied = await Promise.all([...bySession].map(async ([sessionId, siteIds]) => ({ sessionId, sites: await context.server.sites({ sessionId, siteIds }) })));
  const sites = copied.flatMap((each) => each.sites);
  if (sites.length === 0) {
    vscode.window.setStatusBarMessage('Asyncscope: there is no site to copy', MESSAGE_MS);
    return;
  }
  const reasons = hiddenReasons(context);
  await vscode.env.clipboard.writeText(written());
  vscode.window.setStatusBarMessage(`Asyncscope: ${sites.length === 1 ? '1 site' : `${String(sites.length)} sites`} copied`, MESSAGE_MS);

  function written(): string {
    switch (format) {
      case 'text':
        return sites.map(siteAsText).join('\n\n');
      case 'json':
        return `${JSON.stringify(copied.map(({ sessionId, sites: own }) => ({ target: context.sessions.get(sessionId)?.target ?? null, sites: own.map((site) => toSiteJson(site, reasons.get(siteKey({ sessionId, siteId: site.id })) ?? null)) })), undefined, 2)}\n`;
      case 'folded':
        return foldStacks(sites);
    }
  }
}

/** Why each hidden site is hidden, by {@link siteKey}. */
function hiddenReasons({ sessions, project }: TreeCommandContext): ReadonlyMap<string, string> {
  return new Map(sessions.all().flatMap((session) => [...project.hidden.among(session.id, session.sites.values())].map(([siteId, { entry }]) => [siteKey({ sessionId: session.id, siteId }), entry.reason])));
}

/** How long a message stands in the status bar, in milliseconds. */
const MESSAGE_MS = 4000;

/**
 * Asks for the reason, then hides the sites of the rows in `.asyncscope.json`.
 * @param given a reason that needs no asking
 */
export async function hideSites(context: TreeCommandContext, rows: readonly TreeRow[], given?: unknown): Promise<void> {
  const sites = sitesBelow(rows).flatMap(({ sessionId, siteId }): readonly HideableSite[] => {
    const session = context.sessions.get(sessionId);
    const site = session === undefined ? undefined : currentSite(session, siteId);
    return site === undefined ? [] : [site];
  });
  if (sites.length === 0) {
    void vscode.window.showInformationMessage('Select the sites to hide in Live Tasks first.');
    return;
  }
  const reason = typeof given === 'string' ? given : await vscode.window.showInputBox({
    title: sites.length === 1 ? 'Hide Site' : `Hide ${String(sites.length)} Sites`,
    prompt: `Why? It is kept in ${PROJECT_FILE}, so that others know. Hidden tasks are counted in totals.`,
    placeHolder: 'The pool keeps ten connections open',
    validateInput: (text) => (text.trim() === '' ? 'Give a reason, so that somebody can tell later whether it still holds.' : undefined),
  });
  if (reason !== undefined) await context.project.hide(sites, reason.trim());
}

/** Shows again what the rows' entries hide. */
export async function unhideSites(context: TreeCommandContext, rows: readonly TreeRow[]): Promise<void> {
  const rules: HideRule[] = [];
  for (const { sessionId, siteId } of sitesBelow(rows)) {
    const session = context.sessions.get(sessionId);
    const rule = session === undefined ? undefined : context.project.hidden.among(sessionId, session.sites.values()).get(siteId);
    if (rule !== undefined && !rules.includes(rule)) rules.push(rule);
  }
  if (rules.length === 0) void vscode.window.showInformationMessage('Select the hidden sites to show again in Live Tasks first.');
  else await context.project.unhide(rules);
}

/** Opens `.asyncscope.json`, or an editor in which it can be begun. */
export async function openProjectFile({ project }: TreeCommandContext): Promise<void> {
  const { file } = project;
  if (file === undefined) throw new Error(`Open a folder first: ${PROJECT_FILE} stands in it.`);
  try {
    await vscode.window.showTextDocument(file);
  } catch {
    const document = await vscode.workspace.openTextDocument(file.with({ scheme: 'untitled' }));
    const editor = await vscode.window.showTextDocument(document);
    // begun before, and not saved yet
    if (document.getText() === '') await editor.insertSnippet(new vscode.SnippetString('{\n  "version": 1,\n  "hide": [\n    { "file": "${1:src/pool.ts}", "reason": "${2:The pool keeps ten connections open}" }\n  ]\n}\n'));
  }
}

/** Unfolds the stack of a row's site and opens the innermost frame that can be opened. */
export async function revealStack(context: TreeCommandContext, rows: readonly TreeRow[], open: (row: TreeRow) => Promise<void>): Promise<void> {
  const site = siteOf(rows[0]) ?? siteAtCursor(context);
  if (site === undefined) {
    void vscode.window.showInformationMessage('Select a site in Live Tasks first.');
    return;
  }
  const { view } = context;
  const row = (await view.revealFrame(site)) ?? ((await revealUnfiltered(context, site)) ? await view.revealFrame(site) : undefined);
  if (row === undefined) vscode.window.setStatusBarMessage('Asyncscope: this site has no stack', MESSAGE_MS);
  else await open(row);
}

/** Brings a site's row into view; what the filter leaves out is shown all the same when somebody goes there. False when there is no row. */
export async function revealUnfiltered(context: TreeCommandContext, site: RevealSiteArguments): Promise<boolean> {
  const { view, state, sessions } = context;
  if (await view.reveal(site)) return true;
  const { filter, onlyNew } = state.look;
  if ((filter.length === 0 && !onlyNew) || sessions.get(site.sessionId)?.sites.has(site.siteId) !== true) return false;
  await clearFilter(context);
  return view.reveal(site);
}

/** Goes along the stack of the selected row: outwards to the caller, or inwards. What is folded away, or has no source, is passed over. */
export async function stepFrame(context: TreeCommandContext, direction: 1 | -1, open: (row: TreeRow) => Promise<void>): Promise<void> {
  const row = context.view.current;
  if (row?.frame === undefined) {
    await revealStack(context, row === undefined ? [] : [row], open);
    return;
  }
  const site = siteOf(row);
  const next = site === undefined ? undefined : context.view.frameBeyond(site, row.frame.index, direction);
  if (site !== undefined && next?.frame !== undefined) {
    await context.view.revealFrame(site, next.frame.index);
    await open(next);
    return;
  }
  vscode.window.setStatusBarMessage(`Asyncscope: this is the ${direction === 1 ? 'outermost' : 'innermost'} frame`, MESSAGE_MS);
}

/** Sets the filter that a keybinding names; without one a box asks for it. */
export async function setFilter({ state }: TreeCommandContext, given: unknown): Promise<void> {
  if (typeof given !== 'string') {
    await askForFilter(state);
    return;
  }
  const parsed = parseFilter(given);
  if (!parsed.ok) throw new Error(`"${given}" is no filter. ${parsed.error.message}`);
  await state.set({ filter: parsed.filter });
}

export async function clearFilter({ state }: TreeCommandContext): Promise<void> {
  await state.set({ filter: EMPTY_FILTER, onlyNew: false });
}

/** The rows that a command is about: those given, else the selected ones. */
export function rowsOf({ view }: Pick<TreeCommandContext, 'view'>, [element, elements]: RowArguments): readonly TreeRow[] {
  // A keybinding may pass anything.
  const given = Array.isArray(elements) && elements.length > 0 ? (elements as readonly TreeElement[]) : element === undefined ? [] : [element];
  const rows = given.flatMap(({ row }) => (typeof (row as unknown) === 'object' && typeof row.sessionId === 'string' ? [row] : []));
  return rows.length > 0 ? rows : view.selection;
}

/** The sites that rows stand for or that stand below them, each once. Hidden ones only where they are chosen themselves. */
function sitesBelow(rows: readonly TreeRow[]): readonly RevealSiteArguments[] {
  const found = new Map<string, RevealSiteArguments>();
  const visit = (row: TreeRow): void => {
    // Whoever selects a task or a frame means its site.
    const site = siteOf(row);
    const members = row.members?.().map((siteId) => ({ sessionId: row.sessionId, siteId }));
    if (site !== undefined) found.set(siteKey(site), site);
    else if (members !== undefined) for (const member of members) found.set(siteKey(member), member);
    else for (const child of row.children) if (child.context !== ROW_CONTEXTS.hidden) visit(child);
  };
  rows.forEach(visit);
  return [...found.values()];
}

function siteOf(row: TreeRow | undefined): RevealSiteArguments | undefined {
  return row?.siteId === undefined ? undefined : { sessionId: row.sessionId, siteId: row.siteId };
}

function siteAtCursor(context: TreeCommandContext): RevealSiteArguments | undefined {
  const editor = vscode.window.activeTextEditor;
  return editor === undefined ? undefined : context.marks.siteAt(editor.document.uri.toString(), editor.selection.active.line);
}
