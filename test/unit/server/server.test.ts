/** The server over its protocol, with a target that the test holds in its hands. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CancellationTokenSource, StreamMessageReader, StreamMessageWriter, createConnection, createProtocolConnection } from 'vscode-languageserver/node';
import type { CodeLens, Connection, Hover, InitializeResult, ProtocolConnection, WorkDoneProgressEnd, WorkDoneProgressReport } from 'vscode-languageserver/node';
import { ProgressType } from 'vscode-languageserver/node';
import { TargetError } from '../../../src/cdp/target';
import type { AttachOptions } from '../../../src/cdp/target';
import { LSP } from '../../../src/protocol/lsp';
import type { AttachParams, AttachResult, MarksUpdate, SessionUpdate } from '../../../src/protocol/lsp';
import { serve } from '../../../src/server/server';
import { systemClock } from '../../../src/server/systemClock';
import { until } from '../../support/until';
import { at } from '../core/model/pollBuilder';
import { analysis, frame, group, SCRIPT } from './dump/rawDump';
import { FakeTarget, UNMAPPED } from './fakeTarget';

const URI = 'file:///app/a.js';
const POLL_MS = 100;

let client: ProtocolConnection;
let server: Connection;
let target: FakeTarget;
let attach: (params: AttachParams, options: AttachOptions) => Promise<FakeTarget>;
let updates: SessionUpdate[];
let marks: MarksUpdate[];
let refreshes: number;

beforeEach(() => {
  target = new FakeTarget();
  attach = () => Promise.resolve(target);
  updates = [];
  marks = [];
  refreshes = 0;
  const [up, down] = [new PassThrough(), new PassThrough()];
  server = createConnection(up, down);
  serve(server, {
    attach: (params, options) => attach(params, options),
    processes: () => Promise.resolve([]),
    discover: () => Promise.resolve([{ target: '127.0.0.1:9229', title: 'a', description: 'node.js/v24.0.0' }]),
    clock: systemClock,
    createPositions: () => UNMAPPED,
    analyze: () => Promise.resolve({ analysis: analysis([group([frame('work', 2)], [[1, 90]])], { scripts: new Map([[SCRIPT, '/app/a.js']]) }), bytes: 0, ms: 0 }),
    version: '1.2.3',
  });
  server.listen();
  client = createProtocolConnection(new StreamMessageReader(down), new StreamMessageWriter(up));
  client.onNotification(LSP.update, (update: SessionUpdate) => {
    updates.push(update);
  });
  client.onNotification(LSP.marks, (update: MarksUpdate) => {
    marks.push(update);
  });
  client.onRequest('workspace/codeLens/refresh', () => {
    refreshes++;
    return null;
  });
  client.listen();
});

afterEach(async () => {
  await client.sendRequest('shutdown');
  client.dispose();
  server.dispose();
});

async function initialize(initializationOptions: unknown = { pollIntervalMs: POLL_MS }): Promise<InitializeResult> {
  const result = await client.sendRequest<InitializeResult>('initialize', {
    processId: null,
    rootUri: null,
    capabilities: { workspace: { codeLens: { refreshSupport: true } } },
    initializationOptions,
  });
  await client.sendNotification('initialized', {});
  return result;
}

async function answer(change?: () => void): Promise<void> {
  await until(() => target.pending.length > 0);
  change?.();
  const now = performance.now();
  target.answer(target.agent.poll(now));
}

/** Attaches to a target with twelve promises on line 3 of the document. */
async function attached(): Promise<string> {
  const result = client.sendRequest<AttachResult>(LSP.attach, { target: '9229', name: 'app' });
  await answer(() => target.agent.alive([at('/app/a.js', 3, 5, 'work')], 12));
  return (await result).sessionId;
}

async function open(): Promise<void> {
  await client.sendNotification('textDocument/didOpen', { textDocument: { uri: URI, languageId: 'javascript', version: 1, text: 'a\nb\nc\nd\n' } });
}

async function lenses(): Promise<CodeLens[]> {
  return client.sendRequest<CodeLens[]>('textDocument/codeLens', { textDocument: { uri: URI } });
}

test('says what it can', async () => {
  expect(await initialize()).toMatchObject({
    capabilities: { textDocumentSync: { openClose: true, change: 2, save: { includeText: false } }, hoverProvider: true, codeLensProvider: { resolveProvider: false } },
    serverInfo: { name: 'asyncscope', version: '1.2.3' },
  });
});

test.each([[undefined], [null], [{}], [{ pollIntervalMs: 'often' }], ['nonsense']])('starts with the settings %j', async (options) => {
  await initialize(options);
  expect(await client.sendRequest(LSP.discover, {})).toHaveLength(1);
});

describe('attached', () => {
  test('a hidden site has neither lens nor mark nor hover, and is counted', async () => {
    await initialize();
    await open();
    const sessionId = await attached();
    await until(() => marks.at(-1)?.marks.length === 1);
    const hide = [{ file: 'a.js', kind: 'promise', reason: 'known' }];
    await client.sendRequest(LSP.project, { folders: [{ folder: '/app', hide }] });
    expect(await lenses()).toEqual([]);
    expect(marks.at(-1)?.marks).toEqual([]);
    expect(await client.sendRequest('textDocument/hover', { textDocument: { uri: URI }, position: { line: 2, character: 0 } })).toBeNull();
    expect(updates.at(-1)).toMatchObject({ sessionId, totals: { promise: 12 } });
    await client.sendRequest(LSP.project, { folders: [] });
    expect(await lenses()).toHaveLength(1);
  });

  test('one process by two addresses is attached to once: its tasks would count twice on their lines', async () => {
    await initialize();
    await attached();
    const first = target;
    target = new FakeTarget();
    const again = client.sendRequest(LSP.attach, { target: 'localhost:9229', name: 'again' });
    const refusal = expect(again).rejects.toMatchObject({ message: 'Process 7 is attached to already, as "app".', data: { reason: 'attached already' } });
    await answer();
    await refusal;
    expect([first.detached, target.detached]).toEqual([0, 1]);
    // another process of that id began at another moment
    target = new FakeTarget();
    target.timeOrigin++;
    await attached();
    target = first;
  });

  test('sites are sent whole, in the order asked for', async () => {
    await initialize();
    const sessionId = await attached();
    await answer(() => target.agent.alive([at('/app/b.js', 1, 1, 'other')], 3));
    await until(() => updates.some(({ sites }) => sites.some(({ id }) => id === 's2')));
    expect(await client.sendRequest(LSP.sites, { sessionId, siteIds: ['s2', 'gone', 's1'] })).toMatchObject([
      { id: 's2', stack: [{ function: 'other' }] },
      { id: 's1', stack: [{ function: 'work' }] },
    ]);
  });

  test('it shows lenses, marks and hovers, which follow edits', async () => {
    await initialize();
    await open();
    expect(await lenses()).toEqual([]);
    const sessionId = await attached();
    await until(() => refreshes > 0 && marks.length > 0);
    expect(updates.map(({ status, full }) => [status, full])).toEqual([['attaching', true], ['attached', true]]);
    const [lens] = await lenses();
    expect(lens).toMatchObject({ range: { start: { line: 2 } }, command: { title: expect.stringMatching(/^12 promises · oldest/) as string, command: 'asyncscope.revealSite', arguments: [{ sessionId, siteId: 's1' }] } });
    expect(marks[0]).toMatchObject({ uri: URI, marks: [{ line: 2, count: 12 }] });
    await client.sendNotification('textDocument/didChange', { textDocument: { uri: URI, version: 2 }, contentChanges: [{ range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, text: '\n\n' }] });
    expect((await lenses())[0]?.range.start.line).toBe(4);
    const hover = await client.sendRequest<Hover | null>('textDocument/hover', { textDocument: { uri: URI }, position: { line: 4, character: 0 } });
    expect(JSON.stringify(hover?.contents)).toContain('**12 promises** — work');
    expect(await client.sendRequest('textDocument/hover', { textDocument: { uri: URI }, position: { line: 2, character: 0 } })).toBeNull();
    const site = await client.sendRequest(LSP.site, { sessionId, siteId: 's1' });
    expect(site).toMatchObject({ count: 12, stack: [{ function: 'work', file: '/app/a.js', line: 3, column: 5 }] });
    await answer(() => target.agent.change(0, { live: 13 }));
    await until(() => marks.at(-1)?.marks[0]?.count === 13);
    expect(marks.at(-1)).toMatchObject({ version: 2, marks: [{ line: 4, count: 13 }] });
  });

  test('it does as it is told', async () => {
    await initialize();
    const sessionId = await attached();
    expect(await client.sendRequest(LSP.setPaused, { sessionId, paused: true })).toBeNull();
    await until(() => updates.at(-1)?.status === 'paused');
    await client.sendRequest(LSP.setPaused, { sessionId, paused: false });
    await client.sendRequest(LSP.setBaseline, { sessionId });
    await client.sendRequest(LSP.watch, { sessionId, siteIds: ['s1'] });
    expect(target.watched).toEqual([[0]]);
    expect(await client.sendRequest(LSP.site, { sessionId, siteId: 's99' })).toBeNull();
    await client.sendRequest(LSP.detach, { sessionId });
    await until(() => updates.at(-1)?.status === 'ended');
    expect(target.detached).toBe(1);
    expect(await client.sendRequest(LSP.detach, { sessionId })).toBeNull();
  });

  test('it shows no lenses when they are switched off', async () => {
    await initialize({ pollIntervalMs: POLL_MS, codeLens: false });
    await open();
    await attached();
    await until(() => marks.length > 0);
    expect(await lenses()).toEqual([]);
    expect(refreshes).toBe(0);
    await client.sendRequest(LSP.configure, { pollIntervalMs: POLL_MS, budgetPercent: 1, codeLens: true });
    await until(() => refreshes > 0);
    expect(await lenses()).toHaveLength(1);
  });

  test('it forgets documents that are closed', async () => {
    await initialize();
    await open();
    await attached();
    await client.sendNotification('textDocument/didClose', { textDocument: { uri: URI } });
    expect(await lenses()).toEqual([]);
  });

  test('it lets go of the target when it is shut down', async () => {
    await initialize();
    await attached();
    await client.sendRequest('shutdown');
    expect(target.detached).toBe(1);
  });
});

test('lines of a dump have lenses, until these are switched off', async () => {
  await initialize();
  await open();
  await client.sendRequest(LSP.dump, { file: __filename });
  const titles = async () => (await lenses()).map(({ range, command }) => [range.start.line, command?.title]);
  const suspended = [[2, expect.stringMatching(/^1 suspended in this function · /)]];
  expect(await titles()).toEqual(suspended);
  const configured = { pollIntervalMs: POLL_MS, budgetPercent: 1, codeLens: true };
  for (const suspendedLens of [false, true]) {
    await until(() => refreshes > 0);
    refreshes = 0;
    await client.sendRequest(LSP.configure, { ...configured, suspendedLens });
    await until(() => refreshes > 0);
    expect(await titles()).toEqual(suspendedLens ? suspended : []);
  }
});

describe('a heap snapshot', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'asyncscope-server-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('reports its progress', async () => {
    await initialize();
    const sessionId = await attached();
    target.snapshot = async ({ write, progress }) => {
      progress?.(0.25);
      progress?.(0.2501);
      await write('{}');
      progress?.(1);
    };
    const reports: (number | undefined)[] = [];
    client.onProgress(new ProgressType<WorkDoneProgressReport | WorkDoneProgressEnd>(), 'token', (value) => {
      if (value.kind === 'report') reports.push(value.percentage);
    });
    const file = join(directory, 'a.heapsnapshot');
    expect(await client.sendRequest(LSP.heapSnapshot, { sessionId, file, workDoneToken: 'token' })).toMatchObject({ file, bytes: 2 });
    expect(reports).toEqual([25, 100]);
  });

  test('can be cancelled, and leaves nothing', async () => {
    await initialize();
    const sessionId = await attached();
    let begun = false;
    target.snapshot = async ({ write, signal }) => {
      await write('{');
      begun = true;
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new TargetError('cancelled', 'cancelled'))));
    };
    const source = new CancellationTokenSource();
    const request = client.sendRequest(LSP.heapSnapshot, { sessionId, file: join(directory, 'a.heapsnapshot') }, source.token);
    await until(() => begun);
    source.cancel();
    await expect(request).rejects.toMatchObject({ code: -32800 });
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('what makes no sense', () => {
  test.each([
    ['an attach without a target', LSP.attach, {}],
    ['an attach with a number', LSP.attach, { target: 9229 }],
    ['an unknown session', LSP.setBaseline, { sessionId: 'session-99' }],
    ['no session', LSP.detach, {}],
    ['no parameters', LSP.watch, null],
    ['sites that are no list', LSP.watch, { sessionId: 'session-1', siteIds: 's1' }],
    ['settings out of range', LSP.configure, { pollIntervalMs: 1, budgetPercent: 1, codeLens: true }],
  ])('%s is refused', async (_, method, params) => {
    await initialize();
    await expect(client.sendRequest(method, params)).rejects.toMatchObject({ code: -32602 });
  });

  test('a failed attach says why', async () => {
    await initialize();
    attach = () => Promise.reject(new TargetError('refused', 'Nothing listens on 127.0.0.1:1.'));
    await expect(client.sendRequest(LSP.attach, { target: '1' })).rejects.toMatchObject({ message: 'Nothing listens on 127.0.0.1:1.', data: { reason: 'refused' } });
    await until(() => updates.at(-1)?.status === 'ended');
  });

  test('an attach that is cancelled is given up', async () => {
    await initialize();
    let aborted = false;
    attach = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          aborted = true;
          reject(new TargetError('cancelled', 'cancelled'));
        });
      });
    const source = new CancellationTokenSource();
    const request = client.sendRequest(LSP.attach, { target: '1' }, source.token);
    await until(() => updates.length > 0);
    source.cancel();
    await expect(request).rejects.toMatchObject({ code: -32800 });
    expect(aborted).toBe(true);
    await until(() => updates.at(-1)?.end?.reason === 'detached');
  });
});
