/** The language server as a process, driven as any LSP client would, without VS Code, on real Node processes. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { IPCMessageReader, IPCMessageWriter, StreamMessageReader, StreamMessageWriter, createProtocolConnection } from 'vscode-languageserver/node';
import type { CodeLens, Hover, ProtocolConnection } from 'vscode-languageserver/node';
import type { Site } from '../../src/core/model/task.ts';
import { LSP } from '../../src/protocol/lsp.ts';
import type { AttachResult, DiscoveredInspector, HeapSnapshotResult, MarksUpdate, SessionUpdate } from '../../src/protocol/lsp.ts';
import { bundleInto } from '../support/bundles.ts';
import { NODES } from '../support/nodes.ts';
import { until } from '../support/until.ts';

/** On a word from outside it calls `order` twelve times on line 4, and sets a timer on line 5. */
const PROGRAM = `const kept = [];
async function order() { await new Promise((resolve) => { kept.push(resolve); }); }
process.stdin.on('data', () => {
  for (let i = 0; i < 12; i++) kept.push(order());
  setTimeout(function tick() {}, 600000);
});
console.error('ready');
`;

let directory: string;

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-lsp-')));
  await bundleInto(directory);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Target {
  readonly child: ChildProcess;
  readonly port: string;
  /** Makes it begin its work. */
  work(): void;
}

interface Client {
  readonly connection: ProtocolConnection;
  readonly server: ChildProcess;
  readonly updates: SessionUpdate[];
  readonly marks: MarksUpdate[];
  readonly refreshes: () => number;
}

const children = new Set<ChildProcess>();
let client: Client;

afterEach(async () => {
  client.connection.dispose();
  await Promise.all([...children].map(ended));
  children.clear();
});

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

async function startTarget(script: string, node = process.execPath): Promise<Target> {
  const child = spawn(node, ['--inspect=127.0.0.1:0', script], { stdio: ['pipe', 'ignore', 'pipe'] });
  children.add(child);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await until(() => stderr.includes('ready'));
  return { child, port: /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(stderr)?.[1] ?? '', work: () => child.stdin.write('go\n') };
}

async function startServer(transport: 'stdio' | 'ipc'): Promise<Client> {
  const script = join(directory, 'server.js');
  const server =
    transport === 'ipc' ? fork(script, ['--node-ipc'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }) : spawn(process.execPath, [script, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(server);
  const { stdout, stdin } = server;
  const connection =
    stdout && stdin
      ? createProtocolConnection(new StreamMessageReader(stdout), new StreamMessageWriter(stdin))
      : createProtocolConnection(new IPCMessageReader(server), new IPCMessageWriter(server));
  const [updates, marks]: [SessionUpdate[], MarksUpdate[]] = [[], []];
  let refreshes = 0;
  connection.onNotification(LSP.update, (update: SessionUpdate) => {
    updates.push(update);
  });
  connection.onNotification(LSP.marks, (update: MarksUpdate) => {
    marks.push(update);
  });
  connection.onRequest('workspace/codeLens/refresh', () => {
    refreshes++;
    return null;
  });
  connection.listen();
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: { workspace: { codeLens: { refreshSupport: true } } },
    initializationOptions: { pollIntervalMs: 100, followRestarts: false },
  });
  await connection.sendNotification('initialized', {});
  return { connection, server, updates, marks, refreshes: () => refreshes };
}

async function open(file: string): Promise<string> {
  const uri = pathToFileURL(file).href;
  await client.connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'javascript', version: 1, text: await readFile(file, 'utf8') },
  });
  return uri;
}

async function attach(port: string): Promise<string> {
  return (await client.connection.sendRequest<AttachResult>(LSP.attach, { target: `127.0.0.1:${port}`, name: 'app' })).sessionId;
}

async function titles(uri: string): Promise<string[]> {
  const lenses = await client.connection.sendRequest<CodeLens[]>('textDocument/codeLens', { textDocument: { uri } });
  return lenses.map(({ range, command }) => `${range.start.line + 1}: ${command?.title ?? ''}`);
}

describe.each(['stdio', 'ipc'] as const)('over %s', (transport) => {
  beforeEach(async () => {
    client = await startServer(transport);
  });

  test.each(NODES)('lenses, marks and hovers stand on the lines of a program on Node $version and follow its edits', async ({ path: node }) => {
    const script = join(directory, 'app.cjs');
    await writeFile(script, PROGRAM);
    const target = await startTarget(script, node);
    const uri = await open(script);
    const sessionId = await attach(target.port);
    expect(await titles(uri)).toEqual([]);
    target.work();
    await until(async () => client.refreshes() > 0 && (await titles(uri)).length === 3);
    expect(await titles(uri)).toEqual([
      expect.stringMatching(/^2: 12 promises · oldest/),
      expect.stringMatching(/^4: 12 promises · oldest/),
      expect.stringMatching(/^5: 1 timeout · oldest/),
    ]);
    expect(client.marks.at(-1)).toMatchObject({ uri, marks: [{ line: 1, kind: 'promise', count: 12 }, { line: 3, heat: 2 }, { line: 4, kind: 'timeout' }] });

    await client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: 2 },
      contentChanges: [{ range: { start: { line: 2, character: 0 }, end: { line: 2, character: 0 } }, text: '// new\n' }],
    });
    expect((await titles(uri)).map((title) => title.slice(0, 2))).toEqual(['2:', '5:', '6:']);
    const hover = await client.connection.sendRequest<Hover>('textDocument/hover', { textDocument: { uri }, position: { line: 4, character: 9 } });
    expect((hover.contents as { value: string }).value).toMatch(/^\*\*12 promises\*\* — order\n/);
    expect((hover.contents as { value: string }).value).toContain('Exact');

    const row = client.updates.flatMap(({ sites }) => sites).find(({ line }) => line === 4);
    await client.connection.sendRequest(LSP.watch, { sessionId, siteIds: [row?.id ?? ''] });
    await until(() => client.updates.at(-1)?.tasks[0]?.tasks.length === 12);
    const site = await client.connection.sendRequest<Site>(LSP.site, { sessionId, siteId: row?.id ?? '' });
    expect(site).toMatchObject({ kind: 'promise', origin: 'app', function: 'order', file: script, line: 4, count: 12, exact: true });

    await client.connection.sendRequest(LSP.detach, { sessionId });
    expect(client.updates.at(-1)).toMatchObject({ status: 'ended', end: { reason: 'detached' } });
    expect(target.child.exitCode).toBeNull();
  });

  test('it ends with its client', async () => {
    const exit = new Promise((resolve) => client.server.once('exit', resolve));
    await client.connection.sendRequest('shutdown');
    await client.connection.sendNotification('exit');
    expect(await exit).toBe(0);
  });
});

describe('a target', () => {
  beforeEach(async () => {
    client = await startServer('stdio');
  });

  async function app(): Promise<Target> {
    const script = join(directory, 'app.cjs');
    await writeFile(script, PROGRAM);
    return startTarget(script);
  }

  test('in TypeScript has its lenses on the lines of the source', async () => {
    const source = `interface Order {\n  id: number;\n}\n\nconst kept: unknown[] = [];\nasync function load(order: Order): Promise<void> {\n  await new Promise((resolve) => kept.push(order, resolve));\n}\n\nprocess.stdin.on('data', () => {\n  kept.push(load({ id: 1 }));\n});\nconsole.error('ready');\n`;
    const { code, map } = await transform(source, { loader: 'ts', sourcemap: 'external', sourcefile: '../src/orders.ts', minify: true });
    await mkdir(join(directory, 'dist'), { recursive: true });
    await mkdir(join(directory, 'src'), { recursive: true });
    const script = join(directory, 'dist', 'orders.mjs');
    await writeFile(join(directory, 'src', 'orders.ts'), source);
    await writeFile(script, `${code}//# sourceMappingURL=orders.mjs.map\n`);
    await writeFile(`${script}.map`, map);
    const target = await startTarget(script);
    const uri = await open(join(directory, 'src', 'orders.ts'));
    await attach(target.port);
    target.work();
    await until(async () => (await titles(uri)).length === 2);
    expect(await titles(uri)).toEqual([expect.stringMatching(/^7: 1 promise · /), expect.stringMatching(/^11: 1 promise · /)]);
  });

  test('that exits ends its session, which says so', async () => {
    const target = await app();
    await attach(target.port);
    target.child.kill('SIGKILL');
    await until(() => client.updates.at(-1)?.status === 'ended');
    expect(client.updates.at(-1)?.end).toEqual({ reason: 'target exited', message: 'The process has exited.' });
  });

  test('gives a heap snapshot to a file of its owner', async () => {
    const target = await app();
    const sessionId = await attach(target.port);
    const file = join(directory, `${target.port}.heapsnapshot`);
    const result = await client.connection.sendRequest<HeapSnapshotResult>(LSP.heapSnapshot, { sessionId, file });
    const { size, mode } = await stat(file);
    expect(result).toMatchObject({ file, bytes: size });
    expect(mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8'))).toHaveProperty('snapshot.meta');
    expect(client.updates.at(-1)?.status).toBe('attached');
  });

  test('that is not there is an error that says what to do', async () => {
    await expect(client.connection.sendRequest(LSP.attach, { target: '127.0.0.1:1' })).rejects.toMatchObject({ data: { reason: 'refused' } });
    expect(client.updates.at(-1)).toMatchObject({ status: 'ended', end: { reason: 'refused' } });
  });

  test('and another one are watched at once', async () => {
    const [first, second] = await Promise.all([app(), app()]);
    const ids = await Promise.all([attach(first.port), attach(second.port)]);
    expect(new Set(ids).size).toBe(2);
    const uri = await open(join(directory, 'app.cjs'));
    first.work();
    second.work();
    await until(async () => (await titles(uri))[1]?.includes('24 promises') === true);
  });

  test('can be looked for', async () => {
    const found = await client.connection.sendRequest<DiscoveredInspector[]>(LSP.discover, {});
    expect(Array.isArray(found)).toBe(true);
  });
});
