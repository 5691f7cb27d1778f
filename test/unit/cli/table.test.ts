import { describe, expect, test } from 'vitest';
import { sortSites } from '../../../src/cli/sortSites';
import { renderTable } from '../../../src/cli/table';
import type { TableOptions } from '../../../src/cli/table';
import { clipEnd, clipStart, displayWidth, pad } from '../../../src/cli/terminalText';
import { SessionModel } from '../../../src/core/model/sessionModel';
import type { TargetInfo } from '../../../src/core/model/task';
import type { AgentPoll } from '../../../src/protocol/agent';
import { PollBuilder, at } from '../core/model/pollBuilder';

const TARGET: TargetInfo = { pid: 4242, node: 'v24.0.0', url: '127.0.0.1:9229', title: '/app/server.js', cwd: '/app' };
const PLAIN: TableOptions = { columns: Infinity, rows: Infinity, color: false, all: false, cwd: '/app' };

function model(build: (agent: PollBuilder) => void, overrides: Partial<AgentPoll> = {}): SessionModel {
  const agent = new PollBuilder();
  const built = new SessionModel();
  const asIs = (file: string, line: number, column: number) => ({ file, line, column });
  built.apply(agent.poll(0), asIs);
  build(agent);
  built.apply(agent.poll(10_000, overrides), asIs);
  return built;
}

function table(of: SessionModel, options: Partial<TableOptions> = {}): string {
  return renderTable(of, TARGET, sortSites(of.sites(), 'count'), { ...PLAIN, ...options });
}

const typical = model((agent) => {
  agent.change(agent.site([at('/app/src/orders.ts', 12, 5, 'poll')], { label: 'pollOrders' }), { live: 12, oldest: 0, started: 30 });
  agent.change(agent.site([at('/other/place/b.js', 7, 1, null)], { kind: 'timeout' }), { live: 1, oldest: 9500 });
  agent.change(agent.site([at('/app/node_modules/pg/client.js', 1, 1, 'connect')], { kind: 'handle' }), { live: 2, oldest: 5000 });
});

describe('the table', () => {
  test('lists the tasks of the user, and counts the others', () => {
    expect(table(typical)).toBe(
      [
        '/app/server.js  pid 4242  Node v24.0.0  127.0.0.1:9229',
        '13 tasks (12 promises, 1 timeout)',
        'heap 47.7 MB of 3.7 GB · loop p99 1.5 ms · GC 2 in 4 ms · watching costs 0.1 %',
        '',
        'COUNT  KIND      OLDEST  GROWTH  FUNCTION     LOCATION',
        '   12  promises    10 s  +1.2/s  pollOrders   src/orders.ts:12:5',
        '    1  timeout    < 1 s  +0.1/s  (anonymous)  /other/place/b.js:7:1',
        '',
        'Not listed: 2 of dependencies. Use --all to see them.',
        '',
      ].join('\n'),
    );
  });

  test('lists everything when asked to', () => {
    const text = table(typical, { all: true });
    expect(text).toContain('node_modules/pg/client.js:1:1');
    expect(text).not.toContain('Not listed');
  });

  test.each([20, 40, 60, 80, 100])('fits %d columns', (columns) => {
    for (const line of table(typical, { columns, all: true }).split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
  });

  test('keeps the end of a path, which says more', () => {
    expect(table(typical, { columns: 60 })).toContain('…');
    expect(table(typical, { columns: 60 })).toContain('b.js:7:1');
  });

  test('fits the lines of a terminal, and says how many it leaves out', () => {
    const many = model((agent) => {
      for (let line = 1; line <= 50; line++) agent.alive([at('/app/a.js', line)], 100 - line);
    });
    const lines = table(many, { rows: 12 }).trimEnd().split('\n');
    expect(lines.length).toBeLessThan(12);
    expect(lines.at(-1)).toBe(`… ${50 - (lines.length - 6)} more`);
  });

  test('has colours only when asked to', () => {
    expect(table(typical)).not.toContain('\u001b');
    expect(table(typical, { color: true })).toContain('\u001b[1m');
  });

  test('says loudly what is missing', () => {
    const lossy = model((agent) => agent.alive([at('/app/a.js', 1)], 5000), { dropped: 1234, sampledPromises: true, seq: 4 });
    const text = table(lossy);
    expect(text).toContain('~5,000');
    expect(text).toContain('~ is an estimate');
    expect(text).toContain('WARNING: 1,234 tasks not counted: a limit was reached, so the figures are too low.');
    expect(text).toContain('WARNING: 2 answers of the process lost');
  });

  test('says what to do when there is nothing', () => {
    expect(table(model(() => undefined))).toContain('asyncscope ps -- node app.js');
  });

  test('lets nothing through that a terminal would act on', () => {
    const evil = '\u001b]0;owned\u0007\u009b2J\u202e\n\r';
    const hostile = model((agent) => agent.alive([at(`/app/${evil}.js`, 1, 1, evil)], 1, { label: evil }));
    const text = renderTable(hostile, { ...TARGET, title: evil, node: evil, url: evil }, sortSites(hostile.sites(), 'count'), { ...PLAIN, all: true });
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(text.split('\n')).toHaveLength(7);
  });
});

describe('sites are sorted', () => {
  const sites = [...typical.sites()];
  test.each([
    ['count', ['promise', 'handle', 'timeout']],
    ['age', ['promise', 'handle', 'timeout']],
    ['growth', ['promise', 'handle', 'timeout']],
  ] as const)('by %s', (order, kinds) => {
    expect(sortSites(sites, order).map(({ kind }) => kind)).toEqual(kinds);
  });

  test('the same whatever order they came in', () => {
    const equal = [...model((agent) => {
      for (const line of [3, 1, 2]) agent.alive([at('/app/a.js', line)], 1);
      agent.alive([at('/app/0.js', 9)], 1);
    }).sites()];
    const expected = ['/app/0.js:9', '/app/a.js:1', '/app/a.js:2', '/app/a.js:3'];
    for (const each of [equal, [...equal].reverse()]) {
      expect(sortSites(each, 'count').map(({ file, line }) => `${file ?? ''}:${line}`)).toEqual(expected);
    }
  });
});

describe('terminal columns', () => {
  test.each([['abc', 3], ['漢字', 4], ['e\u0301', 1], ['😀', 2], ['', 0]])('%j takes %d', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test('are cut and filled', () => {
    expect(clipEnd('abcdef', 4)).toBe('abc…');
    expect(clipStart('abcdef', 4)).toBe('…def');
    expect(clipStart('漢字漢字', 6)).toBe('…漢字');
    expect(clipEnd('漢字', 4)).toBe('漢字');
    expect(pad('漢', 4, 'right')).toBe('  漢');
    expect(pad('abc', 2, 'left')).toBe('abc');
  });
});
