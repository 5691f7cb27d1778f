/** `asyncscope dump` without a process: what people see, what programs get, and how it ends. */
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dump, dumpAsJson } from '../../../src/cli/dump';
import type { DumpEnvironment } from '../../../src/cli/dump';
import type { DumpArguments } from '../../../src/cli/arguments';
import { renderDumpText } from '../../../src/cli/dumpText';
import type { Dump, DumpFrame, DumpGroup } from '../../../src/core/model/dump';
import type { HeapAnalysis } from '../../../src/core/heap/heapAnalysis';
import type { OpenHeapTarget } from '../../../src/cdp/heapTarget';
import { TargetError } from '../../../src/cdp/target';
import { FakeTarget, UNMAPPED } from '../server/fakeTarget';
import { SCRIPT, analysis, frame, group } from '../server/dump/rawDump';

function dumpFrame(name: string, line: number, more: Partial<DumpFrame> = {}): DumpFrame {
  return { function: name, kind: 'async function', origin: 'app', declared: { file: '/app/src/a.ts', line, column: 1 }, awaiting: { file: '/app/src/a.ts', line: line + 1, column: 9 }, awaitingKnown: 9_999, repeats: 1, detail: null, ...more };
}

function dumpGroup(chain: readonly DumpFrame[], count: number, more: Partial<DumpGroup> = {}): DumpGroup {
  return { id: `g${count}`, count, verdict: null, why: '', chain, waitsFor: { kind: 'socket', text: 'socket 10.0.0.7:5432', at: null, details: {} }, heldBy: [], ...more };
}

function dumpOf(groups: readonly DumpGroup[], more: Partial<Dump> = {}): Dump {
  return {
    formatVersion: 1,
    target: { pid: 7, node: 'v24.9.0', url: '127.0.0.1:9229', title: '/app/server.js', cwd: '/app', file: null },
    at: '2026-01-02T03:04:05.000Z',
    pauseMs: 900,
    analysisMs: 400,
    partial: false,
    notes: [],
    totals: { suspended: 1204, pendingPromises: 2031, timers: 1, handles: 0, requests: 0 },
    groups,
    resources: { timers: [], handles: [], requests: [], listeners: [], streams: [] },
    ...more,
  };
}

function text(value: Dump, more: Partial<Parameters<typeof renderDumpText>[1]> = {}): string {
  return renderDumpText(value, { columns: Infinity, color: false, all: false, cwd: '/app', ...more });
}

const HANDLER = dumpFrame('onRequest', 10);
const HEAD = `/app/server.js  pid 7  Node v24.9.0  127.0.0.1:9229
1,204 suspended calls of async functions, 2,031 pending promises, 1 timer, 0 handles, 0 requests
at 2026-01-02T03:04:05.000Z, stood still for 900 ms, analysed in 400 ms
`;

describe('people', () => {
  test('see chains folded from the outermost function down', () => {
    const groups = [
      dumpGroup([HANDLER, dumpFrame('loadUser', 20), dumpFrame('query', 30)], 1180, { verdict: 'in flight' }),
      dumpGroup([HANDLER, dumpFrame('loadUser', 20, { awaitingKnown: 1 }), dumpFrame('all', 0, { kind: 'combinator', function: null, detail: 'Promise.all', declared: null, awaiting: null, origin: 'node' })], 24),
      dumpGroup([dumpFrame('import', 1, { origin: 'node' })], 1),
    ];
    expect(text(dumpOf(groups))).toBe(`${HEAD}
AWAIT TREE  from the outermost function down to what it hangs on
1,204 × onRequest  src/a.ts:11:9
   └─ loadUser  src/a.ts:21:9
      ├─ 1,180 × query  src/a.ts:31:9
      │  └─ waits for socket 10.0.0.7:5432  [in flight]
      └─ 24 × Promise.all
         └─ waits for socket 10.0.0.7:5432

Not listed: 1 of Node itself. Use --all to see them.
`);
    expect(text(dumpOf(groups), { all: true })).toContain('import');
  });

  test('see both ends of a chain of thousands', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) => dumpFrame(`f${index}`, index));
    const lines = text(dumpOf([dumpGroup(chain, 1)])).split('\n');
    expect(lines.length).toBeLessThan(60);
    expect(lines.some((line) => line.endsWith('… 19,960 more'))).toBe(true);
    expect(lines.some((line) => line.includes('f19999'))).toBe(true);
  });

  test('see verdicts first, what has the same reason together, the worst before the others', () => {
    const why = 'Nothing that is alive can settle it.';
    const groups = [
      dumpGroup([HANDLER], 9, { verdict: 'stuck', why: 'Its resolver is in a map.', heldBy: [{ count: 8, path: 'Map cache' }, { count: 1, path: 'global kept' }] }),
      dumpGroup([dumpFrame('lost', 40)], 3, { verdict: 'orphan', why, waitsFor: { kind: 'nothing', text: 'nothing', at: null, details: {} } }),
      dumpGroup([dumpFrame('gone', 50)], 2, { verdict: 'orphan', why, waitsFor: { kind: 'nothing', text: 'nothing', at: null, details: {} } }),
    ];
    expect(text(dumpOf(groups)).split('\n').slice(4, 12)).toEqual([
      'VERDICTS',
      '  orphan  3 × lost  src/a.ts:41:9, waiting for nothing',
      '  orphan  2 × gone  src/a.ts:51:9, waiting for nothing',
      '    Nothing that is alive can settle it.',
      '  stuck  9 × onRequest  src/a.ts:11:9, waiting for socket 10.0.0.7:5432',
      '    Its resolver is in a map.',
      '    held by  8 of 9: Map cache',
      '    held by  1 of 9: global kept',
    ]);
  });

  test('are told what was looked up in part, and where a function is when its line is not known', () => {
    const groups = [dumpGroup([dumpFrame('a', 1, { awaitingKnown: 1 })], 500), dumpGroup([dumpFrame('b', 5, { awaiting: null, awaitingKnown: 0 })], 2)];
    const shown = text(dumpOf(groups, { notes: ['The budget was used up.'] }));
    expect(shown).toContain('500 × a  src/a.ts:2:9 (1 of 500 looked up)');
    expect(shown).toContain('2 × b  in src/a.ts:5:1');
    expect(shown).toMatch(/\nThe budget was used up\.\n$/);
  });

  test('see resources, the first few of each kind', () => {
    const timers = Array.from({ length: 7 }, (_, index) => ({ count: 7 - index, type: 'timeout', text: `${index} s`, at: null, details: {} }));
    const resources: Dump['resources'] = {
      timers,
      handles: [{ count: 2, type: 'TCP', text: 'socket 10.0.0.7:5432', at: { file: '/app/src/a.ts', line: 3, column: 4 }, details: {} }],
      requests: [],
      listeners: [{ emitter: 'Socket', event: 'data', emitters: 3, count: 20, limit: 10, aboveLimit: true, at: null }],
      streams: [{ stream: 'Writable', count: 1, state: 'needs drain', bufferedBytes: 2048, highWaterMark: 1024, objectMode: false }],
    };
    const shown = text(dumpOf([], { resources }));
    expect(shown).toContain('TIMERS\n  7 × timeout, 0 s\n');
    expect(shown).toContain('  … 2 more\n');
    expect(shown).toContain('HANDLES\n  2 × socket 10.0.0.7:5432  src/a.ts:3:4\n');
    expect(shown).toContain("  20 × Socket 'data' on each of up to 3  above its limit of 10\n");
    expect(shown).toContain('  1 × Writable, needs drain: 2 KB buffered, high-water mark 1 KB\n');
    expect(shown).toContain('No async function is suspended.');
    expect(text(dumpOf([], { resources }), { all: true })).not.toContain('more');
  });

  test('get lines that fit, and nothing that a terminal acts on', () => {
    const evil = dumpFrame('f\u001b[2J\u202e', 1);
    const shown = text(dumpOf([dumpGroup([evil], 1, { verdict: 'orphan', why: 'word '.repeat(40), waitsFor: { kind: 'event', text: 'x\u001b]0;\u0007\n'.repeat(40), at: null, details: {} }, heldBy: [{ count: 1, path: '\u001b[31m' }] })]), { columns: 60 });
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    const colored = text(dumpOf([dumpGroup([HANDLER], 1, { verdict: 'orphan', why: 'x' })]), { color: true });
    expect(colored).toContain('\u001b[31morphan\u001b[0m');
  });
});

const ARGUMENTS: DumpArguments = {
  source: { kind: 'attach', target: '9229', allowRemote: false, allowSignal: false },
  json: false,
  keepSnapshot: undefined,
  all: false,
  lookupBudgetMs: undefined,
  yes: false,
  origins: {},
  pathMappings: {},
  config: false,
  color: false,
};

interface World extends DumpEnvironment {
  readonly printed: string[];
  readonly complaints: string[];
  readonly shown: string[];
  readonly questions: string[];
  readonly target: FakeTarget & { heap: number; closes: number };
}

function world(more: Partial<DumpEnvironment> = {}, result: HeapAnalysis = analysis([group([frame('f', 4)], [[7, 0]])])): World {
  const target = Object.assign(new FakeTarget(), { heap: 5_000_000, closes: 0 });
  const open: OpenHeapTarget = {
    info: target.info,
    closed: target.closed,
    startedAt: 0,
    heapUsed: () => Promise.resolve(target.heap),
    timerNow: () => target.timerNow(),
    peerAddresses: () => target.peerAddresses(),
    takeHeapSnapshot: (options) => target.takeHeapSnapshot(options),
    sourceMaps: () => Promise.resolve([]),
    frames: target.frames,
    close: () => {
      target.closes++;
      return Promise.resolve();
    },
  };
  const [printed, complaints, shown, questions]: string[][] = [[], [], [], []];
  return {
    printed: printed ?? [],
    complaints: complaints ?? [],
    shown: shown ?? [],
    questions: questions ?? [],
    target,
    open: () => Promise.resolve(open),
    print: (each) => printed?.push(each),
    complain: (each) => complaints?.push(each),
    showProgress: (each) => shown?.push(each),
    ask: (question) => {
      questions?.push(question);
      return Promise.resolve(false);
    },
    now: () => 0,
    wall: () => 0,
    terminal: { isTerminal: false, columns: Infinity, rows: Infinity, color: false },
    cwd: '/app',
    readProjectFile: () => Promise.resolve(undefined),
    positions: () => UNMAPPED,
    analyze: async (source) => {
      if ('take' in source) await source.take(() => undefined);
      return { analysis: result, bytes: 1, ms: 1 };
    },
    ...more,
  };
}

const NEVER = new AbortController().signal;

describe('the command', () => {
  test('says beforehand how long the process will stop, and lets go of it', async () => {
    const here = world();
    expect(await dump(ARGUMENTS, here, NEVER)).toBe(0);
    expect(here.complaints).toEqual(['The process is about to stand still for roughly 130 ms (4.8 MB of heap).']);
    expect(here.questions).toEqual([]);
    expect(here.printed.join('')).toContain('1 × f  in src/orders.js:5:1');
    expect(here.shown.at(-1)).toBe('');
    expect(here.target.closes).toBe(1);
  });

  test('asks before a long stop where somebody can answer', async () => {
    const asked = world();
    asked.target.heap = 800e6;
    expect(await dump(ARGUMENTS, asked, NEVER)).toBe(1);
    expect(asked.questions).toEqual(['Go on? [y/N] ']);
    expect(asked.printed).toEqual([]);
    expect(asked.target.closes).toBe(1);
    for (const [more, yes] of [[{ ask: () => Promise.resolve(true) }, false], [{ ask: undefined }, false], [{}, true]] as const) {
      const here = world(more);
      here.target.heap = 800e6;
      expect(await dump({ ...ARGUMENTS, yes }, here, NEVER)).toBe(0);
      expect(here.complaints[0]).toContain('1 min 33 s');
    }
  });

  test('prints one line of JSON in the stable format', async () => {
    const here = world({}, analysis([group([frame('f\u2028\u009b', 4)], [[7, 0]], { verdict: 'orphan', why: ['so ', { at: { scriptId: SCRIPT, line: 0, column: 0 } }] })]));
    expect(await dump({ ...ARGUMENTS, json: true }, here, NEVER)).toBe(0);
    const [line = ''] = here.printed;
    expect(line).toMatch(/^[^\n\u2028\u009b]+\n$/);
    expect(JSON.parse(line)).toMatchObject({ formatVersion: 1, target: { pid: 7, title: '/app/server.js' }, pauseMs: 12, groups: [{ count: 1, verdict: 'orphan', why: 'so src/orders.js:1', chain: [{ function: 'f\u2028\u009b', awaiting: null, awaitingKnown: 0 }] }] });
  });

  test('that cannot connect says what to do', async () => {
    const here = world({ open: () => Promise.reject(new TargetError('remote host', 'Elsewhere.')) });
    expect(await dump(ARGUMENTS, here, NEVER)).toBe(1);
    expect(here.complaints).toEqual(['Elsewhere. To attach all the same, add --allow-remote.']);
  });

  test('tells that the process ended, and that it was interrupted', async () => {
    const gone = world();
    gone.target.snapshot = () => {
      gone.target.close('target exited');
      return Promise.reject(new TargetError('closed', 'closed'));
    };
    expect(await dump(ARGUMENTS, gone, NEVER)).toBe(3);
    expect(gone.complaints.at(-1)).toBe('The process exited during the dump.');

    const stop = new AbortController();
    const stopped = world();
    stopped.target.snapshot = () => {
      stop.abort('SIGINT');
      return Promise.reject(new TargetError('cancelled', 'cancelled'));
    };
    expect(await dump(ARGUMENTS, stopped, stop.signal)).toBe(130);
    expect(stopped.printed).toEqual([]);
    expect(stopped.target.closes).toBe(1);
  });
});

describe('a process that ends once its snapshot is there', () => {
  const gone = (): Promise<never> => Promise.reject(new TargetError('closed', 'closed'));

  test('is dumped as far as is known, and the dump says so', async () => {
    const here = world();
    here.target.frames.locate = gone;
    here.target.peerAddresses = gone;
    expect(await dump(ARGUMENTS, here, NEVER)).toBe(0);
    expect(here.printed.join('').replace(/\n/g, ' ')).toContain('The line where a function stands is not known in 1 group; everything else is. The process ended, or did not answer any more,');
  });

  test('leaves the snapshot that is to be kept, whatever fails after it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'asyncscope-dump-'));
    try {
      const file = join(directory, 'kept.heapsnapshot');
      const here = world();
      here.target.snapshot = async ({ write }) => {
        await write('the whole heap');
      };
      here.target.frames.locate = () => Promise.reject(new Error('unexpected'));
      expect(await dump({ ...ARGUMENTS, keepSnapshot: file }, here, NEVER)).toBe(1);
      expect(await readFile(file, 'utf8')).toBe('the whole heap');
      expect(here.complaints.at(-1)).toBe('unexpected');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

test('the JSON is what the documentation says', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/dump-format.md'), 'utf8');
  const documented = new Set([...text.matchAll(/^\| `([\w[\].]+)` \|/gm)].map((match) => match[1]));
  const resource = { count: 1, type: '', text: '', at: null, details: {} };
  const whole = dumpOf([dumpGroup([HANDLER], 1, { heldBy: [{ count: 1, path: '' }] })], {
    notes: [''],
    resources: {
      timers: [resource],
      handles: [resource],
      requests: [resource],
      listeners: [{ emitter: '', event: '', emitters: 1, count: 1, limit: null, aboveLimit: false, at: null }],
      streams: [{ stream: '', count: 1, state: '', bufferedBytes: 0, highWaterMark: 0, objectMode: false }],
    },
  });
  expect(new Set(fieldsOf(JSON.parse(dumpAsJson(whole))))).toEqual(documented);
});

/** Names of leaves. Positions, facts and lists of texts are leaves. */
function fieldsOf(value: unknown, path = ''): string[] {
  if (/(?:declared|awaiting|details|notes)$/.test(path)) return [path];
  if (Array.isArray(value)) return value.flatMap((each) => fieldsOf(each, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, each]) => fieldsOf(each, path === '' ? name : `${path}.${name}`));
}
