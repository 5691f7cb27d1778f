import { describe, expect, it } from 'vitest';
import type { Dump, DumpGroup } from '../../../src/core/model/dump';
import { DUMP_ROW_CONTEXTS } from '../../../src/host/contributions';
import type { HeldDump } from '../../../src/host/dump/dumpStore';
import type { DumpGrouping } from '../../../src/host/dump/dumpGrouping';
import { DUMP_GROUPINGS } from '../../../src/host/dump/dumpGrouping';
import type { DumpRow } from '../../../src/host/dump/dumpTree';
import { dumpRows, frameOfInterest, groupAsText, lineNow, pathsToGroups, pathToGroup, pathToTask, rowAsText, scopeRows, standsAt, TASK_PAGE_SIZE, taskRows } from '../../../src/host/dump/dumpTree';
import { frame, manyGroups, readingGroups, sampleDump } from '../../support/sampleDump';

function held(dump: Dump = sampleDump(), part: Partial<HeldDump> = {}): HeldDump {
  return { id: 'd1', name: 'orders', dump, sessionId: '1', processRestarts: 0, ...part };
}

function rows(grouping: DumpGrouping = 'verdict', dump?: Dump): readonly DumpRow[] {
  return dumpRows([held(dump)], grouping);
}

/** Rows with those below them, indented; variables and tasks are not asked for. */
function picture(all: readonly DumpRow[], deep: (row: DumpRow) => boolean = () => true, indent = ''): string {
  return all.map((row) => `${indent}${row.label}${row.description === '' ? '' : ` | ${row.description}`}\n${deep(row) ? picture(row.children(), deep, `${indent}  `) : ''}`).join('');
}

const aboveGroups = ({ context }: DumpRow): boolean => context !== DUMP_ROW_CONTEXTS.group && context !== DUMP_ROW_CONTEXTS.resources;
const all = (each: readonly DumpRow[], deep: (row: DumpRow) => boolean = () => true): readonly DumpRow[] => each.flatMap((row) => [row, ...(deep(row) ? all(row.children(), deep) : [])]);
const group = (id: string): DumpGroup => {
  const found = sampleDump().groups.find((each) => each.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};

describe('the rows of a dump', () => {
  it('stand below their verdicts, the worst first, with chains that begin alike folded', () => {
    expect(picture(rows(), aboveGroups)).toBe(
      [
        'Orphans | 96 tasks',
        '  Payments.collect | 96  nothing: its resolver is gone',
        'Cycles | 2 tasks',
        '  Catalogue.refresh › Catalogue.load | 2  itself, through Catalogue.refresh',
        'Crowds | 412 tasks',
        '  OrderStore.place › OrderStore.save › Promise.race | 412  a promise: its resolver is held by close (src/service.ts:91)',
        'Stuck | 310 tasks',
        '  OrderStore.notify | 310  a promise: its resolver is in Outbox queue',
        'In Flight | 79 tasks  5 groups',
        '  (anonymous) app.ts:39 | 69  3 groups',
        '    OrderStore.place › OrderStore.priced › Shipping.quote | 41  GET http://127.0.0.1:40117/quotes/Basel',
        '    OrderStore.place › OrderStore.save › OrderStore.insert | 28  2 groups',
        '      retry › Database.insertOrder | 23  socket 127.0.0.1:41233',
        '      retry | 5  timer: 200 ms, delay (src/retry.ts:26)',
        '  (anonymous) app.ts:49 › OrderStore.find › Database.findOrder | 9  socket 127.0.0.1:41233',
        '  Tracking.follow | 1  timer: 30 s, poll (src/tracking.ts:40)',
        'No Verdict | 123 tasks  2 groups',
        '  OrderStore.pack › Warehouse.prepareParcel | 120  event packed-1042 of EventEmitter',
        '  (promises that no function awaits) | 3  native code',
        "Node's own | 40 tasks",
        '  mainFetch › then | 40  HTTP request POST http://127.0.0.1:40117/mails',
        'Resources | 47 timers, 18 handles, 3 requests, 124 event listeners, 2 streams',
        '',
      ].join('\n'),
    );
  });

  it('can be one tree from the outermost functions, or lists by what is waited for', () => {
    expect(rows('chain')[0]?.label).toBe('OrderStore.place › OrderStore.save › Promise.race');
    expect(rows('leaf').map(({ label, description }) => `${label} | ${description}`)).toContain('Socket 127.0.0.1:41233 | 32 tasks  2 groups');
  });

  it.each([
    ['no words', ' ', 12],
    ['a function, whatever the case', 'OUTBOX notify', 1],
    ['a file and a line', 'orders.ts:69', 3],
    ['what is waited for', 'quotes/basel', 1],
    ['a verdict', 'orphan', 1],
    ['what holds it', 'awaitingconfirmation', 1],
    ['words that no group has all of', 'orphan socket', 0],
  ])('can be those of %s', (_what, filter, groups) => {
    for (const grouping of DUMP_GROUPINGS) {
      const found = all(dumpRows([held()], grouping, filter), aboveGroups);
      expect(found.filter(({ context }) => context === DUMP_ROW_CONTEXTS.group)).toHaveLength(groups);
      expect(found.some(({ context }) => context === DUMP_ROW_CONTEXTS.resources)).toBe(filter === ' ');
      expect(found.some(({ label }) => label === 'No group has all of these words')).toBe(groups === 0);
    }
  });

  it.each(DUMP_GROUPINGS)('hold each group once, and each row has an id of its own (%s)', (grouping) => {
    for (const dump of [sampleDump(), sampleDump('/srv/big', { groups: manyGroups(1500) })]) {
      const found = all(dumpRows([held(dump)], grouping), aboveGroups);
      const ids = found.filter(({ context }) => context === DUMP_ROW_CONTEXTS.group).map(({ groups: [only] }) => only?.id);
      expect([...ids].sort()).toEqual(dump.groups.map(({ id }) => id).sort());
      expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
    }
    const everything = all(rows(grouping)).map(({ id }) => id);
    expect(new Set(everything).size).toBe(everything.length);
  });

  it('tell of a group why, its functions, what it waits for, who holds it, and its tasks', () => {
    const [row] = pathToGroup(rows(), { dumpId: 'd1', groupId: 'place-wait' }).slice(-1);
    expect(picture(row?.children() ?? [])).toBe(
      [
        'A live timer will fire.',
        '(anonymous) | awaits app.ts:39',
        'OrderStore.place | awaits orders.ts:69',
        'OrderStore.save | awaits orders.ts:103',
        'OrderStore.insert | awaits orders.ts:107',
        'retry | awaits retry.ts:19',
        'Waits for timer: 200 ms, delay (src/retry.ts:26) | retry.ts:26',
        '  Delay | 200 ms',
        '  Due in | 120 ms',
        'Tasks | 5',
        ...[1, 2, 3, 4, 5].map((task) => `  Task ${String(task)}`),
        '',
      ].join('\n'),
    );
    const [collect] = pathToGroup(rows(), { dumpId: 'd1', groupId: 'collect' }).slice(-1);
    expect(picture(collect?.children() ?? [], ({ context }) => context === DUMP_ROW_CONTEXTS.holders)).toContain('Held by | Map awaitingConfirmation in src/payments.ts › value\n  Map awaitingConfirmation in src/payments.ts › value | 96 of 96\n');
  });

  it('lead to the code of the user and of packages, never into Node itself, which stands in no file', () => {
    const found = all(rows('chain', sampleDump('/srv/orders', { groups: readingGroups() })));
    const opens = (context: string): readonly unknown[] => found.filter((row) => row.context === context).map(({ label, open }) => [label, open?.file]);
    const [prices, library] = ['/srv/orders/src/prices.ts', '/srv/orders/node_modules/rows/index.js'];
    expect(opens(DUMP_ROW_CONTEXTS.chain)).toEqual([['PriceList.load › parseRows', prices]]);
    expect(opens(DUMP_ROW_CONTEXTS.group)).toEqual([['Read of rows.csv', prices], ['Read of prices.csv', prices], ['parseRows', library], ['read', undefined]]);
    const read = found.filter(({ label, context }) => label === 'read' && context !== DUMP_ROW_CONTEXTS.group);
    expect(read.map(({ context, open, declared }) => [context, open, declared])).toEqual(read.map(() => [DUMP_ROW_CONTEXTS.frameWithoutFile, undefined, undefined]));
    expect(read).toHaveLength(4);
    // where it stands is told all the same
    expect(read[0]?.description).toBe('awaits node:internal/fs/promises:661');
    expect(found.find(({ label, context }) => label === 'parseRows' && context === DUMP_ROW_CONTEXTS.frame)).toMatchObject({ open: { line: 8 }, declared: { line: 5 } });
  });

  it('lead nowhere where a resource, or what is waited for, is of Node itself', () => {
    const at = { file: 'node:internal/timers', line: 5, column: 1 };
    const [whole] = sampleDump().groups;
    if (whole === undefined) throw new Error('no group');
    const dump = sampleDump('/srv/orders', {
      groups: [{ ...whole, waitsFor: { ...whole.waitsFor, at } }],
      resources: { timers: [{ count: 1, type: 'timeout', text: '5 s', at, details: {} }], handles: [], requests: [], listeners: [], streams: [] },
    });
    const found = all(rows('verdict', dump)).filter(({ context }) => /^dump\.(waitsFor|resource)(?!s)/.test(context));
    expect(found.map(({ context, open }) => [context, open])).toEqual([[DUMP_ROW_CONTEXTS.waitsForWithoutFile, undefined], [DUMP_ROW_CONTEXTS.resourceWithoutFile, undefined]]);
  });

  it('ask the process only where there is one', () => {
    const asked = (sessionId: string | undefined): number => all(dumpRows([held(sampleDump(), { sessionId })], 'verdict')).filter(({ query }) => query !== undefined).length;
    expect(asked('1')).toBeGreaterThan(100);
    expect(asked(undefined)).toBe(0);
  });

  it('lead to many groups at once, and are built once for all of them', () => {
    const groups = manyGroups(1500);
    let built = 0;
    const counting = (each: DumpRow): DumpRow => ({
      ...each,
      children: () => {
        built++;
        return each.children().map(counting);
      },
    });
    const dump = sampleDump('/srv/big', { groups });
    const above = all(rows('verdict', dump), aboveGroups).filter((row) => aboveGroups(row) && row.groups.length > 0);
    const ids = groups.map(({ id }) => ({ dumpId: 'd1', groupId: id })).reverse();
    const paths = pathsToGroups(rows('verdict', dump).map(counting), [...ids, { dumpId: 'd1', groupId: 'gone' }, { dumpId: 'd2', groupId: 'g1' }]);
    expect(paths.map((path) => path.at(-1)?.groups[0]?.id)).toEqual(ids.map(({ groupId }) => groupId));
    expect(built).toBe(above.length);
    for (const [index, id] of ids.entries()) if (index % 100 === 0) expect(paths[index]?.map((row) => row.id)).toEqual(pathToGroup(rows('verdict', dump), id).map((row) => row.id));
  });

  it('look into a single task without a row for it', () => {
    const [row] = pathToGroup(rows(), { dumpId: 'd1', groupId: 'refresh' }).slice(-1);
    expect(row?.children().map(({ query }) => query?.type)).toEqual([undefined, 'scopes', undefined]);
  });

  it('put many tasks on pages, so that none is out of reach', () => {
    const many: DumpGroup = { ...group('collect'), count: 123_456 };
    const [row] = pathToGroup(rows('verdict', sampleDump('/srv', { groups: [many] })), { dumpId: 'd1', groupId: 'collect' }).slice(-1);
    if (row === undefined) throw new Error('no row');
    for (const task of [0, 49, 50, 123_455]) {
      const path = pathToTask(row, task);
      expect(path.at(-1)?.query).toEqual({ type: 'task', group: many, task });
      for (const each of path.slice(0, -1)) expect(each.children().length).toBeLessThanOrEqual(2 * TASK_PAGE_SIZE);
    }
    expect(pathToTask(row, 123_456)).toEqual([]);
  });

  it('have a row of their own where there are several dumps, and say when there is nothing', () => {
    const both = dumpRows([held(undefined, { id: 'd2', name: 'other' }), held()], 'verdict');
    expect(both.map(({ label, expansion }) => [label, expansion])).toEqual([['other', 'expanded'], ['orders', 'collapsed']]);
    expect(pathToGroup(both, { dumpId: 'd1', groupId: 'find' })[0]?.label).toBe('orders');
    const nothing = sampleDump('/srv', { groups: [], resources: { timers: [], handles: [], requests: [], listeners: [], streams: [] }, partial: true, notes: ['The file ends early.'] });
    expect(rows('verdict', nothing).map(({ label }) => label)).toEqual(['The file ends early.', 'Nothing is suspended']);
  });

  it('list resources, with warnings above limits', () => {
    const [resources] = rows().slice(-1);
    const text = picture(resources?.children() ?? []);
    expect(text).toContain('every 5 s, poll | 42  interval  tracking.ts:40\n');
    expect(text).toContain('EventEmitter: packed | 120 listeners, limit 10\n');
    expect(text).toContain('Socket | 2  waiting for drain  68 KB buffered, high-water mark 16 KB\n');
    expect(all(resources?.children() ?? []).filter(({ icon }) => icon?.type === 'theme' && icon.id === 'warning').map(({ label }) => label)).toEqual(['Event listeners', 'EventEmitter: packed', 'Socket']);
  });

  it('show what comes from the process as plain text', () => {
    const evil = '\u001b[31m\u202eevil';
    const dump = sampleDump('/srv', { groups: [{ ...group('collect'), why: evil, chain: [frame(evil, null, null)], waitsFor: { kind: 'nothing', text: evil, at: null, details: { [evil]: evil } }, heldBy: [{ count: 1, path: evil }] }], notes: [evil] });
    for (const each of all(rows('verdict', dump))) for (const text of [each.label, each.description, each.tooltip ?? '', each.spoken]) expect(text).not.toMatch(/[\u001b\u202e]/);
  });

  it('speak in words', () => {
    expect(pathToGroup(rows(), { dumpId: 'd1', groupId: 'collect' }).at(-1)?.spoken).toBe('Payments.collect: 96 tasks, waiting for nothing: its resolver is gone, orphan');
  });
});

describe('a task that was looked up', () => {
  const rowsOf = (...args: Parameters<typeof taskRows>): string => picture(taskRows(...args));
  const find = group('find');

  it('stands where it was found', () => {
    const [first, second] = find.chain;
    expect(rowsOf('d1', 't', { ...find, chain: find.chain.slice(0, 2) }, 3, [{ awaiting: first?.declared ?? null }, { awaiting: second?.awaiting ?? null }])).toBe('(anonymous) | awaits app.ts:46\nOrderStore.find | awaits orders.ts:75\n');
  });

  it('says so when it went on, and has no variables then', () => {
    const found = taskRows('d1', 't', find, 0, [{ unavailable: 'resumed', message: 'This task has gone on since the dump.' }, undefined, undefined]);
    expect(found[0]?.label).toBe('This task has gone on since the dump.');
    expect(found.some(({ query }) => query !== undefined)).toBe(false);
  });

  it('shows scopes as a debugger does', () => {
    const query = { type: 'scopes', group: find, task: 0, frame: 1 } as const;
    const found = scopeRows('d1', 't', query, { scopes: [{ name: 'Local', variables: [{ name: 'id', value: "'o-17'", type: 'string', reference: null }, { name: 'this', value: 'OrderStore', type: 'object', reference: 'r1' }] }] });
    expect(picture(found)).toBe("Local\n  id | 'o-17'\n  this | OrderStore\n");
    expect(found[0]?.children()[1]?.query).toEqual({ ...query, type: 'variable', path: [0, 1], reference: 'r1' });
  });
});

describe('a group', () => {
  it('stands at the innermost line of the own code', () => {
    expect(standsAt(group('place-quote'))).toMatchObject({ line: 38 });
    expect(standsAt(group('bare'))).toBeUndefined();
    expect(frameOfInterest(group('place-quote'))).toBe(3);
    expect(frameOfInterest(group('bare'))).toBeUndefined();
  });

  it('is copied with everything that is known of it', () => {
    expect(groupAsText(group('collect'))).toBe(
      [
        '96 tasks, orphan',
        '    Payments.collect (/srv/orders/src/payments.ts:26:27)',
        'waiting for nothing: its resolver is gone',
        'Nothing reachable can settle the promise that collect waits for: its resolvers were overwritten in Map resolvers. File them under a key of their own, or reject what is replaced.',
        'held by Map awaitingConfirmation in src/payments.ts › value (96)',
      ].join('\n'),
    );
    const [section] = rows();
    expect(section === undefined ? '' : rowAsText(section)).toBe('Orphans  96 tasks');
  });

  it('is found again in an edited document, when all of its lines are', () => {
    const quote = group('place-quote');
    const inOrders = { file: '/srv/orders/src/orders.ts', line: 92, column: 28 };
    expect(lineNow(quote, inOrders, [70, 95])).toBe(95);
    expect(lineNow(quote, inOrders, [67, 91])).toBeUndefined();
    expect(lineNow(quote, inOrders, [70])).toBeUndefined();
    expect(lineNow(quote, { ...inOrders, line: 31 }, [70, 95])).toBeUndefined();
  });
});
