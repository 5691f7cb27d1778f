import { after, afterEach, before, describe, it } from 'mocha';
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, env, languages, Uri, window, workspace } from 'vscode';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import type { TreeRow } from '../../../src/host/tree/treeModel.ts';
import { activate, attachedSession, eventually, noSessions, rowsBelow, setting, startTarget, TARGET_INTERVALS, TARGET_LINES, TARGET_PROMISES, treeRow } from './support.ts';
import type { Target } from './support.ts';

/** Time for the observer to be there before the tasks are; milliseconds. */
const START_AFTER_MS = 2500;

/** Of the target with many sites. */
const MANY_SITES = 10_000;

describe('the tree', () => {
  let api: AsyncscopeTestApi;
  let target: Target;
  let projectFile: string;

  before(async () => {
    api = await activate();
    projectFile = join(workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '.asyncscope.json');
    target = await startTarget(START_AFTER_MS);
    await commands.executeCommand('asyncscope.attach', target.address);
    await attachedSession(api);
    await promiseRow();
  });

  afterEach(async () => {
    await commands.executeCommand('asyncscope.clearFilter');
    await commands.executeCommand('asyncscope.groupBySite');
    await commands.executeCommand('workbench.action.closeAllEditors');
    await rm(projectFile, { force: true });
  });

  after(async () => {
    await noSessions(api);
    await target.stop();
  });

  const sites = (): readonly TreeRow[] => rowsBelow(api.tree().rows).filter(({ context }) => context === 'site');
  const promiseRow = (): Promise<TreeRow> => treeRow(api, 'of the promises', ({ context, label }) => context === 'site' && label === 'waitForever');

  it('groups by kind, file and package, with totals', async () => {
    await commands.executeCommand('asyncscope.groupByKind');
    const promises = await treeRow(api, 'of the kind', ({ context, label }) => context === 'group' && label === 'Promises');
    match(promises.description, new RegExp(`^${String(TARGET_PROMISES)}  .*1 site$`));
    equal(api.tree().description, 'kinds by count');

    await commands.executeCommand('asyncscope.groupByFile');
    const file = await treeRow(api, 'of the file', ({ context, label }) => context === 'group' && label === 'target.js');
    ok(file.children.length >= 2);
    equal(file.tooltip, target.file);

    await commands.executeCommand('asyncscope.groupByPackage');
    const own = await treeRow(api, 'of the package', ({ context, label }) => context === 'group' && label === 'Your own code');
    equal(own.children.length, file.children.length);
    match(own.spoken, /^Your own code, \d+ tasks of \d+ sites,/);
  });

  it('lists only what is new since the baseline', async () => {
    await commands.executeCommand('asyncscope.showOnlyNew');
    await eventually('the message', () => (/^Filter: new since the baseline — \d+ of \d+ sites$/.test(api.tree().message ?? '') ? true : undefined), () => api.tree());
    ok(sites().length > 0);
    await commands.executeCommand('asyncscope.setBaseline');
    await treeRow(api, 'that says so', ({ label }) => label === 'Nothing new since the baseline');
    deepEqual(sites(), []);
    await commands.executeCommand('asyncscope.showAll');
    await promiseRow();
    equal(api.tree().message, undefined);
  });

  it('copies as text, JSON and folded stacks', async () => {
    const row = await promiseRow();
    const copy = async (command: string): Promise<string> => {
      await env.clipboard.writeText('');
      await commands.executeCommand(command, { id: row.id, row });
      return env.clipboard.readText();
    };
    match(await copy('asyncscope.copySite'), /^waitForever at .*\n15 promises, .*\n( {4}at Promise\n)? {4}at waitForever \(/);
    const [{ target: info, sites: copied } = { target: undefined, sites: [] }] = JSON.parse(await copy('asyncscope.copyAsJson')) as { target?: { pid: number }; sites: { count: number; line: number }[] }[];
    equal(info?.pid, target.child.pid);
    deepEqual(copied.map(({ count, line }) => [count, line]), [[TARGET_PROMISES, TARGET_LINES.promise]]);
    match(await copy('asyncscope.copyAsFoldedStacks'), /^(.+;)?start \(.*target\.js:\d+\);waitForever \(.*target\.js:8\);(Promise;)?\[promise\] 15\n$/);
  });

  it('copies everything that is listed when nothing is chosen', async () => {
    await commands.executeCommand('list.clear');
    await eventually('all sites', async () => {
      await commands.executeCommand('asyncscope.copyAsFoldedStacks');
      const lines = (await env.clipboard.readText()).trimEnd().split('\n');
      return lines.some((line) => line.endsWith(`[interval] ${String(TARGET_INTERVALS)}`)) && lines.some((line) => line.endsWith(`[promise] ${String(TARGET_PROMISES)}`)) ? true : undefined;
    }, () => env.clipboard.readText());
  });

  it('follows the stack in the editor, outwards and inwards', async () => {
    const row = await promiseRow();
    const line = (): number | undefined => (window.activeTextEditor?.document.uri.fsPath === target.file ? window.activeTextEditor.selection.active.line + 1 : undefined);
    await commands.executeCommand('asyncscope.revealStack', { id: row.id, row });
    await eventually('the innermost frame', () => (line() === TARGET_LINES.promise ? true : undefined), line);
    await commands.executeCommand('asyncscope.nextFrame');
    const caller = await eventually('its caller', () => (line() === TARGET_LINES.promise ? undefined : line()), line);
    equal((await readFile(target.file, 'utf8')).split('\n')[caller - 1]?.includes('waitForever()'), true);
    await commands.executeCommand('asyncscope.previousFrame');
    await eventually('the innermost frame again', () => (line() === TARGET_LINES.promise ? true : undefined), line);
  });

  it('opens a site to the side', async () => {
    const row = await promiseRow();
    await window.showTextDocument(Uri.file(target.file));
    await commands.executeCommand('asyncscope.openSiteToSide', { id: row.id, row });
    await eventually('two groups', () => (window.tabGroups.all.length === 2 ? true : undefined));
  });

  it('hides a site with a reason, quietly on the line too, and shows it again', async () => {
    await window.showTextDocument(Uri.file(target.file));
    const line = TARGET_LINES.promise - 1;
    const marked = (): true | undefined => (api.marksOf(Uri.file(target.file)).some((mark) => mark.line === line) ? true : undefined);
    await eventually('the mark', marked);
    const row = await promiseRow();
    const totals = api.tree().badge;
    await commands.executeCommand('asyncscope.hideSite', { id: row.id, row }, undefined, 'made for this test');
    const hidden = await treeRow(api, 'of the hidden site', ({ context }) => context === 'site.hidden');
    match(hidden.description, /^15  made for this test  target\.js:8$/);
    match(hidden.spoken, /hidden: made for this test$/);
    equal((await treeRow(api, 'of what is hidden', ({ context }) => context === 'hidden')).label, '1 hidden site');
    equal(api.tree().rows[0]?.children.at(-1)?.context, 'hidden');
    equal(api.tree().badge, totals);
    await eventually('no mark', () => (marked() === undefined ? true : undefined));
    const written = JSON.parse(await readFile(projectFile, 'utf8')) as { hide: unknown[] };
    deepEqual(written.hide, [{ file: target.file, function: 'waitForever', kind: 'promise', line: TARGET_LINES.promise, reason: 'made for this test' }]);

    await commands.executeCommand('asyncscope.unhideSite', { id: hidden.id, row: hidden });
    await promiseRow();
    await eventually('the mark again', marked);
    deepEqual((JSON.parse(await readFile(projectFile, 'utf8')) as { hide: unknown[] }).hide, []);
  });

  it('takes in .asyncscope.json as it changes on disk, and loses nothing to a damaged one', async () => {
    await writeFile(projectFile, `{ // by hand\n  "hide": [{ "file": ${JSON.stringify(target.file)}, "kind": "promise", "reason": "x" }]\n}\n`);
    await treeRow(api, 'of the hidden site', ({ context }) => context === 'site.hidden');
    const damaged = '{\n  "hide": [\n    { "file": "a.js" "reason": "x" }\n  ]\n}\n';
    await writeFile(projectFile, damaged);
    await eventually('the message', () => (api.tree().message?.startsWith('.asyncscope.json, line 3: This is not JSON') === true ? true : undefined), () => api.tree().message);
    ok(rowsBelow(api.tree().rows).some(({ context }) => context === 'site.hidden'), 'what was hidden stays hidden');
    const [problem] = languages.getDiagnostics(Uri.file(projectFile)).filter(({ source }) => source === 'Asyncscope');
    equal(problem?.range.start.line, 2);
    // Refused rather than overwritten.
    const interval = await treeRow(api, 'of the intervals', ({ label }) => label === 'beat');
    await commands.executeCommand('asyncscope.hideSite', { id: interval.id, row: interval }, undefined, 'cannot be written');
    equal(await readFile(projectFile, 'utf8'), damaged);
    await rm(projectFile);
    await promiseRow();
    await eventually('no message', () => (api.tree().message === undefined ? true : undefined));
  });

  it('shows a site that the filter leaves out when somebody goes there from its line', async () => {
    const row = await treeRow(api, 'a site', ({ context }) => context === 'site');
    await commands.executeCommand('asyncscope.filter', '>1d');
    await treeRow(api, 'that says so', ({ label }) => label === 'No site matches the filter');
    await commands.executeCommand('asyncscope.revealSite', { sessionId: row.sessionId, siteId: row.siteId });
    await treeRow(api, 'the site', ({ id }) => id === row.id);
    // one that is not there any more is no reason to give the filter up
    await commands.executeCommand('asyncscope.filter', '>1d');
    await commands.executeCommand('asyncscope.revealSite', { sessionId: row.sessionId, siteId: 'gone' });
    await treeRow(api, 'that says so', ({ label }) => label === 'No site matches the filter');
  });

  it('lists what a filter asks for', async () => {
    await commands.executeCommand('asyncscope.filter', 'kind:promise count:>2');
    await eventually('the message', () => (/^Filter: kind:promise count:>2 — \d+ of \d+ sites$/.test(api.tree().message ?? '') ? true : undefined), () => api.tree().message);
    deepEqual(sites().map(({ label }) => label), ['waitForever']);
    await commands.executeCommand('asyncscope.filter', 'kind:nonsense');
    equal(api.tree().message?.startsWith('Filter: kind:promise count:>2'), true);
    await commands.executeCommand('asyncscope.filter', '>1d');
    await treeRow(api, 'that says so', ({ label }) => label === 'No site matches the filter');
  });
});

describe(`a process with ${MANY_SITES.toLocaleString('en')} sites`, () => {
  let api: AsyncscopeTestApi;
  let target: Target;

  before(async () => {
    api = await activate();
    const lines = Array.from({ length: MANY_SITES }, (_, index) => `function f${String(index)}() { return setInterval(noop, 2 ** 30); }`);
    target = await startTarget(START_AFTER_MS, { source: `function noop() {}\n${lines.join('\n')}\nsetTimeout(() => {\n${lines.map((_, index) => `f${String(index)}();`).join('\n')}\nsetInterval(() => { for (const f of [f1, f9000]) f(); }, 100);\n}, Number(process.argv[2]));\n` });
    // They all start within one turn: a sample would not have every one of them.
    await setting('overheadBudget', 100);
    await commands.executeCommand('asyncscope.attach', target.address);
  });

  after(async () => {
    await setting('overheadBudget', undefined);
    await noSessions(api);
    await target.stop();
  });

  it('has a row for each of them', async () => {
    const all = await eventually('all sites', () => {
      const rows = rowsBelow(api.tree().rows).filter(({ context }) => context === 'site');
      return rows.length >= MANY_SITES ? rows : undefined;
    }, () => rowsBelow(api.tree().rows).length);
    equal(new Set(all.map(({ id }) => id)).size, all.length);
    equal((api.tree().rows[0]?.children ?? []).filter(({ context }) => context === 'page').length, Math.ceil(all.length / 500) - 1);
  });

  it('shows any of them, and is drawn while it changes', async () => {
    const times: number[] = [];
    let last = -1;
    await eventually('twenty drawings', () => {
      const { drawMs } = api.tree();
      if (drawMs !== last) times.push((last = drawMs));
      return times.length >= 20 ? true : undefined;
    }, () => times);
    console.log(`[measured] drawing ${String(MANY_SITES)} sites in the extension host: ${times.map((ms) => ms.toFixed(1)).join(' ')} ms`);
    const hit = rowsBelow(api.tree().rows).find(({ description }) => description.endsWith('  target.js:7779'));
    ok(hit?.siteId !== undefined);
    await commands.executeCommand('asyncscope.revealSite', { sessionId: hit.sessionId, siteId: hit.siteId });
    await eventually('its tasks', () => (rowsBelow(api.tree().rows).find(({ id }) => id === hit.id)?.children.some(({ context }) => context === 'task') === true ? true : undefined));
  });
});
