import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { displayName } from '../../../src/core/format/text';
import { SITE_LINGER_MS } from '../../../src/core/model/sessionModel';
import { RATE_WINDOW_MS } from '../../../src/core/model/task';
import type { MarksUpdate } from '../../../src/protocol/lsp';
import { createDocumentStore } from '../../../src/server/documents';
import type { DocumentStore, OpenDocument } from '../../../src/server/documents';
import { LENS_FAR_INTERVAL_MS, LENS_FAR_LIMIT, LENS_TEXT_INTERVAL_MS, LensBoard } from '../../../src/server/features/codeLens';
import { HOVER_SITE_LIMIT, hoverAt } from '../../../src/server/features/hover';
import { heatOf, marksOf } from '../../../src/server/features/marks';
import { documentSites } from '../../../src/server/lineSites';
import { escapeMarkdown, positionLink } from '../../../src/server/markdown';
import { REDRAW_DELAY_MS, createRefreshScheduler } from '../../../src/server/refreshScheduler';
import type { RefreshScheduler } from '../../../src/server/refreshScheduler';
import { Session } from '../../../src/server/session';
import type { AgentPoll } from '../../../src/protocol/agent';
import { at } from '../core/model/pollBuilder';
import { ManualClock } from '../host/manualClock';
import { FakeTarget, UNMAPPED, settle } from './fakeTarget';

const URI = 'file:///app/a.js';
const INTERVAL = 1000;

let clock: ManualClock;
let target: FakeTarget;
let session: Session;
let store: DocumentStore;
let board: LensBoard;
let scheduler: RefreshScheduler;
let marks: MarksUpdate[];
let refreshes: number;
let lensesAreOn: boolean;

beforeEach(async () => {
  clock = new ManualClock();
  target = new FakeTarget();
  store = createDocumentStore(() => 0, (path) => path);
  board = new LensBoard();
  marks = [];
  refreshes = 0;
  lensesAreOn = true;
  scheduler = createRefreshScheduler({
    clock,
    board,
    documents: () => store.all(),
    sitesOf: (document) => documentSites(document, [session], clock.now()),
    lensesAreOn: () => lensesAreOn,
    suspendedOf: () => [],
    sendMarks: (update) => marks.push(update),
    refreshLenses: () => refreshes++,
  });
  session = new Session({
    id: 'a',
    name: 'app',
    budgetPercent: 1,
    pollIntervalMs: () => INTERVAL,
    connect: () => Promise.resolve(target),
    positions: UNMAPPED,
    clock,
    onUpdate: () => scheduler.changed(),
  });
  const started = session.start();
  await settle();
  target.answer(target.agent.poll(0));
  await started;
  const text = Array.from({ length: 50 }, (_, index) => `line ${index}`).join('\n');
  store.open(URI, 'javascript', 1, text, text);
  scheduler.opened(document());
});

function document(): OpenDocument {
  const found = store.get(URI);
  if (!found) throw new Error('not open');
  return found;
}

/** The next poll of the session, and the redrawing that follows it. */
async function poll(overrides: Partial<AgentPoll> = {}): Promise<void> {
  clock.advance(INTERVAL - REDRAW_DELAY_MS);
  await settle();
  const due = target.pending.length > 0;
  if (!due) clock.advance(REDRAW_DELAY_MS);
  await settle();
  target.answer(target.agent.poll(clock.now(), overrides));
  await settle();
  clock.advance(REDRAW_DELAY_MS);
  await settle();
}

function lenses(): string[] {
  return board.lenses(document()).map(({ range, command }) => `${range.start.line}: ${command?.title ?? ''}`);
}

function insertLine(line: number): void {
  const range = { start: { line, character: 0 }, end: { line, character: 0 } };
  store.change(URI, 2, [{ range, text: '\n' }]);
}

describe('a lens', () => {
  test('says what is alive on its line, and leads to the site with the most', async () => {
    target.agent.alive([at('/app/a.js', 5, 1)], 12, { label: 'work' });
    target.agent.alive([at('/app/a.js', 5, 9)], 3, { kind: 'timeout' });
    target.agent.alive([at('/app/a.js', 9)], 1, { kind: 'interval' });
    target.agent.alive([at('/app/b.js', 5)], 7);
    await poll();
    expect(lenses()).toEqual([
      expect.stringMatching(/^4: 12 promises, 3 timeouts · oldest (?:< )?1 s · \+15\/s$/),
      expect.stringMatching(/^8: 1 interval · oldest/),
    ]);
    expect(board.lenses(document())[0]?.command).toMatchObject({ command: 'asyncscope.revealSite', arguments: [{ sessionId: 'a', siteId: 's1' }] });
    expect(refreshes).toBe(1);
  });

  test('appears at once, and changes its text rarely', async () => {
    const site = target.agent.alive([at('/app/a.js', 5)], 11);
    await poll();
    expect(refreshes).toBe(1);
    const first = lenses();
    for (let polls = 2; polls * INTERVAL < LENS_TEXT_INTERVAL_MS; polls++) {
      target.agent.change(site, { live: 10 + polls });
      await poll();
      expect(lenses()).toEqual(first);
    }
    expect(refreshes).toBe(1);
    await poll();
    await poll();
    await poll();
    expect(refreshes).toBe(2);
    expect(lenses()[0]).toContain('14 promises');
    target.agent.alive([at('/app/a.js', 20)], 1);
    await poll();
    expect(refreshes).toBe(3);
    expect(lenses()).toHaveLength(2);
  });

  test.each([[2, 10], [10, 2], [0, 1], [1, 0]])('that says %d where there are %d by now is renewed at once', async (shown, now) => {
    const site = target.agent.site([at('/app/a.js', 5)]);
    const other = target.agent.alive([at('/app/a.js', 9)], 40);
    target.agent.change(site, { live: Math.max(1, shown), started: 20 });
    await poll();
    if (shown === 0) {
      target.agent.change(site, { live: 0, started: 20 });
      for (let i = 0; i <= LENS_TEXT_INTERVAL_MS / INTERVAL; i++) await poll();
    }
    const before = refreshes;
    target.agent.change(site, { live: now, started: 20 });
    target.agent.change(other, { live: 41 });
    await poll();
    clock.advance(LENS_FAR_INTERVAL_MS);
    expect(lenses()[0]).toMatch(new RegExp(`^4: ${now} promise`));
    expect(marks.at(-1)?.marks.find(({ line }) => line === 4)?.count ?? 0).toBe(now);
    expect(refreshes).toBe(before + 1);
  });

  test('of a line that goes up and down all the time is renewed that often a few times only', async () => {
    const site = target.agent.alive([at('/app/a.js', 5)], 1);
    await poll();
    const polls = 100;
    for (let i = 0; i < polls; i++) {
      target.agent.change(site, { live: i % 2 === 0 ? 100 : 1, started: 1000 });
      await poll();
    }
    // what is earned anew is as much as the slower step again
    const most = 1 + LENS_FAR_LIMIT + 2 * Math.ceil((polls * INTERVAL) / LENS_TEXT_INTERVAL_MS);
    expect(refreshes).toBeLessThanOrEqual(most);
    expect(refreshes).toBeGreaterThan((polls * INTERVAL) / LENS_TEXT_INTERVAL_MS);
  });

  test('stays on its line for a while with nothing alive', async () => {
    const site = target.agent.alive([at('/app/a.js', 5)], 2);
    await poll();
    target.agent.change(site, { live: 0, started: 2 });
    const ended = clock.now();
    await poll();
    while (clock.now() - ended < SITE_LINGER_MS) {
      expect(lenses()).toHaveLength(1);
      await poll();
    }
    for (let i = 0; i <= LENS_TEXT_INTERVAL_MS / INTERVAL; i++) await poll();
    expect(lenses()).toEqual([]);
  });

  test('says that nothing is alive', async () => {
    const site = target.agent.alive([at('/app/a.js', 5)], 2);
    await poll();
    target.agent.change(site, { live: 0, started: 2 });
    for (let i = 0; i <= LENS_TEXT_INTERVAL_MS / INTERVAL; i++) await poll();
    expect(lenses()).toEqual(['4: 0 promises']);
  });

  test('stays for a while when its session ends', async () => {
    target.agent.alive([at('/app/a.js', 5)], 2);
    await poll();
    target.close('target exited');
    await session.settled;
    clock.advance(LENS_TEXT_INTERVAL_MS + REDRAW_DELAY_MS);
    expect(lenses()).toEqual(['4: 0 promises']);
    expect(marks.at(-1)?.marks).toEqual([]);
    clock.advance(SITE_LINGER_MS);
    scheduler.changed();
    clock.advance(REDRAW_DELAY_MS + LENS_TEXT_INTERVAL_MS);
    expect(lenses()).toEqual([]);
  });

  test('follows edits at once', async () => {
    target.agent.alive([at('/app/a.js', 5)], 2);
    await poll();
    insertLine(0);
    expect(lenses()[0]).toMatch(/^5: /);
    store.change(URI, 3, [{ range: { start: { line: 5, character: 0 }, end: { line: 6, character: 0 } }, text: '' }]);
    expect(lenses()).toEqual([]);
  });

  test('is one for two lines that were joined', async () => {
    target.agent.alive([at('/app/a.js', 5, 3)], 2);
    target.agent.alive([at('/app/a.js', 6, 3)], 3);
    await poll();
    store.change(URI, 3, [{ range: { start: { line: 4, character: 6 }, end: { line: 5, character: 0 } }, text: ' ' }]);
    expect(lenses()).toEqual([expect.stringMatching(/^4: 5 promises/)]);
  });

  test.each([
    ['after the process began', Infinity, /^4: ⚠ 2 promises · .* · file changed since it was loaded$/],
    ['before that', -Infinity, /^4: 2 promises · [^⚠]*$/],
  ])('says whether its file was written %s', async (_, changedAt, title) => {
    const text = Array.from({ length: 50 }, (_line, index) => `line ${index}`).join('\n');
    store = createDocumentStore(() => 0, (path) => path);
    store.open(URI, 'javascript', 1, text, text, changedAt);
    target.agent.alive([at('/app/a.js', 5)], 2);
    await poll();
    expect(lenses()).toEqual([expect.stringMatching(title)]);
    expect(lenses()[0]?.includes('changed')).toBe(changedAt === Infinity);
  });

  test('is not shown for tasks of others', async () => {
    target.agent.alive([at('/app/a.js', 5)], 2, { inner: true });
    target.agent.alive([at('/app/node_modules/x/a.js', 5)], 2);
    await poll();
    expect(lenses()).toEqual([]);
  });

  test('marks an estimate', async () => {
    const site = target.agent.site([at('/app/a.js', 5)]);
    target.agent.change(site, { live: 1234, variance: 6400 });
    await poll({ sampledPromises: true });
    expect(lenses()[0]).toMatch(/^4: ~1,200 promises/);
  });

  test('is not beyond the end of the document', async () => {
    target.agent.alive([at('/app/a.js', 5000)], 2);
    await poll();
    expect(lenses()).toEqual([]);
  });
});

describe('marks', () => {
  test('are sent when they change', async () => {
    const site = target.agent.alive([at('/app/a.js', 5)], 12);
    target.agent.alive([at('/app/a.js', 5, 7)], 20, { kind: 'timeout' });
    await poll();
    expect(marks).toHaveLength(1);
    expect(marks[0]).toMatchObject({ uri: URI, version: 1, marks: [{ line: 4, kind: 'timeout', heat: 2, count: 32, text: '20 timeouts, 12 promises · +32/s' }] });
    expect(marks[0]?.marks[0]?.sites).toEqual([{ sessionId: 'a', siteId: 's2' }, { sessionId: 'a', siteId: 's1' }]);
    for (let i = 0; i <= RATE_WINDOW_MS / INTERVAL; i++) await poll();
    const before = marks.length;
    await poll();
    expect(marks).toHaveLength(before);
    target.agent.change(site, { live: 0, started: 12 });
    await poll();
    expect(marks.at(-1)?.marks).toMatchObject([{ count: 20 }]);
  });

  test('say that they are newer where the lens above says something else', async () => {
    const site = target.agent.alive([at('/app/a.js', 5)], 40);
    for (let i = 0; i <= RATE_WINDOW_MS / INTERVAL; i++) await poll();
    const text = (): string | undefined => marks.at(-1)?.marks[0]?.text;
    expect([lenses()[0]?.split(' · ')[0], text()]).toEqual(['4: 40 promises', '40 promises']);
    // every poll finds one more: the lens says so now and then, the mark each time, and never something else without a word about it
    const shown = new Set<string>();
    let inLens = 40;
    let asked = refreshes;
    const compare = (count: number): void => {
      expect(text()?.replace(/ · .*/, '')).toBe(`${inLens === count ? '' : 'now '}${count} promises`);
      shown.add(inLens === count ? 'same' : 'newer');
    };
    for (let count = 41; count <= 61; count++) {
      target.agent.change(site, { live: count, started: count });
      await poll();
      // until the client has asked for the new ones it shows the old ones
      compare(count);
      if (refreshes === asked) continue;
      asked = refreshes;
      inLens = Number(/\d+/.exec(lenses()[0]?.slice(3) ?? ''));
      scheduler.changed();
      clock.advance(REDRAW_DELAY_MS);
      compare(count);
    }
    expect([...shown].sort()).toEqual(['newer', 'same']);
    // and once it stands still, no more
    for (let i = 0; i <= (RATE_WINDOW_MS + LENS_TEXT_INTERVAL_MS) / INTERVAL; i++) {
      await poll();
      lenses();
    }
    await poll();
    expect(text()).toBe('61 promises');
  });

  test('have no lens to be newer than where lenses are off', async () => {
    lensesAreOn = false;
    const site = target.agent.alive([at('/app/a.js', 5)], 40);
    await poll();
    target.agent.change(site, { live: 41, started: 41 });
    await poll();
    expect(lenses()[0]).toContain('40 promises');
    expect(marks.at(-1)?.marks[0]?.text).toMatch(/^41 promises/);
  });

  test('of a document are sent when it is opened', async () => {
    target.agent.alive([at('/app/b.js', 2)], 1);
    await poll();
    expect(marks).toEqual([]);
    store.open('file:///app/b.js', 'javascript', 1, 'a\nb\n', 'a\nb\n');
    const opened = store.get('file:///app/b.js');
    if (opened) scheduler.opened(opened);
    expect(marks).toMatchObject([{ uri: 'file:///app/b.js', marks: [{ line: 1 }] }]);
  });

  test.each([[1, 1], [9, 1], [10, 2], [99, 2], [100, 3], [999, 3], [1000, 4], [1e9, 4]])('%d tasks are of heat %d', (count, heat) => {
    expect(heatOf(count)).toBe(heat);
  });

  test('come top down', async () => {
    target.agent.alive([at('/app/a.js', 9)], 1);
    target.agent.alive([at('/app/a.js', 5)], 1);
    await poll();
    expect(marksOf(document(), documentSites(document(), [session], 0)).map(({ line }) => line)).toEqual([4, 8]);
  });
});

describe('a hover', () => {
  function hover(line: number): string | undefined {
    const found = hoverAt(document(), documentSites(document(), [session], clock.now()), { line, character: 3 });
    return found === null ? undefined : (found.contents as { value: string }).value;
  }

  test('tells everything of its line', async () => {
    const site = target.agent.site([at('/app/a.js', 5, 7, 'load'), at('/app/node_modules/x/index.js', 8, 1, 'run'), at('node:fs', 3, 1, null)], { label: 'fetchOrder' });
    target.agent.change(site, { live: 1234, variance: 100, started: 2000, abandoned: 66 });
    await poll({ sampledPromises: true, dropped: 5 });
    const text = hover(4) ?? '';
    expect(text).toContain('**~1,230 promises** — fetchOrder');
    expect(text).toMatch(/oldest 1 s|oldest < 1 s/);
    expect(text).toContain('2,000/s started');
    expect(text).toContain('~66 promises collected while pending');
    expect(text).toContain('±20 with 95 % confidence');
    expect(text).toContain('5 tasks not counted');
    expect(text).toContain('- load — [a\\.js\\:5\\:7](file:///app/a.js#L5,7)');
    expect(text).toContain('- *run* — [index\\.js\\:8\\:1](file:///app/node_modules/x/index.js#L8,1) (dependency)');
    expect(text).toContain('node\\:fs\\:3\\:1 (node)');
    expect(hover(5)).toBeUndefined();
  });

  test('says how many it does not tell', async () => {
    for (let column = 1; column <= HOVER_SITE_LIMIT + 2; column++) target.agent.alive([at('/app/a.js', 5, column)], 1);
    await poll();
    expect(hover(4)).toContain('2 more of this line are in Live Tasks.');
  });

  const HOSTILE = [
    '<img src=x onerror=alert(1)>',
    '[click](command:workbench.action.quit)',
    '![](https://example.org/x.png)',
    '`code` **bold** _em_ ~~del~~',
    '# heading\n- list\n> quote\n| a | b |',
    '&lt;script&gt;',
    'https://example.org www.example.org a@example.org',
    '$(trash) \\[x](y)',
    '\u001b]8;;https://example.org\u0007link\u202e',
    '1. item',
    '--- ***',
    'x'.repeat(10_000),
  ];

  test.each(HOSTILE)('shows %j as text', async (name) => {
    target.agent.alive([at('/app/a.js', 5, 7, name)], 1, { label: name });
    await poll();
    // What is left without escaped characters is ours: bold, emphasis, the separators and one link.
    const active = (hover(4) ?? '').replace(/\\[!-/:-@[-`{-~]/g, '');
    expect(active).not.toMatch(/[<>`$&!|~]/);
    expect(active.match(/\]\([^)]*\)/g)).toEqual(['](file:///app/a.js#L5,7)']);
    expect(active.match(/https?:|www\.|@/g)).toBeNull();
    expect(active.split('\n').filter((line) => /^(?:#|\d|---|\*\*\*)/.test(line))).toEqual([]);
    expect(active.length).toBeLessThan(1000);
  });
});

describe('Markdown', () => {
  test('shows any text as itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const escaped = escapeMarkdown(text);
        // CommonMark: a backslash before any ASCII punctuation makes it literal.
        const literal = escaped.replace(/\\([!-/:-@[-`{-~])/g, '$1');
        return literal === displayName(text) && !/[!-/:-@[-`{-~]/.test(escaped.replace(/\\[!-/:-@[-`{-~]/g, ''));
      }),
    );
  });

  test('links only to files of this machine', () => {
    expect(positionLink('/a b/(c)[d].js', 1, 2)).toBe('[\\(c\\)\\[d\\]\\.js\\:1\\:2](file:///a%20b/%28c%29%5Bd%5D.js#L1,2)');
    expect(positionLink('https://example.org/a.js', 1, 2)).toBe('https\\:\\/\\/example\\.org\\/a\\.js\\:1\\:2');
    expect(positionLink('javascript:alert(1)', 1, 2)).not.toContain('](');
  });
});
