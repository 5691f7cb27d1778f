/** What is sampled, dropped or lost is said in every place where the figures stand. */
import { beforeEach, expect, test } from 'vitest';
import { sortSites } from '../../../src/cli/sortSites';
import { renderTable } from '../../../src/cli/table';
import { pictureOf } from '../../../src/cli/psFormat';
import { SessionStore } from '../../../src/host/sessions/sessionStore';
import { statusText } from '../../../src/host/statusBar/statusText';
import { buildTree } from '../../../src/host/tree/treeModel';
import type { TreeRow } from '../../../src/host/tree/treeModel';
import type { AgentPoll } from '../../../src/protocol/agent';
import type { SessionUpdate } from '../../../src/protocol/lsp';
import { createDocumentStore } from '../../../src/server/documents';
import { hoverAt } from '../../../src/server/features/hover';
import { lensTitle, markText } from '../../../src/server/features/lineSummary';
import { documentSites } from '../../../src/server/lineSites';
import { Session } from '../../../src/server/session';
import { at } from '../core/model/pollBuilder';
import { ManualClock } from '../host/manualClock';
import { FakeTarget, UNMAPPED, settle } from './fakeTarget';

const URI = 'file:///app/a.js';
const INTERVAL = 1000;

let clock: ManualClock;
let target: FakeTarget;
let session: Session;
let store: SessionStore;

beforeEach(async () => {
  clock = new ManualClock();
  target = new FakeTarget();
  store = new SessionStore();
  session = new Session({
    id: 'a',
    name: 'app',
    budgetPercent: 1,
    pollIntervalMs: () => INTERVAL,
    connect: () => Promise.resolve(target),
    positions: UNMAPPED,
    clock,
    onUpdate: (update: SessionUpdate) => store.apply(update),
  });
  const started = session.start();
  await settle();
  target.answer(target.agent.poll(0));
  await started;
});

async function poll(part: Partial<AgentPoll>): Promise<void> {
  target.agent.change(target.agent.site([at('/app/a.js', 5, 7, 'load')]), { live: 12_345, variance: 10_000, started: 20_000 });
  clock.advance(INTERVAL);
  await settle();
  target.answer(target.agent.poll(10_000, part));
  await settle();
}

const flat = (rows: readonly TreeRow[]): readonly TreeRow[] => rows.flatMap((row) => [row, ...flat(row.children)]);

/** The texts of every place where figures stand. */
function places(): { readonly json: string; readonly [place: string]: string } {
  const documents = createDocumentStore(() => 0, () => 'x\n'.repeat(20));
  documents.open(URI, 'javascript', 1, 'x\n'.repeat(20), 'x\n'.repeat(20));
  const document = documents.get(URI);
  if (!document) throw new Error('not open');
  const sites = documentSites(document, [session], clock.now());
  const { model } = session;
  const sorted = sortSites(model.sites(), 'count');
  const tree = flat(buildTree(store.all(), { order: 'count', internals: 'folded' }).rows);
  const status = statusText(store.all(), []);
  return {
    terminal: renderTable(model, target.info, sorted, { columns: Infinity, rows: Infinity, color: false, all: false, cwd: '/app' }),
    json: JSON.stringify(pictureOf(model, target.info, sorted, 1)),
    tree: tree.map(({ label, description }) => `${label} ${description}`).join('\n'),
    status: `${status?.text ?? ''}\n${status?.tooltip ?? ''}`,
    hover: (hoverAt(document, sites, { line: 4, character: 0 })?.contents as { value: string }).value.replaceAll('\\', ''),
    lens: lensTitle(sites),
    mark: markText(sites),
  };
}

test('a sampled count carries ~ in terminal, tree, status bar, hover, lens and at the end of the line', async () => {
  await poll({ sampledPromises: true });
  const { json, ...texts } = places();
  for (const [place, text] of Object.entries(texts)) expect(text, place).toMatch(/~12,3\d\d/);
  // and nowhere does the bare number stand
  for (const [place, text] of Object.entries(texts)) expect(text, place).not.toMatch(/(?<![~+])\b12,3\d\d/);
  expect(JSON.parse(json)).toMatchObject({ overhead: { mode: 'sampled' }, sites: [{ exact: false, error: 197.562 }] });
});

test('an exact count carries no ~', async () => {
  await poll({});
  for (const [place, text] of Object.entries(places())) expect(text, place).not.toContain('~');
});

test.each<[string, Partial<AgentPoll>, RegExp, object]>([
  ['dropped tasks', { dropped: 99 }, /99 tasks not counted: a limit was reached/, { dropped: 99 }],
  ['a lost poll', { seq: 4 }, /2 answers of the process lost/, { lostPolls: 2 }],
  ['a restarted agent', { seq: 1 }, /tasks from before that are not counted/, { restarts: 1 }],
  ['stacks that are cut', { stacks: 'cut' }, /has fixed Error.stackTraceLimit/, { stacks: 'cut' }],
  ['stacks that cannot be taken', { stacks: 'none' }, /has frozen Error, so no stack can be taken/, { stacks: 'none' }],
])('%s: said in terminal, tree, status bar and hover', async (_what, part, words, json) => {
  await poll(part);
  const texts = places();
  for (const place of ['terminal', 'tree', 'status', 'hover']) expect(texts[place], place).toMatch(words);
  expect(JSON.parse(texts.json)).toMatchObject(json);
});
