/** One typed table of everything a user can tell us to do. */
import * as vscode from 'vscode';
import type { AttachParams, Consent, RevealSiteArguments } from '../../protocol/lsp';
import { ServerError } from '../client/serverError';
import type { ServerClient } from '../client/serverClient';
import { COMMANDS, VIEWS, WALKTHROUGH } from '../contributions';
import type { DumpCommandContext } from '../dump/dumpCommands';
import { dumpCommands, takeDump } from '../dump/dumpCommands';
import { openPosition } from '../editor/openPosition';
import { takeHeapSnapshot } from '../heapSnapshot/takeHeapSnapshot';
import { countPromises } from './countPromises';
import type { Disposable } from '../base/disposable';
import type { ScriptDocuments } from '../editor/scriptDocuments';
import { DisposableStore } from '../base/disposable';
import { safeErrorMessage } from '../redact';
import type { Attachments } from '../sessions/attachments';
import type { Session, SessionStore } from '../sessions/sessionStore';
import { displayName, isLive } from '../sessions/sessionStore';
import { focusedSession } from '../statusBar/statusText';
import type { TreeElement } from '../tree/liveTasksView';
import type { TreeRow } from '../tree/treeModel';
import { pickTarget } from './pickTarget';
import { targetHost, targetName } from './targetInput';
import type { CommandTable } from './commandTable';
import type { TreeCommandContext } from './treeCommands';
import { clearFilter, copySites, hideSites, openProjectFile, revealStack, revealUnfiltered, rowsOf, setFilter, stepFrame, unhideSites } from './treeCommands';

export interface CommandContext extends TreeCommandContext, DumpCommandContext {
  readonly extension: vscode.ExtensionContext;
  readonly server: ServerClient;
  readonly attachments: Attachments;
  readonly log: vscode.LogOutputChannel;
  /** Hosts other than this machine that the user has agreed to attach to, until the window is closed. */
  readonly remoteHosts: Set<string>;
  /** Where heap snapshots go. */
  readonly scripts: ScriptDocuments;
  readonly snapshotDirectory: () => string;
}

export function registerCommands(context: CommandContext): Disposable {
  const { server, sessions, attachments, view, state, log } = context;
  const open = (row: TreeRow, column?: vscode.ViewColumn): Promise<void> => openRow(context, row, column);

  const table: CommandTable = {
    [COMMANDS.attach]: async (argument) => {
      const given = typeof argument === 'string' || typeof argument === 'number' ? String(argument) : undefined;
      const sources = { processes: (signal: AbortSignal) => server.processes(signal), inspectors: (signal: AbortSignal) => server.discover(signal) };
      const chosen = given === undefined ? await pickTarget(sources, log) : { target: given };
      if (chosen !== undefined) await attachToTarget(context, chosen.target, chosen.identity);
    },
    [COMMANDS.detach]: async (element) => {
      const session = await chooseSession(context, element, () => true, 'Detach from');
      if (session === undefined) return;
      if (session.status === 'ended') sessions.remove(session.id);
      else await attachments.detachSession(session.id);
    },
    [COMMANDS.detachAll]: async () => {
      await attachments.detachAll();
      for (const session of sessions.all()) if (session.status === 'ended') sessions.remove(session.id);
    },
    [COMMANDS.pause]: async (element) => {
      await forSessions(context, element, (session) => session.status === 'attached' || session.status === 'unresponsive', (session) => server.setPaused({ sessionId: session.id, paused: true }));
    },
    [COMMANDS.resume]: async (element) => {
      await forSessions(context, element, (session) => session.status === 'paused', (session) => server.setPaused({ sessionId: session.id, paused: false }));
    },
    [COMMANDS.setBaseline]: async (element) => {
      await forSessions(context, element, isLive, (session) => server.setBaseline(session.id));
    },
    [COMMANDS.sortByCount]: () => state.set({ order: 'count' }),
    [COMMANDS.sortByAge]: () => state.set({ order: 'age' }),
    [COMMANDS.sortByGrowth]: () => state.set({ order: 'growth' }),
    [COMMANDS.groupBySite]: () => state.set({ grouping: 'site' }),
    [COMMANDS.groupByKind]: () => state.set({ grouping: 'kind' }),
    [COMMANDS.groupByFile]: () => state.set({ grouping: 'file' }),
    [COMMANDS.groupByPackage]: () => state.set({ grouping: 'package' }),
    [COMMANDS.filter]: (given) => setFilter(context, given),
    [COMMANDS.clearFilter]: () => clearFilter(context),
    [COMMANDS.showOnlyNew]: () => state.set({ onlyNew: true }),
    [COMMANDS.showAll]: () => state.set({ onlyNew: false }),
    [COMMANDS.showInternals]: () => state.set({ internals: 'inline' }),
    [COMMANDS.foldInternals]: () => state.set({ internals: 'folded' }),
    [COMMANDS.countPromises]: async (element) => {
      const session = await chooseSession(context, element, isLive, 'Count promises from before the attach of');
      if (session !== undefined) await countPromises(session, server);
    },
    [COMMANDS.takeHeapSnapshot]: async (element) => {
      const session = await chooseSession(context, element, isLive, 'Take a heap snapshot of');
      if (session !== undefined) await takeHeapSnapshot(session, server, context.snapshotDirectory(), log);
    },
    ...dumpCommands(context),
    [COMMANDS.dump]: async (element) => {
      const session = await chooseSession(context, element, isLive, 'Dump the async tasks of');
      if (session !== undefined) await takeDump(context, session);
    },
    [COMMANDS.refresh]: async () => {
      if (server.state === 'failed') await server.restart();
      view.refresh();
    },
    [COMMANDS.copySite]: (...args) => copySites(context, rowsOf(context, args), 'text'),
    [COMMANDS.copyAsJson]: (...args) => copySites(context, rowsOf(context, args), 'json'),
    [COMMANDS.copyAsFoldedStacks]: (...args) => copySites(context, rowsOf(context, args), 'folded'),
    [COMMANDS.hideSite]: (element, elements, reason) => hideSites(context, rowsOf(context, [element, elements]), reason),
    [COMMANDS.unhideSite]: (...args) => unhideSites(context, rowsOf(context, args)),
    [COMMANDS.openProjectFile]: () => openProjectFile(context),
    [COMMANDS.openSite]: async (site) => {
      await openSite(context, 'row' in site ? { sessionId: site.row.sessionId, siteId: site.row.siteId ?? '' } : site);
    },
    [COMMANDS.openSiteToSide]: async (...args) => {
      const [row] = rowsOf(context, args);
      if (row !== undefined) await open(row, vscode.ViewColumn.Beside);
    },
    [COMMANDS.openFrame]: async (site, index) => {
      // Not revealed: that would take the focus from whatever the user turns to meanwhile.
      const row = view.frame(site, index);
      if (row !== undefined) await open(row);
    },
    [COMMANDS.revealStack]: (...args) => revealStack(context, rowsOf(context, args), open),
    [COMMANDS.nextFrame]: () => stepFrame(context, 1, open),
    [COMMANDS.previousFrame]: () => stepFrame(context, -1, open),
    [COMMANDS.openWalkthrough]: async () => {
      await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.extension.id}#${WALKTHROUGH}`, false);
    },
    [COMMANDS.revealSite]: async (site) => {
      if (await revealUnfiltered(context, site)) return;
      await vscode.commands.executeCommand(`${VIEWS.liveTasks}.focus`);
      vscode.window.setStatusBarMessage('Asyncscope: no task of this line is alive any more', 4000);
    },
    [COMMANDS.openSettings]: async () => {
      await vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${context.extension.extension.id}`);
    },
    [COMMANDS.showLog]: () => {
      log.show(true);
      return Promise.resolve();
    },
    [COMMANDS.showActions]: async () => {
      await showActions(context);
    },
  };

  const store = new DisposableStore();
  for (const id of Object.values(COMMANDS)) {
    const run = table[id] as (...args: unknown[]) => Promise<void>;
    store.add(vscode.commands.registerCommand(id, async (...args: unknown[]) => {
      try {
        await run(...args);
      } catch (error) {
        log.error(`${id}: ${safeErrorMessage(error)}`);
        // The command is over; its message stays until it is dealt with.
        offerLog(safeErrorMessage(error)).catch((reason: unknown) => {
          log.error(`showing the log: ${safeErrorMessage(reason)}`);
        });
      }
    }));
  }
  return store;
}

/**
 * Attaches to an address, telling the user how it goes, and asks where it takes more than they have said.
 * @param identity of the process that they chose from a list
 */
export async function attachToTarget(context: CommandContext, target: string, identity?: string): Promise<void> {
  const { attachments, view, log, remoteHosts } = context;
  const name = targetName(target);
  const consents: Consent[] = remoteHosts.has(targetHost(target)) ? ['remote host'] : [];
  for (;;) {
    const params: AttachParams = { target: target.trim(), ...(identity !== undefined && { identity }), consents: [...consents] };
    const attaching = attachments.attach({ key: `target:${name}`, name, resolve: () => Promise.resolve(params) });
    try {
      const sessionId = await vscode.window.withProgress({ location: { viewId: VIEWS.liveTasks }, title: `Attaching to ${name}…` }, () => attaching);
      if (sessionId === undefined) return;
      break;
    } catch (error) {
      if (error instanceof ServerError && error.reason === 'attached already') {
        // no failure: what was asked for is there
        void vscode.window.showInformationMessage(error.message);
        await vscode.commands.executeCommand(`${VIEWS.liveTasks}.focus`);
        return;
      }
      const consent = error instanceof ServerError ? await askConsent(name, error) : undefined;
      if (consent === 'refused') return;
      if (consent === undefined || consents.includes(consent)) throw error;
      consents.push(consent);
      if (consent === 'remote host') remoteHosts.add(targetHost(target));
    }
  }
  log.info(`attached to ${name}`);
  view.invalidate();
  await vscode.commands.executeCommand(`${VIEWS.liveTasks}.focus`);
}

/** Asks the user about what the server does not do unasked; undefined when that is not what went wrong. */
async function askConsent(name: string, { reason, message }: ServerError): Promise<Consent | 'refused' | undefined> {
  const ask = async (question: string, detail: string, yes: string): Promise<boolean> =>
    (await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) === yes;
  switch (reason) {
    case 'remote host':
      return (await ask(
        `Attach to ${name}, which is another machine?`,
        `${message} A forwarded port (ssh -L) is safer. Your answer holds for this host until the window is closed.`,
        'Attach',
      )) ? 'remote host' : 'refused';
    case 'signal unsure':
      return (await ask('Send SIGUSR1 to this process?', message, 'Send SIGUSR1')) ? 'signal' : 'refused';
    default:
      return undefined;
  }
}

async function offerLog(message: string): Promise<void> {
  const showLog = 'Show Log';
  if ((await vscode.window.showErrorMessage(message, showLog)) === showLog) await vscode.commands.executeCommand(COMMANDS.showLog);
}

/** The session of a row where it fits; else the only one that fits, or the one that the user picks. */
async function chooseSession(
  { sessions, view }: CommandContext,
  element: TreeElement | undefined,
  fits: (session: Session) => boolean,
  what: string,
): Promise<Session | undefined> {
  const given = sessionOf(sessions, element);
  if (given !== undefined && fits(given)) return given;
  const candidates = sessions.all().filter(fits);
  if (candidates.length <= 1) {
    if (candidates.length === 0) void vscode.window.showInformationMessage('Asyncscope is not attached to anything.');
    return candidates[0];
  }
  const first = focusedSession(candidates, [view.selectedSessionId, vscode.debug.activeDebugSession?.id]);
  const items = [...candidates]
    .sort((a, b) => Number(b === first) - Number(a === first))
    .map((session) => ({ label: displayName(session), description: session.target === undefined ? '' : `pid ${String(session.target.pid)}`, session }));
  return (await vscode.window.showQuickPick(items, { title: `${what} which process?` }))?.session;
}

/** For the session of a row where it fits, else for all that do: a button in the title comes with the row that has the focus. */
async function forSessions(
  { sessions }: CommandContext,
  element: TreeElement | undefined,
  fits: (session: Session) => boolean,
  act: (session: Session) => Promise<void>,
): Promise<void> {
  const given = sessionOf(sessions, element);
  await Promise.all((given !== undefined && fits(given) ? [given] : sessions.all().filter(fits)).map(act));
}

function sessionOf(sessions: SessionStore, element: TreeElement | undefined): Session | undefined {
  // A keybinding may pass anything.
  const row: unknown = element?.row;
  return typeof row === 'object' && row !== null && 'sessionId' in row && typeof row.sessionId === 'string' ? sessions.get(row.sessionId) : undefined;
}

/** Opens what a row stands for: a frame of a stack, or its site. */
async function openRow(context: CommandContext, row: TreeRow, column?: vscode.ViewColumn): Promise<void> {
  if (row.frame !== undefined) await openPosition(context.scripts, row.sessionId, row.frame.position, { column });
  else if (row.siteId !== undefined) await openSite(context, { sessionId: row.sessionId, siteId: row.siteId }, column);
}

async function openSite(context: CommandContext, argument: RevealSiteArguments, column?: vscode.ViewColumn): Promise<void> {
  const { sessions, marks } = context;
  const site = sessions.get(argument.sessionId)?.sites.get(argument.siteId);
  if (site === undefined || site.file === null) return;
  // Where the file is open and edited, its mark has moved along with the line.
  await openPosition(context.scripts, argument.sessionId, site, { movedTo: marks.lineOf(vscode.Uri.file(site.file).toString(), argument), column });
}

async function showActions({ sessions }: CommandContext): Promise<void> {
  interface ActionItem extends vscode.QuickPickItem {
    readonly command?: string;
  }
  const action = (icon: string, label: string, command: string): ActionItem => ({ label: `$(${icon}) ${label}`, command });
  const all = sessions.all();
  const items: ActionItem[] = [action('list-tree', 'Show Live Tasks', `${VIEWS.liveTasks}.focus`)];
  if (all.some((session) => session.status === 'attached')) items.push(action('debug-pause', 'Pause', COMMANDS.pause));
  if (all.some((session) => session.status === 'paused')) items.push(action('debug-continue', 'Resume', COMMANDS.resume));
  if (all.some(isLive)) {
    items.push(action('milestone', 'Set Baseline', COMMANDS.setBaseline), action('type-hierarchy', 'Dump Async Tasks', COMMANDS.dump), action('device-camera', 'Take Heap Snapshot', COMMANDS.takeHeapSnapshot));
  }
  items.push(action('plug', 'Attach to Process…', COMMANDS.attach));
  if (all.length > 0) items.push(action('debug-disconnect', 'Detach…', COMMANDS.detach));
  items.push({ label: '', kind: vscode.QuickPickItemKind.Separator }, action('settings-gear', 'Settings', COMMANDS.openSettings), action('output', 'Show Log', COMMANDS.showLog));
  const chosen = await vscode.window.showQuickPick(items, { title: 'Asyncscope' });
  if (chosen?.command !== undefined) await vscode.commands.executeCommand(chosen.command);
}
