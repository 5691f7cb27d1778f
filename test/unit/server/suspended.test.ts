/** Lines where functions stood suspended: what is counted, and what a hover says. */
import { describe, expect, test } from 'vitest';
import type { HeapAnalysis } from '../../../src/core/heap/heapAnalysis';
import { createDocumentStore } from '../../../src/server/documents';
import type { OpenDocument } from '../../../src/server/documents';
import { foundWithoutLookUp } from '../../../src/server/dump/lookUp';
import type { StoredDump } from '../../../src/server/dump/dumpStore';
import { renderDump } from '../../../src/server/dump/renderDump';
import { NO_SCRIPT_TEXTS } from '../../../src/server/dump/scriptText';
import { suspendedHover, suspendedLenses, suspendedMarks } from '../../../src/server/features/suspended';
import { SCRIPT, analysis, frame, group } from './dump/rawDump';
import { UNMAPPED } from './fakeTarget';

const FILE = '/app/src/orders.js';
const URI = `file://${FILE}`;

function stored(result: HeapAnalysis, singles: Readonly<Record<string, number>>, isFile = false): StoredDump {
  const { dump, kept, place } = renderDump(result, {
    target: { pid: 1, node: null, url: null, title: '', cwd: null, file: null },
    at: '2026-01-02T03:04:05.000Z',
    pauseMs: 1,
    positions: UNMAPPED,
    texts: NO_SCRIPT_TEXTS,
    peers: new Map(),
    origins: undefined,
    base: '/app',
    found: foundWithoutLookUp(new Map(Object.entries(singles).map(([key, line]) => [key, { scriptId: SCRIPT, line, column: 2 }]))),
    notes: [],
  });
  const taken = { dump, kept: new Map(kept.map((each) => [each.id, each])), place };
  return { id: 'dump-1', taken, startedAt: 100, ...(!isFile && { process: { sessionId: 'a', look: () => Promise.reject(new Error('unused')) } }) };
}

function document(): OpenDocument {
  const store = createDocumentStore(() => 50, (path) => path);
  store.open(URI, 'javascript', 1, '\n'.repeat(40), undefined, 0);
  const open = store.get(URI);
  if (open === undefined) throw new Error('not open');
  return open;
}

const [outer, inner] = [frame('outer', 4), frame('inner', 14)];
/** All wait at line 6 for the one call that stands at line 16. */
const SHARED = group([outer, inner], [[1, 9, 90], [2, 9, 90], [3, 9, 90]], { verdict: 'stuck', why: ['Nobody [calls](it).'] });

describe('a line', () => {
  test('counts each suspended function once, in however many chains it is', () => {
    const dump = stored(analysis([SHARED, group([outer], [[4, 91]], { verdict: 'orphan' })]), { '1:4:0': 5, '1:14:0': 15 });
    expect(suspendedMarks(document(), [dump]).map(({ line, count, verdict, groups }) => [line, count, verdict, groups.length])).toEqual([
      [5, 4, 'orphan', 2],
      [15, 1, 'stuck', 1],
    ]);
    expect(suspendedLenses(document(), [dump]).map(({ command }) => command?.title)).toEqual([expect.stringMatching(/^4 suspended here · \d\d:\d\d:\d\d · orphan$/), expect.stringMatching(/^1 suspended here · .+ · stuck$/)]);
  });

  test('counts tasks beyond those whose objects are kept, and every call of a recursion', () => {
    const many = { ...group([frame('f', 4, { repeats: 3 })], [[1, 90]]), count: 200_000 };
    expect(suspendedMarks(document(), [stored(analysis([many]), { '1:4:0': 5 })])).toMatchObject([{ count: 200_002 }]);
  });

  test('of a function is marked where its await is not known', () => {
    const [mark] = suspendedMarks(document(), [stored(analysis([SHARED]), {})]);
    expect(mark).toMatchObject({ line: 4, count: 3, text: expect.stringMatching(/^3 suspended in this function · /) as string });
  });

  test('of a package or of Node has no mark', () => {
    const scripts = new Map([[SCRIPT, '/app/node_modules/x/orders.js']]);
    expect(suspendedMarks(document(), [stored(analysis([SHARED], { scripts }), {})])).toEqual([]);
  });
});

test('a hover tells chains, reasons and who holds them, as text', () => {
  const groups = [{ ...SHARED, heldBy: [{ count: 2, path: ['Map <cache>'] }] }];
  const hover = suspendedHover(document(), [stored(analysis(groups), { '1:14:0': 15 })], { line: 15, character: 0 });
  const { value } = hover?.contents as { value: string };
  expect(value).toContain('**1 suspended here**');
  expect(value).toContain('3 × outer › **inner**');
  expect(value).toContain('**stuck** — Nobody \\[calls\\]\\(it\\)\\.');
  expect(value).toContain('Held by Map \\<cache\\> (2 of 3)');
  for (const [text, command] of [['Dump', 'revealGroups'], ['Graph', 'showInGraph']]) expect(value).toMatch(new RegExp(`\\[Show in ${String(text)}\\]\\(command:asyncscope\\.${String(command)}\\?%5B%7B[^)\\s]+%7D%5D\\)`));
  expect(value).toMatch(/\[Variables of the first\]\(command:asyncscope\.showVariables\?%5B%7B[^)\s]+%7D%5D\)/);
  expect(suspendedHover(document(), [stored(analysis(groups), {})], { line: 30, character: 0 })).toBeNull();
  const ofFile = suspendedHover(document(), [stored(analysis(groups), { '1:14:0': 15 }, true)], { line: 15, character: 0 });
  expect((ofFile?.contents as { value: string }).value).not.toContain('showVariables');
});
