import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PositionMapper } from '../../../../src/core/model/placement';
import { COST_AFTER_MS, SITE_LINGER_MS, SessionModel } from '../../../../src/core/model/sessionModel';
import { RATE_WINDOW_MS, TASK_ROW_LIMIT } from '../../../../src/core/model/task';
import type { Site } from '../../../../src/core/model/task';
import { PollBuilder, at, native } from './pollBuilder';

const asIs: PositionMapper = (file, line, column) => ({ file, line, column });
const A = at('/app/a.js', 3);
const B = at('/app/b.js', 4);
const LIB = at('/app/node_modules/lib/x.js', 5);
const NODE = at('node:net', 6);

function rows(model: SessionModel): Record<string, number> {
  return Object.fromEntries([...model.sites()].map((site) => [`${site.kind} ${site.file ?? '-'}:${site.line}`, site.count]));
}

function only(model: SessionModel): Site {
  const [site, ...others] = [...model.sites()];
  if (!site || others.length > 0) throw new Error('not exactly one site');
  return site;
}

describe('sites', () => {
  test('merge the stacks of one position, and keep kinds apart', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.change(agent.site([A, B]), { live: 2, variance: 3, started: 5, abandoned: 1, oldest: 400 });
    agent.change(agent.site([A, LIB]), { live: 4, variance: 1, started: 4, abandoned: 2, oldest: 100 });
    agent.alive([A], 1, { kind: 'timeout' });
    const { changed } = model.apply(agent.poll(1000, { sampledPromises: true }), asIs);
    expect(changed).toHaveLength(2);
    const promise = [...model.sites()].find((site) => site.kind === 'promise');
    expect(promise).toMatchObject({ count: 6, started: 9, abandoned: 3, oldestMs: 900, exact: false });
    // the upper bound of the score interval: 6 tasks, of a variance of 4
    expect(promise?.error).toBeCloseTo((1.96 ** 2 * (4 / 6)) / 2 + 1.96 * Math.sqrt(4 + ((1.96 * (4 / 6)) / 2) ** 2));
    expect(promise?.stack.map((frame) => frame.file)).toEqual(['/app/a.js', '/app/b.js']);
    expect(model.rawSiteIds(promise?.id ?? '')).toEqual([0, 1]);
    expect(rows(model)).toEqual({ 'promise /app/a.js:3': 6, 'timeout /app/a.js:3': 1 });
  });

  test('of several stacks have errors that add up once they were counted in moments that all of them share', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.change(agent.site([A, B]), { live: 200, variance: 3600 });
    agent.change(agent.site([A, LIB]), { live: 200, variance: 6400 });
    agent.change(agent.site([A], { kind: 'handle' }), { live: 9, variance: 100 });
    const sampled = { sampledPromises: true, sampledResources: true };
    model.apply(agent.poll(1000, sampled), asIs);
    const of = (kind: string) => [...model.sites()].find((site) => site.kind === kind);
    const before = of('promise');
    expect(before).toMatchObject({ bunched: false });
    const { changed } = model.apply(agent.poll(2000, { ...sampled, promiseCounting: 'duty-cycled' }), asIs);
    expect(changed).toContain(before?.id);
    const beyond = 140 ** 2 / 400;
    expect(of('promise')).toMatchObject({ bunched: true });
    expect(of('promise')?.error).toBeCloseTo((1.96 ** 2 * beyond) / 2 + 1.96 * Math.sqrt(140 ** 2 + ((1.96 * beyond) / 2) ** 2));
    expect(before?.error).toBeLessThan(of('promise')?.error ?? 0);
    expect(of('handle')).toMatchObject({ bunched: false });
    // what is alive from then has that error still
    model.apply(agent.poll(3000, sampled), asIs);
    expect(of('promise')).toMatchObject({ bunched: true });
  });

  test('may have tasks of a time of few samples of which none was looked at, until all that is seen is younger', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    const promises = agent.site([A]);
    const sampled = (promiseWeight: number) => ({ sampledPromises: true, promiseWeight });
    const errorAt = (now: number, weight: number): number => {
      model.apply(agent.poll(now, sampled(weight)), asIs);
      return only(model).error;
    };
    agent.change(promises, { live: 20, started: 20, oldest: 500 });
    const few = errorAt(1_000, 1);
    expect(few).toBeLessThan(20);
    const thin = errorAt(2_000, 4_000);
    // none of 7,600 is looked at in one of seven cases
    expect(thin).toBeGreaterThan(7_600);
    expect(errorAt(3_000, 1)).toBe(thin);
    agent.change(promises, { live: 20, started: 40, oldest: 2_500 });
    expect(errorAt(4_000, 1)).toBe(few);
    // what was not active at the time was not
    expect(errorAt(60_000, 1)).toBe(few);
    expect(errorAt(61_000, 1)).toBe(few);
  });

  test('merge after source maps', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.alive([at('/app/out.js', 10)], 2);
    agent.alive([at('/app/out.js', 11)], 3);
    model.apply(agent.poll(0), () => ({ file: '/app/in.ts', line: 7, column: 1 }));
    expect(rows(model)).toEqual({ 'promise /app/in.ts:7': 5 });
  });

  test('move when the agent learns that they are plumbing, without anything having started or ended', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.alive([LIB, A], 3);
    agent.alive([A], 1);
    model.apply(agent.poll(0), asIs);
    expect(rows(model)).toEqual({ 'promise /app/a.js:3': 4 });
    const moved = { id: 0, kind: 'promise', type: 'PROMISE', label: null, frames: [0, 1], inner: true, asyncCall: false, cause: null } as const;
    const { changed } = model.apply(agent.poll(1000, { sites: [{ ...moved, frames: [...moved.frames] }] }), asIs);
    expect(changed).toHaveLength(2);
    expect(rows(model)).toEqual({ 'promise /app/a.js:3': 1, 'promise /app/node_modules/lib/x.js:5': 3 });
    expect(model.totals.promise).toBe(1);
    expect(model.origins).toEqual({ app: 1, dependency: 3, node: 0 });
    for (const site of model.sites()) expect([site.ratePerSec, site.endedPerSec]).toEqual([0, 0]);
    // and back
    model.apply(agent.poll(2000, { sites: [{ ...moved, frames: [...moved.frames], inner: false }] }), asIs);
    expect(rows(model)).toMatchObject({ 'promise /app/a.js:3': 4 });
  });

  test('without a position are told apart by name', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.alive([], 1, { kind: 'handle', type: 'TCPWRAP' });
    agent.alive([], 2, { kind: 'handle', type: 'PIPEWRAP' });
    model.apply(agent.poll(0), asIs);
    expect([...model.sites()].map((site) => [site.function, site.count])).toEqual([['TCPWRAP', 1], ['PIPEWRAP', 2]]);
  });

  test('take the age of the oldest that is left', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    const [first, second] = [agent.site([A, A]), agent.site([A, B])];
    agent.change(first, { live: 1, oldest: 100 }).change(second, { live: 1, oldest: 500 });
    model.apply(agent.poll(1000), asIs);
    expect(only(model).oldestMs).toBe(900);
    agent.change(first, { live: 0, started: 1 });
    model.apply(agent.poll(2000), asIs);
    expect(only(model).oldestMs).toBe(1500);
    agent.change(second, { live: 0, started: 1 });
    model.apply(agent.poll(3000), asIs);
    expect(only(model)).toMatchObject({ count: 0, oldestMs: 0 });
  });

  test('are exact until a creation of their class was skipped, and say so at once', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.alive([A], 1);
    agent.alive([B], 1, { kind: 'timeout' });
    model.apply(agent.poll(0), asIs);
    expect([...model.sites()].every((site) => site.exact && site.error === 0)).toBe(true);
    const { changed } = model.apply(agent.poll(RATE_WINDOW_MS + 1000, { sampledPromises: true }), asIs);
    expect(changed).toContain('s1');
    expect([...model.sites()].map((site) => [site.kind, site.exact])).toEqual([['promise', false], ['timeout', true]]);
    expect(model.overhead(1)).toMatchObject({ mode: 'sampled', budgetPercent: 1 });
  });

  test('keep their row for a while when empty, then lose it and get it back under the same id', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    const site = agent.alive([A], 3);
    model.apply(agent.poll(0), asIs);
    agent.change(site, { live: 0, started: 3 });
    expect(model.apply(agent.poll(1000), asIs)).toEqual({ changed: ['s1'], removed: [] });
    expect(rows(model)).toEqual({ 'promise /app/a.js:3': 0 });
    expect(model.apply(agent.poll(1000 + SITE_LINGER_MS - 1), asIs).removed).toEqual([]);
    expect(model.apply(agent.poll(1000 + SITE_LINGER_MS), asIs)).toEqual({ changed: [], removed: ['s1'] });
    expect(rows(model)).toEqual({});
    expect(model.site('s1')).toMatchObject({ count: 0, started: 3 });
    agent.change(site, { live: 1, started: 4, oldest: 50_000 });
    expect(model.apply(agent.poll(50_000), asIs)).toEqual({ changed: ['s1'], removed: [] });
    expect(only(model)).toMatchObject({ id: 's1', count: 1, started: 4, ratePerSec: 0.1 });
  });

  test('have no row when no poll found them alive', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.change(agent.site([A]), { live: 0, started: 50 });
    expect(model.apply(agent.poll(0), asIs)).toEqual({ changed: [], removed: [] });
    expect(rows(model)).toEqual({});
  });

  test('are found by file', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.alive([A], 1);
    agent.alive([B], 1);
    model.apply(agent.poll(0), asIs);
    expect([...model.sitesInFile('/app/b.js')].map((site) => site.line)).toEqual([4]);
    expect([...model.sitesInFile('/app/c.js')]).toEqual([]);
  });
});

describe('a poll without news', () => {
  test('changes no row, however old its tasks grow', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.alive([A], 3);
    model.apply(agent.poll(0), asIs);
    model.apply(agent.poll(RATE_WINDOW_MS + 1), asIs);
    expect(model.apply(agent.poll(RATE_WINDOW_MS + 1000), asIs)).toEqual({ changed: [], removed: [] });
    expect(only(model).oldestMs).toBe(RATE_WINDOW_MS + 1000);
    expect(model.clockMs).toBe(RATE_WINDOW_MS + 1000);
  });
});

describe('rates', () => {
  test('are per second of the window, and fade when nothing starts any more', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    const site = agent.site([A]);
    model.apply(agent.poll(0), asIs);
    for (let second = 1; second <= 20; second++) {
      agent.change(site, { live: 2 * second, started: 5 * second });
      model.apply(agent.poll(second * 1000), asIs);
    }
    expect(only(model)).toMatchObject({ ratePerSec: 5, endedPerSec: 3 });
    expect(model.apply(agent.poll(25_000), asIs).changed).toEqual(['s1']);
    expect(only(model).ratePerSec).toBeCloseTo(2.5);
    expect(model.apply(agent.poll(31_000), asIs).changed).toEqual(['s1']);
    expect(only(model)).toMatchObject({ ratePerSec: 0, endedPerSec: 0 });
    expect(model.apply(agent.poll(32_000), asIs).changed).toEqual([]);
  });

  test('count what was abandoned as ended', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    const site = agent.site([A]);
    model.apply(agent.poll(0), asIs);
    agent.change(site, { live: 4, started: 10, abandoned: 5 });
    model.apply(agent.poll(RATE_WINDOW_MS), asIs);
    expect(only(model)).toMatchObject({ ratePerSec: 1, endedPerSec: 0.6 });
  });

  test('are not scaled up from a moment', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    agent.alive([A], 3);
    model.apply(agent.poll(10, { spanMs: 10 }), asIs);
    expect(only(model).ratePerSec).toBe(3);
  });
});

describe('totals', () => {
  test("are those of the user's code; the rest is counted by origin", () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    const site = agent.alive([A], 3);
    agent.alive([B], 2, { kind: 'timeout' });
    agent.alive([LIB], 5);
    agent.alive([NODE], 7, { kind: 'handle' });
    agent.alive([native('all'), A], 11, { inner: true });
    model.apply(agent.poll(0), asIs);
    expect(model.totals).toMatchObject({ promise: 3, timeout: 2, handle: 0 });
    expect(model.origins).toEqual({ app: 5, dependency: 5, node: 18 });
    agent.change(site, { live: 1, started: 3 });
    model.apply(agent.poll(1000), asIs);
    expect(model.totals).toMatchObject({ promise: 1, timeout: 2 });
    expect(model.origins.app).toBe(3);
  });

  test('are always the sum of the rows', () => {
    const figures = fc.record({ site: fc.nat(5), live: fc.double({ min: 0, max: 1e6, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(fc.array(figures, { maxLength: 6 }), { maxLength: 20 }), (polls) => {
        const agent = new PollBuilder();
        const model = new SessionModel();
        // Two stacks per position, and one position of a dependency.
        const ids = [[A, A], [A, B], [B, A], [B, B], [LIB, A], [LIB, LIB]].map((frames) => agent.site(frames));
        polls.forEach((changes, second) => {
          for (const { site, live } of changes) agent.change(ids[site] ?? 0, { live });
          model.apply(agent.poll(second * 1000), asIs);
          const sites = [...model.sites()];
          const app = sites.filter((site) => site.origin === 'app').reduce((sum, site) => sum + site.count, 0);
          expect(model.origins.app).toBe(app);
          expect(model.totals.promise).toBe(app);
        });
      }),
    );
  });
});

describe('the baseline', () => {
  test('is the attach until another is set', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    const site = agent.alive([A], 3);
    model.apply(agent.poll(500, { spanMs: 500 }), asIs);
    expect(only(model).sinceBaseline).toBe(3);
    expect(model.baselineAt).toBe(1_000_000);
    model.setBaseline();
    expect(only(model).sinceBaseline).toBe(0);
    expect(model.baselineAt).toBe(1_000_500);
    agent.change(site, { live: 1, started: 3 });
    agent.alive([B], 2);
    model.apply(agent.poll(1000), asIs);
    expect([...model.sites()].map((each) => each.sinceBaseline)).toEqual([-2, 2]);
  });
});

describe('tasks', () => {
  test('of one position are listed together, oldest first, and the rest is counted', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    const [first, second] = [agent.alive([A, A], 150), agent.alive([A, B], 5)];
    const row = (id: number, start: number) => ({ id, start, weight: 1, state: 'pending' });
    agent.tasks({ site: first, rows: Array.from({ length: 99 }, (_, index) => row(index, 100 + index)), more: 51 });
    agent.tasks({ site: second, rows: [{ ...row(500, 50), state: '\u0007active', delayMs: 10, refed: false }, row(501, 900), row(502, 901)], more: 2 });
    model.apply(agent.poll(1000), asIs);
    const [list, ...others] = model.taskLists();
    expect(others).toEqual([]);
    expect(list?.tasks).toHaveLength(TASK_ROW_LIMIT);
    expect(list?.tasks[0]).toEqual({ id: 500, kind: 'promise', ageMs: 950, weight: 1, state: '�active', delayMs: 10, refed: false });
    expect(list?.more).toBe(55);
  });
});

describe('what should not happen', () => {
  test('unknown frames, sites and changes are left out', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    const poll = agent.poll(0);
    model.apply(
      {
        ...poll,
        sites: [{ id: 7, kind: 'promise', type: 'PROMISE', label: null, frames: [1, 99], inner: false, asyncCall: false, cause: 8 }],
        changes: [[7, 1, 0, 1, 0, 0], [42, 1, 0, 1, 0, 0]],
        tasks: [{ site: 42, rows: [], more: 1 }],
      },
      asIs,
    );
    expect([...model.sites()]).toHaveLength(1);
    expect(model.taskLists()).toEqual([]);
  });

  test('a lost answer is counted', () => {
    const agent = new PollBuilder();
    const model = new SessionModel();
    model.apply(agent.poll(0), asIs);
    agent.poll(1);
    model.apply(agent.poll(2), asIs);
    expect(model.lostPolls).toBe(1);
  });

  test('an agent that begins again is not mixed up with the one before', () => {
    const before = new PollBuilder();
    const model = new SessionModel();
    before.alive([B], 9);
    before.alive([A], 3);
    model.apply(before.poll(0), asIs);
    model.apply(before.poll(1000), asIs);
    const after = new PollBuilder();
    after.alive([A], 2);
    model.apply(after.poll(60_000), asIs);
    expect(rows(model)).toEqual({ 'promise /app/b.js:4': 0, 'promise /app/a.js:3': 2 });
    expect(model.totals.promise).toBe(2);
    expect(model.site('s2')).toMatchObject({ line: 3, count: 2 });
    expect(model.restarts).toBe(1);
    expect(model.lostPolls).toBe(0);
  });
});

test('the cost is told once an agent has been there for a second, which a new one has not', () => {
  const agent = new PollBuilder();
  const model = new SessionModel();
  const cost = () => model.overhead(1)?.percent;
  model.apply(agent.poll(5_050, { spanMs: 50, agentMs: 12 }), asIs);
  expect(cost()).toBeNull();
  model.apply(agent.poll(5_000 + COST_AFTER_MS - 1, { spanMs: 900, agentMs: 9 }), asIs);
  expect(cost()).toBeNull();
  model.apply(agent.poll(5_000 + COST_AFTER_MS, { spanMs: 100, agentMs: 1 }), asIs);
  expect(cost()).toBe(1);
  const after = new PollBuilder();
  model.apply(after.poll(60_000, { spanMs: 40, agentMs: 12 }), asIs);
  expect(cost()).toBeNull();
  model.apply(after.poll(61_000, { agentMs: 20 }), asIs);
  expect(cost()).toBe(2);
});

test('the cost is a share of a tenth of a second at least, however close polls are', () => {
  const { costAt } = costs();
  costAt(950, 950, 9);
  expect(costAt(1_000, 50, 25)).toBeNull();
  expect(costAt(1_049, 49, 2)).toBeNull();
  expect(costAt(1_060, 11, 1.9)).toBeCloseTo((28.9 / 110) * 100);
  // nor does one that comes at once say much, beside what was before it
  expect(costAt(3_060, 2_000, 13.3)).toBeCloseTo(2);
  expect(costAt(3_065, 5, 2.5)).toBeCloseTo((44.7 / 2_115) * 100);
});

test('the cost is a mean over ten seconds, so that what was saved and is spent in one of them is told as what it is', () => {
  const { costAt } = costs();
  costAt(900, 900, 9);
  let cost: number | null | undefined;
  for (let second = 2; second <= 11; second++) cost = costAt(second * 1_000, 1_000, 5);
  expect(cost).toBeCloseTo(0.5);
  expect(costAt(12_000, 1_000, 105)).toBeCloseTo(1.5);
  for (let second = 13; second <= 21; second++) cost = costAt(second * 1_000, 1_000, 5);
  expect(cost).toBeCloseTo(1.5);
  expect(costAt(22_000, 1_000, 5)).toBeCloseTo(0.5);
  // one that spans more than all of it
  expect(costAt(52_000, 30_000, 900)).toBeCloseTo(3);
});

/** A session whose polls say what they cost. */
function costs(): { costAt: (now: number, spanMs: number, agentMs: number) => number | null | undefined } {
  const agent = new PollBuilder();
  const model = new SessionModel();
  return {
    costAt(now, spanMs, agentMs) {
      model.apply(agent.poll(now, { spanMs, agentMs }), asIs);
      return model.overhead(1)?.percent;
    },
  };
}

test('a poll costs in proportion to what changed', () => {
  const agent = new PollBuilder();
  const model = new SessionModel();
  const ids = Array.from({ length: 20_000 }, (_, index) => agent.alive([at('/app/a.js', index + 1)], 1));
  model.apply(agent.poll(0), asIs);
  model.apply(agent.poll(RATE_WINDOW_MS + 1), asIs);
  agent.change(ids[77] ?? 0, { live: 2 });
  expect(model.apply(agent.poll(RATE_WINDOW_MS + 2), asIs).changed).toEqual(['s78']);
});
