/** The async dump end to end: from real Node processes of every version, and from files, in the terminal and over LSP. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, realpath, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CancellationTokenSource, LSPErrorCodes, StreamMessageReader, StreamMessageWriter, createProtocolConnection } from 'vscode-languageserver/node';
import type { CodeLens, Hover, ProtocolConnection } from 'vscode-languageserver/node';
import { connect } from '../../src/cdp/connection.ts';
import { openHeapTarget } from '../../src/cdp/heapTarget.ts';
import type { Dump, DumpGroup } from '../../src/core/model/dump.ts';
import { LSP, REVEAL_GROUPS_COMMAND } from '../../src/protocol/lsp.ts';
import type { AttachResult, DumpLocation, DumpResult, DumpScope, DumpUnavailable, DumpVariables, MarksUpdate } from '../../src/protocol/lsp.ts';
import { dumpProcess } from '../../src/server/dump/takeDump.ts';
import { createSourceMaps } from '../../src/server/sourceMaps.ts';
import { bundleInto } from '../support/bundles.ts';
import { NODES } from '../support/nodes.ts';
import { until } from '../support/until.ts';

/** What waits in it is on these lines by construction. A word on its standard input lets one of `paid` go on. */
const PROGRAM = `const kept = [], later = [], dead = new Promise(() => {});
const held = () => new Promise((resolve) => { kept.push(resolve); });
async function query(id) {
  await held();
}
async function load(id) {
  const first = id % 2 === 1 ? await query(id) : 0;
  return [first, await query(id)];
}
async function lost(name) {
  await dead;
}
async function sleeping() {
  await require('node:timers/promises').setTimeout(600000);
}
async function paid(order) {
  const total = order.lines.length;
  await new Promise((resolve) => { later.push(resolve); });
  return total;
}
async function even(id) { await 0; await odd(id); }
async function odd(id) { await 0; if (id > 0) await even(id - 1); else await held(); }
for (let id = 0; id < 10; id++) kept.push(load(id));
kept.push(lost('x'), sleeping(), even(1));
(() => {
  const order = { id: 7, lines: ['tea', 'milk'], owner: new Map([['name', 'Ada']]) };
  globalThis.watched = new WeakRef(order);
  kept.push(paid(order));
})();
process.stdin.on('data', () => {
  for (const resolve of later.splice(0)) resolve();
  setTimeout(() => { gc(); setTimeout(() => { gc(); console.error(watched.deref() === undefined ? 'collected' : 'alive'); }, 10); }, 10);
});
process.on('SIGTERM', () => process.exit(7));
setTimeout(() => console.error('ready'), 50);
`;
/** `function line:column of its await`, from the outermost in; then what waits and its verdict. */
const WAITING = [
  '1 × even 21:36 > odd 22:47 > even 21:36 > odd 22:72 | app promise | stuck',
  '1 × lost 11:3 | nothing | orphan',
  '1 × paid 18:3 | app promise | stuck',
  '1 × sleeping 14:3 | timer | in flight',
  '5 × load 7:32 > query 4:3 | app promise | stuck',
  '5 × load 8:18 > query 4:3 | app promise | stuck',
];

let directory: string;
let program: string;
const children = new Set<ChildProcess>();
const connections = new Set<ProtocolConnection>();

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-dump-')));
  program = join(directory, 'app.cjs');
  await writeFile(program, PROGRAM);
  await bundleInto(directory);
});
afterEach(async () => {
  for (const connection of connections) connection.dispose();
  connections.clear();
  for (const child of children) await ended(child);
  children.clear();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

interface Target {
  readonly child: ChildProcess;
  readonly url: string;
  readonly port: string;
  readonly stderr: () => string;
  say(): void;
}

async function startTarget(node = process.execPath, script = program): Promise<Target> {
  const child = spawn(node, ['--expose-gc', '--inspect=127.0.0.1:0', script], { stdio: ['pipe', 'ignore', 'pipe'] });
  children.add(child);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await until(() => stderr.includes('ready'));
  const [, url = '', port = ''] = /(ws:\/\/127\.0\.0\.1:(\d+)\/\S+)/.exec(stderr) ?? [];
  return { child, url, port, stderr: () => stderr, say: () => child.stdin.write('go\n') };
}

async function asyncscope(...args: string[]): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [join(directory, 'cli.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory });
  children.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

function waiting({ groups }: Dump): string[] {
  return groups
    .filter(({ chain }) => chain.some(({ origin }) => origin === 'app'))
    .map((group) => `${group.count} × ${chainText(group)} | ${group.waitsFor.kind} | ${group.verdict ?? 'no verdict'}`)
    .sort();
}

function chainText({ count, chain }: DumpGroup): string {
  return chain
    .map(({ function: name, awaiting, awaitingKnown }) => `${name ?? '?'} ${awaiting === null ? '-' : `${awaiting.line}:${awaiting.column}`}${awaitingKnown < count ? ' sampled' : ''}`)
    .join(' > ');
}

describe.each(NODES)('Node $version', ({ path: node, version }) => {
  test('what waits in a process is told with its lines, twice the same, and nothing of ours stays', async () => {
    const target = await startTarget(node);
    const first = await asyncscope('dump', target.port, '--json', '--lookup-budget', '60');
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).toMatch(/^asyncscope: The process is about to stand still for roughly [\d.]+ m?s \([\d.]+ MB of heap\)\.\n$/);
    const dump = JSON.parse(first.stdout) as Dump;
    expect(waiting(dump)).toEqual(WAITING);
    expect(dump).toMatchObject({ formatVersion: 1, target: { pid: target.child.pid, url: `127.0.0.1:${target.port}`, title: program, file: null }, partial: false, notes: [] });
    expect(dump.target.node).toMatch(new RegExp(`^v${version}\\.`));
    expect(dump.pauseMs).toBeGreaterThan(0);
    const load = dump.groups.find(({ chain }) => chain[0]?.function === 'load');
    expect(load?.chain[0]).toMatchObject({ kind: 'async function', origin: 'app', declared: { file: program, line: 6 }, awaiting: { file: program } });

    const second = JSON.parse((await asyncscope('dump', target.port, '--json', '--lookup-budget', '60')).stdout) as Dump;
    expect(waiting(second)).toEqual(WAITING);
    expect(second.groups.map(({ id, verdict }) => `${id} ${verdict ?? ''}`).sort()).toEqual(dump.groups.map(({ id, verdict }) => `${id} ${verdict ?? ''}`).sort());

    target.child.kill('SIGTERM');
    await until(() => target.child.exitCode !== null);
    expect(target.child.exitCode).toBe(7);
  });

  test('a process that a debugger holds can be dumped', async () => {
    const target = await startTarget(node);
    const debugging = await connect(target.url);
    try {
      let paused = false;
      debugging.on('Debugger.paused', () => (paused = true));
      await debugging.send('Debugger.enable');
      await debugging.send('Debugger.pause');
      target.say();
      await until(() => paused);
      const heap = await openHeapTarget(target.url, {});
      try {
        const { dump } = await dumpProcess(heap, { positions: createSourceMaps(), now: () => performance.now(), wall: () => Date.now(), lookupBudgetMs: 60_000, script: join(directory, 'heapWorker.js') });
        expect(waiting(dump)).toEqual(WAITING);
      } finally {
        await heap.close();
      }
    } finally {
      await debugging.close();
    }
  });
});

describe('in a terminal', () => {
  test('people get the tree, verdicts first', async () => {
    const target = await startTarget();
    const { code, stdout } = await asyncscope('dump', target.port, '--lookup-budget', '60');
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe(`${program}  pid ${target.child.pid ?? '?'}  Node ${process.version}  127.0.0.1:${target.port}`);
    expect(stdout.indexOf('VERDICTS')).toBeLessThan(stdout.indexOf('AWAIT TREE'));
    expect(stdout).toMatch(/orphan {2}1 × lost {2}app\.cjs:11:3, waiting for nothing/);
    expect(stdout).toMatch(/^5 × load {2}app\.cjs:8:18\n {3}└─ query {2}app\.cjs:4:3\n {6}└─ waits for .+\[stuck\]$/m);
    expect(stdout).toMatch(/^TIMERS$/m);
  });

  test('without look-ups the lines of functions are told, and that it is so', async () => {
    const target = await startTarget();
    const { stdout } = await asyncscope('dump', target.port, '--json', '--no-lookups');
    const dump = JSON.parse(stdout) as Dump;
    expect(dump).toMatchObject({ partial: false, notes: [expect.stringContaining('not looked up')] });
    expect(waiting(dump)).toContain('10 × load - sampled > query 4:3 | app promise | stuck');
  });

  test('a snapshot that is kept is for its owner only, never overwrites, and says the same as a file', async () => {
    const target = await startTarget();
    const file = join(directory, 'kept.heapsnapshot');
    const live = await asyncscope('dump', target.port, '--json', '--keep-snapshot', file);
    expect(live).toMatchObject({ code: 0 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const again = await asyncscope('dump', target.port, '--keep-snapshot', file);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('exists already');
    const read = await asyncscope('dump', file, '--json');
    expect(read).toMatchObject({ code: 0, stderr: '' });
    const dump = JSON.parse(read.stdout) as Dump;
    expect(dump).toMatchObject({ target: { pid: null, node: null, url: null, cwd: null, file }, pauseMs: null, partial: false, totals: (JSON.parse(live.stdout) as Dump).totals });
    expect(waiting(dump)).toContain('1 × lost 11:3 | nothing | orphan');

    await truncate(file, Math.floor((await stat(file)).size / 2));
    const cut = await asyncscope('dump', file);
    expect(cut).toMatchObject({ code: 1, stdout: '' });
    expect(cut.stderr).toMatch(/^asyncscope: .+\n$/);
    await writeFile(file, 'no snapshot');
    expect(await asyncscope('dump', file)).toMatchObject({ code: 1, stdout: '' });
    expect((await asyncscope('dump', join(directory, 'missing.heapsnapshot'))).stderr).toContain('There is no file');
  });

  test('what cannot be reached is an error that says what to do', async () => {
    const { code, stderr } = await asyncscope('dump', '127.0.0.1:1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^asyncscope: Nothing listens on 127\.0\.0\.1:1\..+\n$/);
  });

  test('Ctrl-C ends it, and the process goes on', async () => {
    const target = await startTarget();
    const child = spawn(process.execPath, [join(directory, 'cli.js'), 'dump', target.port], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.stderr.once('data', () => child.kill('SIGINT'));
    expect(await closed).toBe(130);
    expect(waiting(JSON.parse((await asyncscope('dump', target.port, '--json', '--lookup-budget', '60')).stdout) as Dump)).toEqual(WAITING);
  });
});

interface Client {
  readonly connection: ProtocolConnection;
  readonly marks: MarksUpdate[];
  readonly progress: string[];
}

/** @param dumpLookupMs what look-ups may take; lines of functions with a single await need none */
async function startServer(dumpLookupMs = 0): Promise<Client> {
  const server = spawn(process.execPath, [join(directory, 'server.js'), '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(server);
  const connection = createProtocolConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
  connections.add(connection);
  const [marks, progress]: [MarksUpdate[], string[]] = [[], []];
  connection.onNotification(LSP.marks, (update: MarksUpdate) => {
    marks.push(update);
  });
  connection.onNotification('$/progress', ({ value }: { value: { message?: string } }) => {
    if (value.message !== undefined && progress.at(-1) !== value.message) progress.push(value.message);
  });
  connection.onRequest('workspace/codeLens/refresh', () => null);
  connection.listen();
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: { workspace: { codeLens: { refreshSupport: true } }, window: { workDoneProgress: true } },
    initializationOptions: { pollIntervalMs: 100, followRestarts: false, dumpLookupMs },
  });
  await connection.sendNotification('initialized', {});
  return { connection, marks, progress };
}

async function open({ connection }: Client): Promise<string> {
  const uri = pathToFileURL(program).href;
  await connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'javascript', version: 1, text: await readFile(program, 'utf8') } });
  return uri;
}

async function attach({ connection }: Client, { port }: Target): Promise<string> {
  return (await connection.sendRequest<AttachResult>(LSP.attach, { target: `127.0.0.1:${port}` })).sessionId;
}

async function suspendedTitles({ connection }: Client, uri: string): Promise<string[]> {
  const lenses = await connection.sendRequest<CodeLens[]>('textDocument/codeLens', { textDocument: { uri } });
  return lenses.filter(({ command }) => command?.command === REVEAL_GROUPS_COMMAND).map(({ range, command }) => `${range.start.line + 1}: ${command?.title ?? ''}`);
}

describe('over LSP', () => {
  test('a dump has its lenses, marks and hovers, which follow edits and go when it is cleared', async () => {
    const target = await startTarget();
    const client = await startServer(60_000);
    const uri = await open(client);
    const sessionId = await attach(client, target);
    const { dumpId, dump } = await client.connection.sendRequest<DumpResult>(LSP.dump, { sessionId, workDoneToken: 1 });
    expect(waiting(dump)).toEqual(WAITING);
    expect(client.progress).toEqual(expect.arrayContaining(['The process stands still', 'Who waits for whom']));
    const titles = await suspendedTitles(client, uri);
    expect(titles).toEqual([
      expect.stringMatching(/^4: 10 suspended here · \d\d:\d\d:\d\d · stuck$/),
      expect.stringMatching(/^7: 5 suspended here · /),
      expect.stringMatching(/^8: 5 suspended here · /),
      expect.stringMatching(/^11: 1 suspended here · .+ · orphan$/),
      expect.stringMatching(/^14: 1 suspended here · .+ · in flight$/),
      expect.stringMatching(/^18: 1 suspended here · /),
      expect.stringMatching(/^21: 2 suspended here · /),
      expect.stringMatching(/^22: 2 suspended here · /),
    ]);
    await until(() => client.marks.at(-1)?.suspended.length === 8);
    expect(client.marks.at(-1)?.suspended.slice(0, 2)).toMatchObject([{ line: 3, count: 10, verdict: 'stuck', groups: [{ dumpId }, { dumpId }] }, { line: 6, count: 5 }]);

    await client.connection.sendNotification('textDocument/didChange', { textDocument: { uri, version: 2 }, contentChanges: [{ range: { start: { line: 2, character: 0 }, end: { line: 2, character: 0 } }, text: '// new\n' }] });
    expect((await suspendedTitles(client, uri))[0]).toMatch(/^5: 10 suspended here/);
    const hover = await client.connection.sendRequest<Hover>('textDocument/hover', { textDocument: { uri }, position: { line: 11, character: 5 } });
    const { value } = hover.contents as { value: string };
    expect(value).toContain('**1 suspended here**');
    expect(value).toContain('**orphan**');
    expect(value).toContain('[Variables](command:asyncscope.showVariables?');

    await client.connection.sendRequest(LSP.dumpClear, { dumpId });
    expect(await suspendedTitles(client, uri)).toEqual([]);
    await until(() => client.marks.at(-1)?.suspended.length === 0);
    expect(await client.connection.sendRequest<DumpLocation>(LSP.dumpLocate, { dumpId, groupId: 'x', task: 0, frame: 0 })).toMatchObject({ unavailable: 'gone' });
  });

  test.each(NODES)('variables of a suspended frame on Node $version are shown, and let go of', async ({ path: node }) => {
    const target = await startTarget(node);
    const client = await startServer();
    const sessionId = await attach(client, target);
    const { dumpId, dump } = await client.connection.sendRequest<DumpResult>(LSP.dump, { sessionId });
    const groupId = dump.groups.find(({ chain }) => chain[0]?.function === 'paid')?.id ?? '';
    const frame = { dumpId, groupId, task: 0, frame: 0 };
    expect(await client.connection.sendRequest<DumpLocation>(LSP.dumpLocate, frame)).toEqual({ awaiting: { file: program, line: 18, column: 3 } });
    const { scopes } = (await client.connection.sendRequest<DumpVariables>(LSP.dumpVariables, frame)) as { scopes: readonly DumpScope[] };
    expect(scopes[0]?.name).toMatch(/^Local/);
    const variables = new Map(scopes[0]?.variables.map((each) => [each.name, each]));
    expect(variables.get('total')).toMatchObject({ value: '2', type: 'number', reference: null });
    expect(variables.get('order')).toMatchObject({ value: "{id: 7, lines: Array(2), owner: Map(1)}", type: 'object' });
    const reference = variables.get('order')?.reference ?? '';
    const members = (await client.connection.sendRequest<DumpScope | DumpUnavailable>(LSP.dumpVariable, { dumpId, reference })) as DumpScope;
    expect(members.variables.slice(0, 3).map(({ name, value }) => `${name} ${value}`)).toEqual(['id 7', "lines Array(2) ['tea', 'milk']", "owner Map(1) {'name' => 'Ada'}"]);
    expect(await client.connection.sendRequest(LSP.dumpVariable, { dumpId, reference: 'made up' })).toMatchObject({ unavailable: 'not kept' });

    // held by us, a second dump lets go of it: the program alone decides
    const second = await client.connection.sendRequest<DumpResult>(LSP.dump, { sessionId });
    expect(waiting(second.dump)).toContain('1 × paid 18:3 | app promise | stuck');
    const again = { ...frame, dumpId: second.dumpId };
    expect(await client.connection.sendRequest(LSP.dumpVariables, again)).toHaveProperty('scopes');
    await client.connection.sendRequest(LSP.dumpClear, { dumpId: second.dumpId });
    target.say();
    await until(() => /collected|alive/.test(target.stderr()));
    expect(target.stderr()).toContain('collected');
  });

  test('what has gone on since the dump is not said to wait, and what has ended is gone', async () => {
    const target = await startTarget();
    const client = await startServer();
    const sessionId = await attach(client, target);
    const { dumpId, dump } = await client.connection.sendRequest<DumpResult>(LSP.dump, { sessionId });
    const frame = { dumpId, groupId: dump.groups.find(({ chain }) => chain[0]?.function === 'paid')?.id ?? '', task: 0, frame: 0 };
    target.say();
    await until(() => /collected|alive/.test(target.stderr()));
    expect(await client.connection.sendRequest(LSP.dumpLocate, frame)).toMatchObject({ unavailable: 'resumed' });
    expect(await client.connection.sendRequest(LSP.dumpVariables, frame)).toMatchObject({ unavailable: 'resumed' });
    await client.connection.sendRequest(LSP.detach, { sessionId });
    expect(await client.connection.sendRequest(LSP.dumpVariables, frame)).toMatchObject({ unavailable: 'ended' });
    await expect(client.connection.sendRequest(LSP.dump, { sessionId })).rejects.toMatchObject({ data: { reason: 'closed' } });
  });

  test('a dump that is cancelled leaves nothing, and the next one is whole', async () => {
    const target = await startTarget();
    const client = await startServer(60_000);
    const sessionId = await attach(client, target);
    const cancel = new CancellationTokenSource();
    const cancelled = client.connection.sendRequest(LSP.dump, { sessionId, workDoneToken: 'work' }, cancel.token);
    await until(() => client.progress.length > 0);
    cancel.cancel();
    await expect(cancelled).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
    expect(waiting((await client.connection.sendRequest<DumpResult>(LSP.dump, { sessionId })).dump)).toEqual(WAITING);
  });

  test('a dump of a file has the lines of its functions; one that is no snapshot is an error', async () => {
    const target = await startTarget();
    const file = join(directory, 'lsp.heapsnapshot');
    await asyncscope('dump', target.port, '--json', '--keep-snapshot', file);
    const client = await startServer();
    const uri = await open(client);
    const { dumpId, dump } = await client.connection.sendRequest<DumpResult>(LSP.dump, { file });
    expect(dump.target).toMatchObject({ file });
    expect(await suspendedTitles(client, uri)).toContainEqual(expect.stringMatching(/^6: 10 suspended in this function/));
    expect(await client.connection.sendRequest(LSP.dumpLocate, { dumpId, groupId: dump.groups[0]?.id ?? '', task: 0, frame: 0 })).toMatchObject({ unavailable: 'file' });
    await writeFile(file, '{}');
    await expect(client.connection.sendRequest(LSP.dump, { file })).rejects.toMatchObject({ data: { reason: expect.any(String) as string } });
    await expect(client.connection.sendRequest(LSP.dump, {})).rejects.toThrow('Either sessionId or file');
  });
});
