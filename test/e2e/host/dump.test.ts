/** The async dump inside the extension host: commands, rows, marks, look-ups, and what is left after it. */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { commands, env, Uri, window, workspace } from 'vscode';
import type { CodeLens } from 'vscode';
import type { Dump, DumpGroup } from '../../../src/core/model/dump.ts';
import type { HeldDump } from '../../../src/host/dump/dumpStore.ts';
import type { DumpRow } from '../../../src/host/dump/dumpTree.ts';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import { activate, attachedSession, eventually, noSessions, setting, startTarget } from './support.ts';
import type { Target } from './support.ts';

const LOST = 12;
const WAITING = 5;
/** Lines, from 1, of {@link SOURCE}. */
const LINES = { lost: 6, waiting: 11, outer: 15 } as const;
const SOURCE = `const held = new Set();
async function lost(number) {
  const answer = { number };
  const promise = new Promise(() => undefined);
  held.add(promise);
  await promise;
  return answer;
}

async function waiting() {
  await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
}

async function outer() {
  await waiting();
}

process.once('SIGUSR2', () => process.exit(0));
setTimeout(function start() {
  for (let i = 0; i < ${String(LOST)}; i++) held.add(lost(i));
  for (let i = 0; i < ${String(WAITING)}; i++) held.add(outer());
}, Number(process.argv[2]));
setInterval(() => undefined, 2 ** 30);
`;
const START_AFTER_MS = 100;

describe('the async dump', () => {
  let api: AsyncscopeTestApi;
  let target: Target;
  let file: Uri;

  before(async () => {
    api = await activate();
    target = await startTarget(START_AFTER_MS, { source: SOURCE });
    file = Uri.file(target.file);
    await commands.executeCommand('asyncscope.attach', target.address);
    await attachedSession(api);
    await window.showTextDocument(file);
    await eventually('the program to begin', () => api.sessions().find(({ origins }) => origins.app > LOST), () => api.sessions().map(({ origins }) => origins));
  });

  after(async () => {
    await setting('suspendedMarks', undefined);
    await commands.executeCommand('asyncscope.clearDump');
    await noSessions(api);
    await target.stop();
  });

  function held(): HeldDump {
    const [last] = api.dumps();
    if (last === undefined) throw new Error('There is no dump.');
    return last;
  }

  function groupOf(name: string): DumpGroup {
    const group = held().dump.groups.find(({ chain }) => chain.some((frame) => frame.function === name));
    if (group === undefined) throw new Error(`No group of ${name}: ${JSON.stringify(held().dump.groups.map(({ chain }) => chain.map((frame) => frame.function)))}`);
    return group;
  }

  function rows(): readonly DumpRow[] {
    const below = (all: readonly DumpRow[]): readonly DumpRow[] => all.flatMap((row) => [row, ...below(row.children())]);
    return below(api.dumpTree().rows);
  }

  it('shows what can never settle, and what is under way', async () => {
    await commands.executeCommand('asyncscope.dump');
    equal(api.dumps().length, 1);
    const { dump, sessionId } = held();
    equal(sessionId, api.sessions()[0]?.id);
    deepEqual([groupOf('lost').count, groupOf('lost').verdict], [LOST, 'orphan']);
    deepEqual([groupOf('outer').count, groupOf('outer').verdict], [WAITING, 'in flight']);
    deepEqual(groupOf('outer').chain.map((frame) => frame.function), ['outer', 'waiting']);
    ok((dump.pauseMs ?? 0) > 0);
    const labels = rows().map(({ label }) => label);
    for (const label of ['Orphans', 'lost', 'In Flight', 'outer › waiting']) ok(labels.includes(label), `${label}: ${labels.join(', ')}`);
    match(api.dumpTree().message ?? '', /suspended functions, .*the process stood still for/);
  });

  it('marks the lines where they stand', async () => {
    const marks = await eventually('marks', () => (api.suspendedMarksOf(file).length >= 2 ? api.suspendedMarksOf(file) : undefined), () => api.suspendedMarksOf(file));
    const at = (line: number): { count: number; verdict: string | null } | undefined => marks.find((mark) => mark.line === line - 1);
    deepEqual([at(LINES.lost)?.count, at(LINES.lost)?.verdict], [LOST, 'orphan']);
    deepEqual([at(LINES.outer)?.count, at(LINES.outer)?.verdict], [WAITING, 'in flight']);
    const lenses = async (): Promise<number> => (await commands.executeCommand<CodeLens[]>('vscode.executeCodeLensProvider', file, 100)).filter(({ command }) => command?.command === 'asyncscope.revealGroups').length;
    ok((await lenses()) >= 2);
    await setting('suspendedMarks', false);
    await eventually('no marks', () => (api.suspendedMarksOf(file).length === 0 ? true : undefined));
    await eventually('no lenses', async () => ((await lenses()) === 0 ? true : undefined));
    await setting('suspendedMarks', undefined);
    await eventually('marks again', () => (api.suspendedMarksOf(file).length > 0 ? true : undefined));
    await eventually('lenses again', async () => ((await lenses()) > 0 ? true : undefined));
  });

  it('reveals groups, and the variables of a task', async () => {
    const group = groupOf('lost');
    await commands.executeCommand('asyncscope.revealGroups', { groups: [{ dumpId: held().id, groupId: group.id }] });
    await commands.executeCommand('asyncscope.showVariables', { dumpId: held().id, groupId: group.id, task: 0, frame: group.chain.length - 1 });
    await commands.executeCommand('asyncscope.revealGroups', { groups: 'nonsense' });
  });

  it('copies a group, and the whole dump as JSON', async () => {
    const row = rows().find(({ context, label }) => context === 'dump.group' && label === 'lost');
    await commands.executeCommand('asyncscope.copyDumpRow', { row });
    match(await env.clipboard.readText(), new RegExp(`^${String(LOST)} tasks, orphan\n {4}lost \\(.*target\\.js:${String(LINES.lost)}:\\d+\\)\nwaiting for `));
    await commands.executeCommand('asyncscope.copyDumpRowAsJson', { row });
    deepEqual((JSON.parse(await env.clipboard.readText()) as DumpGroup[]).map(({ id }) => id), [groupOf('lost').id]);
  });

  it('draws the graph, and the next dump in its place', async () => {
    const first = held().id;
    await commands.executeCommand('asyncscope.openAwaitGraph');
    await eventually('the graph', () => (api.graphDump() === first ? true : undefined), () => api.graphDump());
    await commands.executeCommand('asyncscope.dumpAgain');
    equal(api.dumps().length, 1);
    await eventually('the next dump in the graph', () => (api.graphDump() === held().id ? true : undefined), () => api.graphDump());
    const verdicts = (dump: Dump): unknown => dump.groups.map(({ id, count, verdict }) => [id, count, verdict]);
    ok(JSON.stringify(verdicts(held().dump)).includes('orphan'));
    await commands.executeCommand('workbench.action.closeActiveEditor');
    await window.showTextDocument(file);
  });

  it('reads a snapshot file, without the process', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'asyncscope-dump-'));
    await setting('snapshotDirectory', directory);
    try {
      await commands.executeCommand('asyncscope.takeHeapSnapshot');
      const [name = ''] = await readdir(directory);
      await commands.executeCommand('asyncscope.dumpFile', join(directory, name));
      equal(api.dumps().length, 2);
      equal(held().sessionId, undefined);
      equal(groupOf('lost').count, LOST);
      ok(rows().some(({ context }) => context === 'dump'));
    } finally {
      await setting('snapshotDirectory', undefined);
      // It was opened, and only what can be seen is drawn.
      await commands.executeCommand('workbench.action.closeActiveEditor');
      await window.showTextDocument(file);
      await rm(directory, { recursive: true, force: true });
    }
    await commands.executeCommand('asyncscope.clearDump', { row: rows().find(({ dumpId }) => dumpId === held().id) });
    equal(api.dumps().length, 1);
  });

  it('says when the process has ended', async () => {
    await target.stop();
    await eventually('the message', () => ((api.dumpTree().message ?? '').includes('That process has ended') ? true : undefined), () => api.dumpTree().message);
  });

  it('takes its marks along when it is cleared', async () => {
    await commands.executeCommand('asyncscope.clearDump');
    deepEqual(api.dumps(), []);
    await eventually('no marks', () => (api.suspendedMarksOf(file).length === 0 ? true : undefined), () => api.suspendedMarksOf(file));
    equal(workspace.textDocuments.some(({ uri }) => uri.toString() === file.toString()), true);
  });
});
