/** The composition root: makes the parts of the host and joins them. Nothing is decided here. */
import * as vscode from 'vscode';
import { isAbsolute, join } from 'node:path';
import { DisposableStore } from './host/base/disposable';
import { ServerClient } from './host/client/serverClient';
import type { CommandContext } from './host/commands/commands';
import { attachToTarget, registerCommands } from './host/commands/commands';
import { createContextKeys } from './host/contextKeys';
import { ATTACH_VARIABLE } from './host/contributions';
import { createDebugBridge } from './host/debugBridge/debugBridge';
import { AwaitGraph } from './host/dump/awaitGraph';
import { dumpAgain, openDumpPosition, unfiltered } from './host/dump/dumpCommands';
import { DumpLook } from './host/dump/dumpLook';
import { DumpStore } from './host/dump/dumpStore';
import { DumpView } from './host/dump/dumpView';
import { LookUps } from './host/dump/lookUps';
import { Decorations } from './host/editor/decorations';
import { MarksModel } from './host/editor/marksModel';
import { ScriptDocuments } from './host/editor/scriptDocuments';
import { introduceView } from './host/introduction';
import { safeErrorMessage } from './host/redact';
import { ProjectFiles } from './host/project/projectFiles';
import { RefreshScheduler } from './host/refreshScheduler';
import { Attachments } from './host/sessions/attachments';
import { SessionStore } from './host/sessions/sessionStore';
import { affectsSettings, readServerSettings, readSettings, settingsProblem } from './host/settings';
import { StatusBar } from './host/statusBar/statusBar';
import type { AsyncscopeTestApi } from './host/testApi';
import { LiveTasksView } from './host/tree/liveTasksView';
import { TreeState } from './host/tree/treeState';

export function activate(extension: vscode.ExtensionContext): AsyncscopeTestApi {
  const store = new DisposableStore();
  extension.subscriptions.push(store);

  const log = store.add(vscode.window.createOutputChannel('Asyncscope', { log: true }));
  const scheduler = store.add(new RefreshScheduler((error) => { log.error(`drawing: ${safeErrorMessage(error)}`); }));
  const sessions = store.add(new SessionStore());
  const marks = store.add(new MarksModel());
  const project = store.add(new ProjectFiles(log));
  const settings = () => readServerSettings(project.configs.map(({ config }) => config.origin));
  const server = store.add(new ServerClient({
    serverModule: extension.asAbsolutePath(join('dist', 'server.js')),
    settings,
    log,
  }));
  const attachments = store.add(new Attachments(server));

  const state = store.add(new TreeState(extension.workspaceState));
  const view = store.add(new LiveTasksView({
    extensionUri: extension.extensionUri,
    sessions,
    scheduler,
    log,
    fetchSite: (site) => server.site(site),
    watch: (sessionId, siteIds) => server.watch({ sessionId, siteIds: [...siteIds] }),
    state,
    hidden: () => project.hidden,
    problem: () => project.problem,
  }));
  const decorations = store.add(new Decorations({ extensionUri: extension.extensionUri, marks, scheduler, settings: readSettings }));
  const status = store.add(new StatusBar(sessions, scheduler, () => view.selectedSessionId));
  const dumps = store.add(new DumpStore());
  const dumpLook = store.add(new DumpLook(extension.workspaceState));
  const dumpView = store.add(new DumpView({ dumps, sessions, scheduler, lookUps: new LookUps(server, safeErrorMessage), look: dumpLook }));
  store.add(dumpLook.onDidChange(() => { dumpView.refresh(); }));
  const scripts = store.add(new ScriptDocuments({ server, sessions, log }));
  const graph = store.add(new AwaitGraph({
    extensionUri: extension.extensionUri,
    dumps,
    sessions,
    scheduler,
    log,
    openPosition: (dumpId, position, options) => openDumpPosition({ dumps, marks, scripts }, dumpId, position, options),
    reveal: (groups) => unfiltered(dumpLook, () => dumpView.reveal(groups)),
    showVariables: (frame) => unfiltered(dumpLook, () => dumpView.revealVariables(frame)),
    dumpAgain: (dumpId) => dumpAgain(context, dumpId),
  }));
  const contextKeys = store.add(createContextKeys({ sessions, attachments, server, tree: state, dumps, dumpLook }));

  store.add(server.onUpdate((update) => {
    attachments.observe(update);
    sessions.apply(update);
  }));
  store.add(server.onMarks((update) => { marks.apply(vscode.Uri.parse(update.uri).toString(), update); }));
  store.add(server.onDidChangeState((serverState) => {
    if (serverState === 'running') {
      tellProject();
      attachments.reattach().catch((error: unknown) => { log.error(`attaching again: ${safeErrorMessage(error)}`); });
      return;
    }
    attachments.serverLost();
    sessions.clear();
    marks.clear();
    // a new server numbers its dumps anew, and cannot look into the processes of these
    dumps.clear();
  }));
  store.add(project.onDidChange(() => {
    tellProject();
    server.configure(settings()).catch((error: unknown) => { log.warn(`settings: ${safeErrorMessage(error)}`); });
    view.invalidate();
  }));
  store.add(attachments.onDidFail(({ intent, error }) => { reportFailure(intent.name, error); }));

  let toldProblem: string | undefined;
  const tellProblem = (): void => {
    const problem = settingsProblem();
    if (problem !== undefined && problem !== toldProblem) void vscode.window.showWarningMessage(problem);
    toldProblem = problem;
  };
  tellProblem();
  store.add(vscode.workspace.onDidChangeConfiguration((change) => {
    if (!affectsSettings(change)) return;
    tellProblem();
    decorations.invalidate();
    server.configure(settings()).catch((error: unknown) => { log.warn(`settings: ${safeErrorMessage(error)}`); });
  }));

  const context: CommandContext = {
    extension,
    server,
    sessions,
    attachments,
    marks,
    view,
    log,
    remoteHosts: new Set(),
    state,
    project,
    scripts,
    dumps,
    dumpLook,
    dumpView,
    graph,
    snapshotDirectory: () => snapshotDirectory(extension),
  };
  store.add(registerCommands(context));
  store.add(createDebugBridge({ attachments, sessions, autoAttach: () => readSettings().autoAttach, connection: () => readSettings().connection, log, onFailure: reportFailure }));

  store.add(introduceView({
    sessions,
    memory: extension.globalState,
    unfold: () => view.unfold(),
    onError: (error) => { log.warn(`showing the view: ${safeErrorMessage(error)}`); },
  }));

  const target = process.env[ATTACH_VARIABLE];
  if (target !== undefined && target !== '') {
    attachToTarget(context, target).catch((error: unknown) => { reportFailure(ATTACH_VARIABLE, error); });
  }

  return {
    sessions: () => sessions.all(),
    tree: () => view.snapshot(),
    marksOf: (uri) => decorations.applied(uri),
    suspendedMarksOf: (uri) => decorations.appliedSuspended(uri),
    dumps: () => dumps.all(),
    dumpTree: () => dumpView.snapshot(),
    graphDump: () => graph.dumpId,
    status: () => status.shown,
    serverState: () => server.state,
    serverPid: () => server.pid,
    viewState: () => contextKeys.viewState,
  };

  /** The server hides the same sites on the line that the tree hides. */
  function tellProject(): void {
    server.setProject({ folders: project.configs.flatMap(({ paths, config }) => paths.map((folder) => ({ folder, hide: [...config.hide] }))) }).catch((error: unknown) => { log.warn(`hidden sites: ${safeErrorMessage(error)}`); });
  }

  function reportFailure(name: string, error: unknown): void {
    const message = `Asyncscope could not attach to ${name}: ${safeErrorMessage(error)}`;
    log.warn(message);
    void vscode.window.showWarningMessage(message);
  }
}

function snapshotDirectory(extension: vscode.ExtensionContext): string {
  const setting = readSettings().snapshotDirectory.trim();
  if (setting === '') return join(extension.globalStorageUri.fsPath, 'snapshots');
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  return isAbsolute(setting) ? setting : join(folder ?? extension.globalStorageUri.fsPath, setting);
}
