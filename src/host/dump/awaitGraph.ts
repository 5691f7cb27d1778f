/** The await graph beside the editor: a webview that draws what it is sent, and what its clicks mean. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { assertNever } from '../../core/base/assertNever';
import type { DumpPosition } from '../../core/model/dump';
import type { DumpFrameParams, RevealGroupsArguments } from '../../protocol/lsp';
import type { FromGraph, GraphStatus, ToGraph } from '../../protocol/webview';
import { parseFromGraph, WEBVIEW_TEXT_LIMIT, WEBVIEW_VERSION } from '../../protocol/webview';
import { clip, stripControls } from '../../core/format/text';
import { DisposableStore } from '../base/disposable';
import { AWAIT_GRAPH } from '../contributions';
import { safeErrorMessage } from '../redact';
import type { RefreshScheduler, SurfaceHandle } from '../refreshScheduler';
import type { SessionStore } from '../sessions/sessionStore';
import { dumpHeadline, dumpMessage, dumpSource } from './dumpState';
import type { DumpStore, HeldDump } from './dumpStore';
import { dumpMessages } from './graphMessages';

export interface AwaitGraphOptions {
  readonly extensionUri: vscode.Uri;
  readonly dumps: DumpStore;
  readonly sessions: SessionStore;
  readonly scheduler: RefreshScheduler;
  readonly log: vscode.LogOutputChannel;
  readonly openPosition: (dumpId: string, position: DumpPosition, options: { readonly groupId: string; readonly column: vscode.ViewColumn }) => Promise<void>;
  readonly reveal: (groups: RevealGroupsArguments) => Promise<unknown>;
  readonly showVariables: (frame: DumpFrameParams) => Promise<unknown>;
  readonly dumpAgain: (dumpId: string) => Promise<unknown>;
}

export class AwaitGraph implements vscode.Disposable {
  readonly #options: AwaitGraphOptions;
  readonly #store = new DisposableStore();
  readonly #surface: SurfaceHandle;
  #panel: vscode.WebviewPanel | undefined;
  #shown: HeldDump | undefined;
  /** The webview has loaded. It forgets everything while it is hidden. */
  #ready = false;
  #sent: { readonly dumpId: string | undefined; readonly status: string } | undefined;
  /** Groups that are to be selected once the webview has them. */
  #select: readonly string[] | undefined;

  constructor(options: AwaitGraphOptions) {
    this.#options = options;
    this.#surface = this.#store.add(options.scheduler.register({ isVisible: () => this.#ready && this.#panel?.visible === true, draw: () => { this.#send(); } }));
    this.#store.add(options.dumps.onDidChange(() => {
      this.#shown = this.#successor();
      this.#surface.invalidate();
    }));
    this.#store.add(options.sessions.onDidChange(() => { this.#surface.invalidate(); }));
  }

  /** For tests: the dump that is on the screen. */
  get dumpId(): string | undefined {
    return this.#panel === undefined ? undefined : this.#sent?.dumpId;
  }

  /** Shows a dump, and selects groups of it. */
  open(dumpId: string, groupIds?: readonly string[]): void {
    this.#shown = this.#options.dumps.get(dumpId);
    this.#select = groupIds;
    if (this.#panel === undefined) this.#panel = this.#create();
    else this.#panel.reveal(undefined, false);
    this.#surface.invalidate();
    this.#surface.flush();
  }

  dispose(): void {
    this.#panel?.dispose();
    this.#store.dispose();
  }

  #create(): vscode.WebviewPanel {
    const folder = vscode.Uri.joinPath(this.#options.extensionUri, 'dist', 'webview');
    const panel = vscode.window.createWebviewPanel(AWAIT_GRAPH, 'Await Graph', vscode.ViewColumn.Beside, { enableScripts: true, localResourceRoots: [folder] });
    const icon = (background: string): vscode.Uri => vscode.Uri.joinPath(this.#options.extensionUri, 'media', `graph-${background}.svg`);
    panel.iconPath = { light: icon('light'), dark: icon('dark') };
    panel.webview.onDidReceiveMessage((message: unknown) => { this.#receive(message); });
    panel.onDidChangeViewState(() => { if (panel.visible) this.#surface.shown(); else this.#ready = false; });
    panel.onDidDispose(() => {
      this.#panel = undefined;
      this.#ready = false;
      this.#sent = undefined;
    });
    panel.webview.html = page(panel.webview, folder);
    return panel;
  }

  /** The dump that takes the place of the one that is shown, now that they have changed. */
  #successor(): HeldDump | undefined {
    const shown = this.#shown;
    const all = this.#options.dumps.all();
    return all.find((held) => held === shown) ?? all.find((held) => shown?.sessionId !== undefined && held.sessionId === shown.sessionId) ?? all[0];
  }

  #send(): void {
    const shown = this.#shown;
    const status = shown === undefined ? undefined : this.#status(shown);
    const now = { dumpId: shown?.id, status: JSON.stringify(status ?? null) };
    if (shown === undefined || status === undefined) {
      if (this.#sent?.status !== now.status) this.#post({ version: WEBVIEW_VERSION, type: 'empty', text: 'There is no async dump. Take one with “Dump Async Tasks” in the title of Live Tasks.' });
    } else if (this.#sent?.dumpId !== shown.id) {
      for (const message of dumpMessages(shown, status)) this.#post(message);
    } else if (this.#sent.status !== now.status) {
      this.#post({ version: WEBVIEW_VERSION, type: 'status', dumpId: shown.id, status });
    }
    this.#sent = now;
    if (shown !== undefined && this.#select !== undefined) {
      this.#post({ version: WEBVIEW_VERSION, type: 'select', dumpId: shown.id, groupIds: [...this.#select] });
      this.#select = undefined;
    }
  }

  #status(held: HeldDump): GraphStatus {
    const source = dumpSource(held, this.#options.sessions);
    return {
      text: clip(dumpHeadline(held, source), WEBVIEW_TEXT_LIMIT),
      full: clip([dumpMessage(held, source), ...held.dump.notes.map(stripControls)].join('\n'), WEBVIEW_TEXT_LIMIT),
      canLookUp: source === 'process',
    };
  }

  #post(message: ToGraph): void {
    this.#panel?.webview.postMessage(message).then(undefined, (error: unknown) => { this.#options.log.debug(`await graph: ${safeErrorMessage(error)}`); });
  }

  #receive(posted: unknown): void {
    const message = parseFromGraph(posted);
    if (message === undefined) {
      this.#options.log.warn('await graph: a message that no webview of this version sends');
      return;
    }
    this.#act(message).catch((error: unknown) => {
      this.#options.log.warn(`await graph: ${safeErrorMessage(error)}`);
      void vscode.window.showErrorMessage(safeErrorMessage(error));
    });
  }

  async #act(message: FromGraph): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.#ready = true;
        this.#sent = undefined;
        this.#surface.invalidate();
        this.#surface.flush();
        return;
      case 'open': {
        const position = this.#position(message);
        if (position !== undefined) await this.#options.openPosition(message.dumpId, position, { groupId: message.groupId, column: this.#sourceColumn() });
        return;
      }
      case 'reveal':
        await this.#options.reveal({ groups: message.groupIds.map((groupId) => ({ dumpId: message.dumpId, groupId })) });
        return;
      case 'variables':
        await this.#options.showVariables({ dumpId: message.dumpId, groupId: message.groupId, task: 0, frame: message.frame });
        return;
      case 'dumpAgain':
        await this.#options.dumpAgain(message.dumpId);
        return;
      case 'error':
        this.#options.log.error(`await graph: ${safeErrorMessage(message.text)}`);
        return;
      default:
        assertNever(message);
    }
  }

  /** Taken from the dump itself: a webview names places, it does not say where they are. */
  #position({ dumpId, groupId, place }: Extract<FromGraph, { type: 'open' }>): DumpPosition | undefined {
    const group = this.#options.dumps.group(dumpId, groupId);
    if (place.of === 'leaf') return group?.waitsFor.at ?? undefined;
    const frame = group?.chain[place.frame];
    return (place.line === 'awaiting' ? frame?.awaiting ?? frame?.declared : frame?.declared ?? frame?.awaiting) ?? undefined;
  }

  /** Beside the graph, where there is an editor already. */
  #sourceColumn(): vscode.ViewColumn {
    const own = this.#panel?.viewColumn;
    const columns = vscode.window.visibleTextEditors.flatMap(({ viewColumn }) => (viewColumn === undefined || viewColumn === own ? [] : [viewColumn]));
    return columns[0] ?? (own === vscode.ViewColumn.One ? vscode.ViewColumn.Beside : vscode.ViewColumn.One);
  }
}

/** Nothing but our own script and style may load, and nothing is written into the page. */
function page(webview: vscode.Webview, folder: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const script = String(webview.asWebviewUri(vscode.Uri.joinPath(folder, 'graph.js')));
  const style = String(webview.asWebviewUri(vscode.Uri.joinPath(folder, 'graph.css')));
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}';">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link rel="stylesheet" href="${style}">
<title>Await Graph</title>
</head>
<body>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
}
