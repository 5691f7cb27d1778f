import { after, before, describe, it } from 'mocha';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { commands, debug, MarkdownString, Uri, window, workspace } from 'vscode';
import type { CodeLens, Hover } from 'vscode';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import { activate, attachedSession, eventually, noSessions, rowsBelow, setting, treeRow } from './support.ts';

const CONFIGURATION = 'Orders service';

/** Waits until debugging has stopped; says what is left when it does not. */
async function noDebugSession(api: AsyncscopeTestApi): Promise<void> {
  await eventually(
    'no debug session',
    () => (debug.activeDebugSession === undefined ? true : undefined),
    () => ({
      debugging: debug.activeDebugSession?.name,
      sessions: api.sessions().map(({ status, end, target }) => ({ status, end, pid: target?.pid, alive: target !== undefined && existsSync(`/proc/${String(target.pid)}`) })),
    }),
  );
}

describe('debugging the sample service', () => {
  let api: AsyncscopeTestApi;

  before(async () => {
    api = await activate();
    equal(await debug.startDebugging(workspace.workspaceFolders?.[0], CONFIGURATION), true);
  });

  after(async () => {
    await debug.stopDebugging();
    await noDebugSession(api);
    await noSessions(api);
    await commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('attaches by itself, once', async () => {
    const session = await attachedSession(api, ({ debugSessionId }) => debugSessionId !== undefined);
    ok((session.target?.pid ?? 0) > 0);
    equal(api.sessions().length, 1);
  });

  it('finds the lines in TypeScript: row, mark, lens and hover agree', async () => {
    const row = await treeRow(api, 'of the warehouse', ({ context, description }) => context === 'site' && /^warehouse\.ts:\d+/.test(description));
    const uri = Uri.file(join(workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', 'src', 'warehouse.ts'));
    await window.showTextDocument(uri);
    const line = Number(/^warehouse\.ts:(\d+)/.exec(row.description)?.[1]) - 1;
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
    await debug.stopDebugging();
    await eventually('the end', () => (api.sessions().every(({ status }) => status === 'ended') ? true : undefined));
    equal(rowsBelow(api.tree().rows).filter(({ context }) => context === 'site').length, 0);
    await noDebugSession(api);
    equal(await debug.startDebugging(workspace.workspaceFolders?.[0], CONFIGURATION), true);
    await attachedSession(api);
    deepEqual(api.sessions().map(({ name, status }) => [name, status]), [[name, 'attached']]);
  });

  it('leaves debug sessions alone when it is told to', async () => {
    await debug.stopDebugging();
    await noDebugSession(api);
    await noSessions(api);
    await setting('autoAttach', false);
    try {
      equal(await debug.startDebugging(workspace.workspaceFolders?.[0], CONFIGURATION), true);
      await eventually('a process', () => (debug.activeDebugSession?.parentSession === undefined ? undefined : true));
      equal(api.sessions().length, 0);
    } finally {
      await setting('autoAttach', undefined);
    }
  });
});
