import { describe, expect, it } from 'vitest';
import type { StackFrame } from '../../../src/core/model/task';
import type { SessionUpdate } from '../../../src/protocol/lsp';
import { SessionStore } from '../../../src/host/sessions/sessionStore';
import { escapeMarkdown, heatOf, siteAsText, siteDescription, siteLabel, sitePosition, siteSpoken, siteTooltip, taskDescription, taskLabel } from '../../../src/host/tree/siteText';
import { treeMessage } from '../../../src/host/tree/treeMessage';
import type { TreeOptions, TreePicture, TreeRow } from '../../../src/host/tree/treeModel';
import { buildTree, closedAbove, diffTree, findSite, framesOf, PAGE_SIZE, RowCache, siteKey } from '../../../src/host/tree/treeModel';
import type { Filter } from '../../../src/core/view/filter';
import { parseFilter } from '../../../src/core/view/filter';
import { HiddenSites } from '../../../src/core/view/hiddenSites';
import { WatchList } from '../../../src/host/tree/watchList';
import { site, update } from './sample';

const OPTIONS: TreeOptions = { order: 'count', internals: 'folded' };

function tree(part: Partial<SessionUpdate>, options = OPTIONS): readonly TreeRow[] {
  const store = new SessionStore();
  store.apply(update(part));
  return buildTree(store.all(), options).rows;
}

const below = (rows: readonly TreeRow[]): readonly TreeRow[] => rows[0]?.children ?? [];
const labels = (rows: readonly TreeRow[]): readonly string[] => rows.map(({ label }) => label);
const siteIds = (rows: readonly TreeRow[]): readonly string[] => below(rows).flatMap(({ siteId }) => siteId ?? []);

const filter = (text: string): Filter => {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.filter;
};

describe('sites in words', () => {
  it('reads count, change, age and position', () => {
    expect(siteDescription(site())).toBe('12  +3  41 s  orders.ts:42');
    expect(siteDescription(site({ sinceBaseline: 0 }))).toBe('12  41 s  orders.ts:42');
    expect(siteDescription(site({ count: 1234, exact: false, error: 120, sinceBaseline: -4 }))).toBe('~1,200  41 s  orders.ts:42');
    expect(siteDescription(site({ count: 1234, exact: false, error: 120, sinceBaseline: -438 }))).toBe('~1,200  −400  41 s  orders.ts:42');
    expect(siteDescription(site({ file: null, line: 0, count: 0, sinceBaseline: 0 }))).toBe('0');
  });

  it('names the folder of files whose own name says nothing', () => {
    expect(sitePosition(site({ file: '/srv/routes/index.ts', line: 7 }))).toBe('routes/index.ts:7');
    expect(sitePosition(site({ file: 'C:\\srv\\orders.ts', line: 7 }))).toBe('orders.ts:7');
    expect(sitePosition(site({ file: 'node:net', line: 0 }))).toBe('node:net');
  });

  it('has a label where there is no name', () => {
    expect(siteLabel(site({ function: null }))).toBe('(anonymous)');
    expect(siteLabel(site({ function: null, file: null }))).toBe('(internal)');
  });

  it('speaks in sentences to a screen reader', () => {
    expect(siteSpoken(site())).toBe('placeOrder, 12 promises, at orders.ts line 42, 3 more than at the baseline, oldest 41 s');
    expect(siteSpoken(site({ count: 1, exact: false, sinceBaseline: -2 }))).toContain('about 1 promise');
  });

  it('shows what comes from the target literally', () => {
    expect(escapeMarkdown('a*b_[x](command:y) <b>&\n# c')).toBe('a\\*b\\_\\[x\\]\\(command\\:y\\) &lt;b\\>&amp; \\# c');
    const evil = site({ function: '](command:x) <img src=x>', file: '/a/`b`.ts' });
    for (const part of ['](command:', '<img', '`b`']) expect(siteTooltip(evil)).not.toContain(part);
  });

  it('tells in the tooltip how exact it is, what was lost, and where it started', () => {
    const tooltip = siteTooltip({ ...site({ exact: false, error: 30, abandoned: 7 }), stack: [{ function: null, file: '/srv/a.ts', line: 3, column: 4 }] });
    expect(tooltip).toContain('±30');
    expect(tooltip).toContain('7 promises collected while pending');
    expect(tooltip).toContain('Started from\n- \\(anonymous\\)');
  });

  it('copies as plain text', () => {
    expect(siteAsText({ ...site(), stack: [{ function: 'f', file: '/srv/a.ts', line: 3, column: 4 }] })).toBe(
      'placeOrder at /srv/orders/src/orders.ts:42:7\n12 promises, oldest 41 s, +3 since the baseline\n    at f (/srv/a.ts:3:4)',
    );
  });

  it('describes tasks', () => {
    expect(taskLabel({ id: 1, kind: 'promise', ageMs: 41_000, state: 'pending', weight: 16 })).toBe('~16 × 41 s');
    expect(taskDescription({ id: 1, kind: 'interval', ageMs: 1, state: "every 30 s, next in 2 s · unref'd", weight: 1, delayMs: 30_000, repeats: true, refed: false })).toBe("every 30 s, next in 2 s · unref'd");
    expect(taskDescription({ id: 1, kind: 'handle', ageMs: 1, state: 'idle', weight: 1, type: 'TCPWRAP', localAddress: '127.0.0.1:80', remoteAddress: '10.0.0.1:5000' })).toBe(
      'socket · 127.0.0.1:80 · → 10.0.0.1:5000 · idle',
    );
  });

  it.each([[1, 1], [9, 1], [10, 2], [99, 2], [100, 3], [999, 3], [1000, 4]])('%d tasks have heat %d', (count, heat) => {
    expect(heatOf(count)).toBe(heat);
  });
});

describe('the tree', () => {
  const sites = [
    site({ id: 'many', count: 100, oldestMs: 1000, sinceBaseline: 0 }),
    site({ id: 'old', count: 2, oldestMs: 90_000, sinceBaseline: 1 }),
    site({ id: 'growing', count: 50, oldestMs: 5000, sinceBaseline: 40 }),
    site({ id: 'lib', origin: 'dependency', count: 30 }),
    site({ id: 'net', origin: 'node', count: 3 }),
    site({ id: 'none', count: 0 }),
  ];

  it.each([
    ['count', ['many', 'growing', 'old']],
    ['age', ['old', 'growing', 'many']],
    ['growth', ['growing', 'old', 'many']],
  ] as const)('sorts by %s', (order, ids) => {
    expect(siteIds(tree({ sites }, { ...OPTIONS, order }))).toEqual(ids);
  });

  it('lets sites that hardly differ keep their places', () => {
    const [a, b] = [site({ id: 'a', count: 72 }), site({ id: 'b', count: 74 })];
    const places = new Map([['site/1/a', 0], ['site/1/b', 1]]);
    expect(siteIds(tree({ sites: [b, a] }))).toEqual(['b', 'a']);
    expect(siteIds(tree({ sites: [b, a] }, { ...OPTIONS, places }))).toEqual(['a', 'b']);
    expect(siteIds(tree({ sites: [{ ...b, count: 90 }, a] }, { ...OPTIONS, places }))).toEqual(['b', 'a']);
    expect(siteIds(tree({ sites: [{ ...b, count: 4 }, { ...a, count: 3 }] }, { ...OPTIONS, places }))).toEqual(['b', 'a']);
  });

  it('folds dependencies and Node away, or lists them among the rest', () => {
    const folded = tree({ sites });
    expect(labels(below(folded))).toContain('Dependencies and Node (33)');
    expect(findSite(folded, { sessionId: '1', siteId: 'lib' })?.siteId).toBe('lib');
    expect(siteIds(tree({ sites }, { ...OPTIONS, internals: 'inline' }))).toEqual(['many', 'growing', 'lib', 'net', 'old']);
  });

  it('says when nothing of the user is alive', () => {
    expect(labels(below(tree({ sites: [] })))).toContain('No live tasks of your own code right now');
  });

  it('is loud about what was not counted', () => {
    expect(labels(below(tree({ dropped: 1200 })))[0]).toBe('1,200 tasks not counted: a limit was reached, so the figures are too low');
  });

  it('offers to count promises from before the attach as long as they can be told from the others', () => {
    const before = { totals: update().totals, notFollowed: 0, uptimeMs: 60_000 };
    const said = (canCountPromises: boolean): readonly string[] => labels(below(tree({ before: { ...before, canCountPromises } })));
    expect(said(true)).toContain('Count promises from before the attach');
    expect(said(false)).not.toContain('Count promises from before the attach');
    expect(said(false).join()).toContain('Promises from before the attach cannot be told from the others any more');
  });

  it.each([
    ['attached', 'pid 4242 · v24.9.0', 'session.running'],
    ['paused', 'pid 4242 · v24.9.0 · paused', 'session.paused'],
    ['unresponsive', 'pid 4242 · v24.9.0 · not responding', 'session.unresponsive'],
    ['attaching', 'pid 4242 · v24.9.0 · attaching…', 'session.attaching'],
  ] as const)('shows that a session is %s', (status, description, context) => {
    expect(tree({ status })[0]).toMatchObject({ label: 'orders', description, context });
  });

  it('calls what was attached to by address after its folder', () => {
    expect(tree({ name: '127.0.0.1:9229' })[0]).toMatchObject({ label: 'orders', description: '127.0.0.1:9229 · pid 4242 · v24.9.0' });
    expect(tree({ name: 'main.js', debugSessionId: 'd' })[0]).toMatchObject({ label: 'main.js', description: 'pid 4242 · v24.9.0' });
  });

  it('shows why a session ended, and nothing that is no longer so', () => {
    const rows = tree({ status: 'ended', end: { reason: 'target exited', message: 'The process exited with code 1.' } });
    expect(rows[0]?.description).toContain('ended: target exited');
    expect(labels(below(rows))).toEqual(['The process exited with code 1.']);
  });

  it('lists the tasks of a watched site and how many it does not list', () => {
    const rows = tree({ tasks: [{ siteId: 'site-1', tasks: [{ id: 5, kind: 'promise', ageMs: 41_000, state: 'pending', weight: 1 }], more: 1104 }] });
    expect(labels(findSite(rows, { sessionId: '1', siteId: 'site-1' })?.children ?? [])).toEqual(['41 s', '1,104 more']);
  });

  it('folds what is beyond a page into further pages, and finds it there', () => {
    const many = Array.from({ length: 2 * PAGE_SIZE + 3 }, (_, index) => site({ id: `s${String(index)}`, count: 2 }));
    const rows = tree({ sites: many });
    expect(siteIds(rows)).toHaveLength(PAGE_SIZE);
    expect(below(rows).slice(-2).map(({ label, description, children }) => [label, description, children.length])).toEqual([
      ['501 to 1,000', '1,000  +1,500  41 s  500 sites', PAGE_SIZE],
      ['1,001 to 1,003', '6  +9  41 s  3 sites', 3],
    ]);
    for (const { id } of many) expect(findSite(rows, { sessionId: '1', siteId: id })?.siteId).toBe(id);
  });

  it('shows the figures of the process', () => {
    const process = below(tree({})).find(({ label }) => label === 'Process');
    expect(process?.description).toBe('48 MB of 4 GB · loop 2 ms');
    expect(process?.children.map(({ label, description }) => `${label}: ${description}`)).toContain('Event loop utilization: 23 %');
    expect(process?.children.at(-1)?.children.map(({ label, description }) => [label, description])).toEqual([['TCPSocketWrap', '6'], ['Timeout', '2']]);
  });

  it('gives every row an id of its own, the same every time', () => {
    const ids = (rows: readonly TreeRow[]): readonly string[] => rows.flatMap((row) => [row.id, ...ids(row.children)]);
    const first = ids(tree({ sites }));
    expect(new Set(first).size).toBe(first.length);
    expect(ids(tree({ sites }))).toEqual(first);
  });
});

describe('what the user wants to see', () => {
  const sites = [
    site({ id: 'a', count: 100, function: 'place', file: '/srv/src/a.ts', line: 1, sinceBaseline: 0 }),
    site({ id: 'b', kind: 'timeout', count: 5, function: 'beat', file: '/srv/src/a.ts', line: 9, sinceBaseline: 5 }),
    site({ id: 'c', count: 20, function: 'poll', file: '/srv/src/c.ts', line: 2, oldestMs: 90_000, sinceBaseline: -1 }),
    site({ id: 'd', kind: 'handle', origin: 'dependency', count: 7, file: '/srv/node_modules/pg/x.js' }),
    site({ id: 'e', kind: 'handle', origin: 'node', count: 1, file: 'node:net', line: 0 }),
  ];
  const picture = (options: Partial<TreeOptions>, part: Partial<SessionUpdate> = {}): TreePicture => {
    const store = new SessionStore();
    store.apply(update({ sites, ...part }));
    return buildTree(store.all(), { ...OPTIONS, ...options });
  };
  const shape = (rows: readonly TreeRow[]): readonly string[] =>
    rows.filter(({ context }) => !['process', 'note'].includes(context)).map(({ label, children }) => (children.length === 0 ? label : `${label}(${shape(children).join(' ')})`));

  it.each([
    ['kind', ['Promises(place poll)', 'Timeouts(beat)', 'Dependencies and Node (8)(Handles(placeOrder placeOrder))']],
    ['file', ['a.ts(place beat)', 'c.ts(poll)', 'Dependencies and Node (8)(x.js(placeOrder) node:net(placeOrder))']],
    ['package', ['Your own code(place poll beat)', 'Dependencies and Node (8)(pg(placeOrder) Node(placeOrder))']],
  ] as const)('stands in groups by %s', (grouping, expected) => {
    expect(shape(below(picture({ grouping }).rows))).toEqual(expected);
  });

  it('has totals in groups, that can be heard as well', () => {
    const [group] = below(picture({ grouping: 'file' }).rows).filter(({ context }) => context === 'group');
    expect(group).toMatchObject({
      description: '105  +5  41 s  2 sites',
      spoken: 'a.ts, 105 tasks of 2 sites, 5 more than at the baseline, oldest 41 s',
      tooltip: '/srv/src/a.ts',
    });
  });

  it('is what the filter asks for, of how many', () => {
    const filtered = picture({ filter: filter('kind:promise >1m') });
    expect(shape(below(filtered.rows))).toEqual(['poll']);
    expect([filtered.shown, filtered.total]).toEqual([1, 5]);
  });

  it('has internals in the open when the filter asks for them', () => {
    expect(shape(below(picture({ filter: filter('origin:dependency') }).rows))).toEqual(['placeOrder']);
  });

  it('says when nothing matches, and when nothing is new', () => {
    expect(below(picture({ filter: filter('nothing') }).rows).find(({ context }) => context === 'noMatch')?.label).toBe('No site matches the filter');
    expect(shape(below(picture({ onlyNew: true }).rows))).toEqual(['beat', 'Dependencies and Node (8)(placeOrder placeOrder)']);
    expect(below(picture({ onlyNew: true }, { sites: [sites[0] ?? site()] }).rows).find(({ context }) => context === 'noMatch')?.label).toBe('Nothing new since the baseline');
  });

  it('has hidden sites in the last row, with their reasons, and counts them', () => {
    const hidden = new HiddenSites([{ folder: '/srv', entry: { file: 'src/a.ts', function: 'place', reason: 'known' } }]);
    const result = picture({ hidden });
    expect(shape(below(result.rows)).at(-1)).toBe('1 hidden site(place)');
    expect(below(result.rows).at(-1)).toMatchObject({ description: '100 tasks', context: 'hidden' });
    expect(below(result.rows).at(-1)?.children[0]).toMatchObject({ description: '100  known  a.ts:1', context: 'site.hidden' });
    expect(below(result.rows).at(-1)?.children[0]?.spoken).toMatch(/, hidden: known$/);
    expect([result.shown, result.total, result.hidden]).toEqual([4, 4, 1]);
  });

  it('shows the stack of a site that is open, one row for each frame', () => {
    const stacks = new Map([[siteKey({ sessionId: '1', siteId: 'a' }), [
      { function: 'Promise', file: null, line: 0, column: 0 },
      { function: 'place', file: '/srv/src/a.ts', line: 1, column: 2 },
    ]]]);
    const [stack] = findSite(picture({ stacks }).rows, { sessionId: '1', siteId: 'a' })?.children ?? [];
    expect(stack).toMatchObject({ label: 'Started from', description: '2 frames', context: 'stack' });
    expect(stack?.children.map(({ label, description, context, spoken }) => [label, description, context, spoken])).toEqual([
      ['Promise', '', 'frame.noFile', 'Frame 1 of 2, Promise'],
      ['place', 'a.ts:1', 'frame', 'Frame 2 of 2, place, a.ts line 1'],
    ]);
  });

  it('folds runs of frames of packages and of Node away, counted', () => {
    const frame = (name: string, file: string | null): StackFrame => ({ function: name, file, line: file === null ? 0 : 3, column: 0 });
    const stacks = new Map([[siteKey({ sessionId: '1', siteId: 'a' }), [
      frame('Promise', null),
      frame('place', '/srv/src/a.ts'),
      frame('query', '/srv/node_modules/pg/x.js'),
      frame('pump', '/srv/node_modules/pg/y.js'),
      frame('emit', 'node:events'),
      frame('main', '/srv/src/m.ts'),
      frame('tick', 'node:internal/process'),
    ]]]);
    const [stack] = findSite(picture({ stacks }).rows, { sessionId: '1', siteId: 'a' })?.children ?? [];
    expect(stack?.children.map(({ label, description, children }) => [label, description, labels(children)])).toEqual([
      ['Promise', '', []],
      ['place', 'a.ts:3', []],
      ['3 frames', 'pg, Node', ['query', 'pump', 'emit']],
      ['main', 'm.ts:3', []],
      ['tick', 'node:internal/process:3', []],
    ]);
    expect(stack === undefined ? [] : framesOf(stack).map(({ frame: each }) => each?.index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('builds nothing that is not unfolded, but knows what is there', () => {
    const folded = picture({ grouping: 'file', open: new Set() }).rows;
    expect(shape(below(folded))).toEqual(['a.ts', 'c.ts', 'Dependencies and Node (8)']);
    expect(findSite(folded, { sessionId: '1', siteId: 'b' })).toBeUndefined();
    const closed = closedAbove(folded, { sessionId: '1', siteId: 'b' });
    expect([closed?.label, closed?.members?.()]).toEqual(['a.ts', ['a', 'b']]);
    const open = picture({ grouping: 'file', open: new Set([closed?.id ?? '']) }).rows;
    expect(shape(below(open))).toEqual(['a.ts(place beat)', 'c.ts', 'Dependencies and Node (8)']);
    expect(closedAbove(open, { sessionId: '1', siteId: 'b' })).toBeUndefined();
  });

  it('describes a site anew only when something about it changed', () => {
    const store = new SessionStore();
    const cache = new RowCache();
    store.apply(update({ sites, clockMs: 0 }));
    const row = (rows: readonly TreeRow[], siteId: string): TreeRow | undefined => findSite(rows, { sessionId: '1', siteId });
    const first = buildTree(store.all(), OPTIONS, cache).rows;
    store.apply(update({ full: false, sites: [{ ...(sites[1] ?? site()), count: 6 }], clockMs: 400 }));
    const second = buildTree(store.all(), OPTIONS, cache).rows;
    expect(row(second, 'a')).toBe(row(first, 'a'));
    expect(row(second, 'b')).not.toBe(row(first, 'b'));
    store.apply(update({ full: false, sites: [], clockMs: 2000 }));
    const third = buildTree(store.all(), OPTIONS, cache).rows;
    expect(row(third, 'a')?.description).toContain('43 s');
  });
});

describe('the message above the tree', () => {
  const look = { ...OPTIONS, internals: 'folded', grouping: 'site', filter: filter('kind:promise'), onlyNew: true } as const;
  const store = new SessionStore();
  store.apply(update({ dropped: 1200 }));
  const sessions = store.all();
  const picture = buildTree(sessions, OPTIONS);

  it('says what is missing from the rows, and why', () => {
    expect(treeMessage(sessions, look, picture, '.asyncscope.json, line 3: This is not JSON')).toBe('⚠ 1,200 tasks not counted: the figures below are too low. · .asyncscope.json, line 3: This is not JSON · Filter: new since the baseline kind:promise — 1 of 1 site');
    expect(treeMessage(sessions, { ...look, filter: [], onlyNew: false }, picture, undefined)).toBe('⚠ 1,200 tasks not counted: the figures below are too low.');
  });

  it('is empty while there are no rows, where VS Code would show it in place of the buttons', () => {
    expect(treeMessage([], look, buildTree([], OPTIONS), '.asyncscope.json, line 3: This is not JSON')).toBe('');
  });
});

describe('what is drawn again', () => {
  it('is nothing when nothing changed', () => {
    expect(diffTree(tree({}), tree({}))).toEqual({ type: 'rows', ids: [] });
  });

  it('is the row that changed', () => {
    expect(diffTree(tree({}), tree({ sites: [site({ count: 13 })] }))).toEqual({ type: 'rows', ids: ['site/1/site-1'] });
  });

  it('is the parent when rows come or go', () => {
    expect(diffTree(tree({}), tree({ sites: [site(), site({ id: 'new' })] }))).toEqual({ type: 'rows', ids: ['session/1'] });
  });

  it('is what both stand below when a row goes from one parent to another', () => {
    const many = Array.from({ length: PAGE_SIZE + 2 }, (_, index) => site({ id: `s${String(index)}`, count: 5000 - index, line: index + 1 }));
    const last = many.at(-1) ?? site();
    const moved = [...many.slice(0, -1), { ...last, count: 90_000 }];
    expect(diffTree(tree({ sites: many }), tree({ sites: moved }))).toEqual({ type: 'rows', ids: ['session/1'] });
  });

  it('is each parent by itself when nothing goes from one to another', () => {
    const sites = [site({ id: 'a', file: '/srv/a.ts' }), site({ id: 'b', file: '/srv/b.ts' })];
    const more = [...sites, site({ id: 'a2', file: '/srv/a.ts', count: 1 }), site({ id: 'b2', file: '/srv/b.ts', count: 1 })];
    const options: TreeOptions = { ...OPTIONS, grouping: 'file' };
    expect(diffTree(tree({ sites }, options), tree({ sites: more }, options))).toEqual({ type: 'rows', ids: ['group/1/sites/file//srv/a.ts', 'group/1/sites/file//srv/b.ts'] });
  });

  it('is everything when sessions come or go', () => {
    expect(diffTree([], tree({}))).toEqual({ type: 'all' });
  });
});

describe('WatchList', () => {
  it('tells the whole list of a session when it changes', () => {
    const told: [string, readonly string[]][] = [];
    const list = new WatchList((sessionId, siteIds) => told.push([sessionId, siteIds]));
    list.add('1', 'a');
    list.add('1', 'a');
    list.add('1', 'b');
    list.delete('1', 'a');
    list.delete('1', 'x');
    expect(told).toEqual([['1', ['a']], ['1', ['a', 'b']], ['1', ['b']]]);
  });

  it('is told again to a session that comes back', () => {
    const told: [string, readonly string[]][] = [];
    const list = new WatchList((sessionId, siteIds) => told.push([sessionId, siteIds]));
    list.live(['1']);
    list.add('1', 'a');
    list.live(['1', '2']);
    list.live([]);
    expect(told).toHaveLength(1);
    list.live(['1']);
    expect(told).toEqual([['1', ['a']], ['1', ['a']]]);
  });
});
