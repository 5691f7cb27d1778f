import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commands, env, Uri, window, workspace } from 'vscode';
import type { CodeLens } from 'vscode';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import { activate, attachedSession, eventually, noSessions, rowsBelow, setting, startTarget, TARGET_INTERVALS, TARGET_LINES, TARGET_PROMISES, treeRow } from './support.ts';
import type { Target } from './support.ts';

/** Time for the observer to be there before the tasks are; milliseconds. */
const START_AFTER_MS = 2500;

describe('attaching by address', () => {
  let api: AsyncscopeTestApi;
  let target: Target;

  before(async () => {
    api = await activate();
  });

  beforeEach(async () => {
    target = await startTarget(START_AFTER_MS);
    await commands.executeCommand('asyncscope.attach', target.address);
  });

  afterEach(async () => {
    await noSessions(api);
    await target.stop();
    await commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('shows what is alive, counted exactly, with its process', async () => {
    const session = await attachedSession(api);
    equal(session.target?.pid, target.child.pid);
    const intervals = await treeRow(api, 'of the intervals', ({ description }) => description.startsWith(`${String(TARGET_INTERVALS)}  `) && description.endsWith(`  target.js:${String(TARGET_LINES.interval)}`));
    equal(intervals.label, 'beat');
    await treeRow(api, 'of the promises', ({ description }) => description.startsWith(`${String(TARGET_PROMISES)}  `) && description.endsWith(`  target.js:${String(TARGET_LINES.promise)}`));
    const heap = await treeRow(api, 'of the heap', ({ label }) => label === 'Heap');
    match(heap.description, /^\d[\d.]* MB used of /);
    await eventually('the status bar', () => (/^\$\(pulse\) .+ \d+ tasks · \d+\/\d+ MB · loop /.test(api.status()?.text ?? '') ? true : undefined));
    await eventually('the badge', () => ((api.tree().badge ?? 0) >= TARGET_INTERVALS + TARGET_PROMISES ? true : undefined));
  });

  it('lists the tasks of a site that is opened', async () => {
    const site = await treeRow(api, 'of the promises', ({ description }) => description.endsWith(`target.js:${String(TARGET_LINES.promise)}`));
    ok(site.siteId !== undefined);
    await commands.executeCommand('asyncscope.revealSite', { sessionId: site.sessionId, siteId: site.siteId });
    const open = await eventually('task rows', () => {
      const row = rowsBelow(api.tree().rows).find(({ id }) => id === site.id);
      return row?.children.filter(({ context }) => context === 'task').length === TARGET_PROMISES ? row : undefined;
    });
    for (const task of open.children.filter(({ context }) => context === 'task')) match(task.description, /pending/);
    const stack = await treeRow(api, 'of the stack', ({ context, id }) => context === 'stack' && id === `stack/${site.id}`);
    ok(stack.children.some(({ label, context }) => label === 'waitForever' && context === 'frame'));
    await commands.executeCommand('list.collapse');
  });

  it('marks the lines, as the settings say, and unmarks them after the detach', async () => {
    const uri = Uri.file(target.file);
    await window.showTextDocument(uri);
    const promise = await eventually('the mark', () => api.marksOf(uri).find(({ line }) => line === TARGET_LINES.promise - 1));
    deepEqual({ kind: promise.kind, heat: promise.heat, gutter: promise.gutter, ruler: promise.ruler }, { kind: 'promise', heat: 2, gutter: true, ruler: true });
    match(promise.text ?? '', /15 promises/);

    await setting('gutter', false);
    await setting('endOfLineText', false);
    try {
      await eventually('marks without picture and text', () => (api.marksOf(uri).every(({ gutter, text }) => !gutter && text === undefined) ? true : undefined));
    } finally {
      await setting('gutter', undefined);
      await setting('endOfLineText', undefined);
    }
    const lenses = async (): Promise<number> => (await commands.executeCommand<CodeLens[]>('vscode.executeCodeLensProvider', uri)).length;
    await eventually('lenses', async () => ((await lenses()) > 0 ? true : undefined));
    const editor = workspace.getConfiguration('editor');
    await editor.update('codeLens', false, true);
    try {
      await eventually('no lenses where the editor shows none', async () => ((await lenses()) === 0 ? true : undefined));
    } finally {
      await editor.update('codeLens', undefined, true);
    }
    await commands.executeCommand('asyncscope.detachAll');
    await eventually('no marks', () => (api.marksOf(uri).length === 0 ? true : undefined));
  });

  it('pauses, resumes and counts from a baseline', async () => {
    await treeRow(api, 'of the intervals', ({ description }) => description.includes(`  +${String(TARGET_INTERVALS)}  `));
    await commands.executeCommand('asyncscope.setBaseline');
    await treeRow(api, 'of the intervals without a change', ({ description }) => new RegExp(`^${String(TARGET_INTERVALS)} {2}(?!\\+).*target\\.js:${String(TARGET_LINES.interval)}$`).test(description));
    await commands.executeCommand('asyncscope.pause');
    await eventually('paused', () => (api.sessions().every(({ status }) => status === 'paused') ? true : undefined));
    match((await eventually('the status bar', () => (api.status()?.text.includes('paused') === true ? api.status() : undefined))).text, /paused/);
    await commands.executeCommand('asyncscope.resume');
    await attachedSession(api);
  });

  it('opens the line of a site, and copies a site as text', async () => {
    const site = await treeRow(api, 'of the intervals', ({ label }) => label === 'beat');
    await commands.executeCommand('asyncscope.openSite', { sessionId: site.sessionId, siteId: site.siteId });
    await eventually('the editor', () => (window.activeTextEditor?.document.uri.fsPath === target.file && window.activeTextEditor.selection.active.line === TARGET_LINES.interval - 1 ? true : undefined));
    await commands.executeCommand('asyncscope.copySite', { id: site.id, row: site });
    const copied = await eventually('the clipboard', async () => {
      const text = await env.clipboard.readText();
      return text.includes('beat at ') ? text : undefined;
    });
    match(copied, /7 intervals, oldest .+, \+7 since the baseline/);
  });

  it('says when the process is gone, and goes on when it comes back', async () => {
    const before = await attachedSession(api);
    target.child.kill('SIGKILL');
    const row = await treeRow(api, 'of the wait', ({ description }) => description.includes('waiting for it to come back'));
    ok(row.children.length > 0);
    await eventually('no badge', () => (api.tree().badge === undefined ? true : undefined));
    await eventually('the status bar', () => (api.status()?.text.includes('waiting for it to come back') === true ? true : undefined));
    const again = await startTarget(START_AFTER_MS, { before: target });
    try {
      const session = await attachedSession(api, ({ target: process }) => process?.pid === again.child.pid);
      equal(session.id, before.id);
    } finally {
      await again.stop();
    }
  });

  it('ends with its process when it is told to', async () => {
    await attachedSession(api);
    await setting('followRestarts', false);
    try {
      target.child.kill('SIGKILL');
      const row = await treeRow(api, 'of the end', ({ description }) => description.includes('ended: '));
      ok(row.children.length > 0);
      await eventually('the status bar', () => (api.status()?.text.includes('ended') === true ? true : undefined));
    } finally {
      await setting('followRestarts', undefined);
    }
  });

  it('attaches again after a detach', async () => {
    await attachedSession(api);
    await noSessions(api);
    await eventually('no status bar item', () => (api.status() === undefined ? true : undefined));
    await commands.executeCommand('asyncscope.attach', target.address);
    await attachedSession(api);
  });

  it('attaches again when the server died', async () => {
    await attachedSession(api);
    const pid = api.serverPid();
    ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    await eventually('another server', () => (api.serverPid() !== undefined && api.serverPid() !== pid ? true : undefined));
    equal((await attachedSession(api)).target?.pid, target.child.pid);
  });

  it('sorts, and lists internals among the rest', async () => {
    await commands.executeCommand('asyncscope.sortByAge');
    await commands.executeCommand('asyncscope.showInternals');
    await eventually('no folded row', () => (rowsBelow(api.tree().rows).every(({ context }) => context !== 'internals') ? true : undefined));
    await commands.executeCommand('asyncscope.foldInternals');
    await commands.executeCommand('asyncscope.sortByCount');
    const counts = await eventually('sites', () => {
      const sites = (api.tree().rows[0]?.children ?? []).filter(({ context }) => context === 'site');
      return sites.length >= 2 ? sites.map(({ description }) => Number(/^~?([\d,]+) {2}/.exec(description)?.[1]?.replace(',', ''))) : undefined;
    });
    deepEqual(counts, [...counts].sort((a, b) => b - a));
  });

  describe('heap snapshots', () => {
    let directory: string;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'asyncscope-snapshots-'));
      await setting('snapshotDirectory', join(directory, 'new'));
    });

    after(async () => {
      await setting('snapshotDirectory', undefined);
      await rm(directory, { recursive: true, force: true });
    });

    it('are written for the owner only, and opened', async () => {
      await attachedSession(api);
      await commands.executeCommand('asyncscope.takeHeapSnapshot');
      const file = await eventually('the file in an editor', () => {
        const tabs = window.tabGroups.all.flatMap(({ tabs: each }) => each.map(({ label }) => label));
        return tabs.find((label) => label.endsWith('.heapsnapshot'));
      });
      const [name] = await readdir(join(directory, 'new'));
      equal(name, file);
      const path = join(directory, 'new', file);
      equal(((await stat(path)).mode & 0o777).toString(8), '600');
      equal(((await stat(join(directory, 'new'))).mode & 0o777).toString(8), '700');
      const snapshot = JSON.parse(await readFile(path, 'utf8')) as { nodes: unknown[]; strings: string[] };
      ok(snapshot.nodes.length > 0);
      ok(snapshot.strings.includes('waitForever'));
      await commands.executeCommand('workbench.action.closeActiveEditor');
    });
  });

  it('leaves the workspace without settings of its own', () => {
    equal(workspace.getConfiguration('asyncscope').inspect('gutter')?.globalValue, undefined);
  });
});
