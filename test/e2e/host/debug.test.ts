import { after, before, describe, it } from 'mocha';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { join } from 'node:path';
import { commands, debug, MarkdownString, Uri, window, workspace } from 'vscode';
import type { CodeLens, Hover } from 'vscode';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import { activate, attachedSession, eventually, noSessions, rowsBelow, setting, treeRow } from './support.ts';

const CONFIGURATION = 'Orders service';

/**
 * The sessions that have a process. The launcher's own session has none, and the debugger sometimes leaves it behind
 * when a launch is stopped early, with this extension attached or not: it says nothing about the process.
 */
class ProcessSessions {
  readonly #live = new Set<string>();
  readonly #subscriptions = [
    debug.onDidStartDebugSession(({ id, parentSession }) => {
      if (parentSession !== undefined) this.#live.add(id);
    }),
    debug.onDidTerminateDebugSession(({ id }) => this.#live.delete(id)),
  ];

  async start(): Promise<void> {
    equal(await debug.startDebugging(workspace.workspaceFolders?.[0], CONFIGURATION), true);
    await eventually('a debugged process', () => (this.#live.size > 0 ? true : undefined));
  }

  async stop(): Promise<void> {
    await debug.stopDebugging();
    await eventually('no debugged process', () => (this.#live.size === 0 ? true : undefined));
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }
}

describe('debugging the sample service', () => {
  let api: AsyncscopeTestApi;
  let processes: ProcessSessions;

  before(async () => {
    api = await activate();
    processes = new ProcessSessions();
    await processes.start();
  });

  after(async () => {
    await processes.stop();
    processes.dispose();
    await noSessions(api);
    await commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('attaches by itself, once', async () => {
    const session = await attachedSession(api, ({ debugSessionId }) => debugSessionId !== undefined);
    ok((session.target?.pid ?? 0) > 0);
    equal(api.sessions().length, 1);
  });

  it('finds the lines in TypeScript: row, mark, lens and hover agree', async () => {
    const row = await treeRow(api, 'of the warehouse', ({ label, description }) => label === 'whenPacked' && / warehouse\.ts:\d+$/.test(description));
    const uri = Uri.file(join(workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', 'src', 'warehouse.ts'));
    await window.showTextDocument(uri);
    const line = Number(/ warehouse\.ts:(\d+)$/.exec(row.description)?.[1]) - 1;
    await eventually('a mark', () => api.marksOf(uri).find((mark) => mark.line === line));
    let lenses: CodeLens[] = [];
    await eventually('a lens', async () => {
      lenses = await commands.executeCommand<CodeLens[]>('vscode.executeCodeLensProvider', uri, 100);
      return lenses.find(({ range, command }) => range.start.line === line && command?.command === 'asyncscope.revealSite');
    }, () => lenses);
    let hovers: Hover[] = [];
    await eventually('a hover', async () => {
      hovers = await commands.executeCommand<Hover[]>('vscode.executeHoverProvider', uri, window.activeTextEditor?.document.lineAt(line).range.end);
      return hovers.find(({ contents }) => contents.some((each) => each instanceof MarkdownString && each.value.includes(row.label)));
    }, () => [row.label, hovers]);
  });

  it('shows the session as ended when debugging stops, and attaches to the next one', async () => {
    const name = api.sessions()[0]?.name;
    await processes.stop();
    await eventually('the end', () => (api.sessions().every(({ status }) => status === 'ended') ? true : undefined));
    equal(rowsBelow(api.tree().rows).filter(({ context }) => context === 'site').length, 0);
    await processes.start();
    await attachedSession(api);
    deepEqual(api.sessions().map((session) => [session.name, session.status]), [[name, 'attached']]);
  });

  it('leaves debug sessions alone when it is told to', async () => {
    await processes.stop();
    await noSessions(api);
    await setting('autoAttach', false);
    try {
      await processes.start();
      // An attach shows as soon as the debugger has told of its session.
      equal(api.viewState(), 'idle');
    } finally {
      await setting('autoAttach', undefined);
    }
  });
});
