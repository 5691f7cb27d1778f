import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packChanges } from '../../../src/agent/changes';
import { AGENT_STRING_LIMIT, AgentProtocolError, parseAgentPoll } from '../../../src/protocol/agent';
import type { AgentAnswer, AgentChange, AgentPoll } from '../../../src/protocol/agent';
import { SessionModel } from '../../../src/core/model/sessionModel';
import { PollBuilder, at, native } from '../core/model/pollBuilder';

function typical(): PollBuilder {
  const agent = new PollBuilder();
  const site = agent.alive([native('Promise'), at('/app/a.js', 3)], 2);
  agent.tasks({ site, rows: [{ id: 1, start: 5, weight: 1, state: 'pending', delayMs: 3 }], more: 1 });
  return agent;
}

/** As the agent sends it. */
function answer(poll: AgentPoll): AgentAnswer {
  return { ...poll, changes: packChanges(poll.changes) };
}

/** What is alive has been started: `gone` is what was besides. */
function change(site: number, live: number, variance: number, gone: number, abandoned: number, oldest: number): AgentChange {
  return [site, live, variance, live + gone, abandoned, oldest];
}

describe('an answer of the agent', () => {
  test('is taken as it is', () => {
    const poll = typical().poll(10);
    expect(parseAgentPoll(JSON.stringify(answer(poll)))).toEqual(poll);
  });

  test('tells the figures of all sites that have changed, in whole milliseconds', () => {
    const figure = fc.oneof(fc.constant(0), fc.nat());
    const row = fc.tuple(fc.nat(30), figure, figure, figure, figure, fc.oneof(fc.constant(-1), fc.double({ min: 0, max: 1e12, noNaN: true })));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
        const changes = rows.map((each) => change(...each));
        const read = parseAgentPoll(JSON.stringify(answer({ ...typical().poll(10), changes })));
        expect(read.changes).toEqual(changes.map(([site, live, variance, started, abandoned, oldest]) => [site, live, variance, started, abandoned, Math.floor(oldest)]));
      }),
    );
  });

  test.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['nothing', ''],
  ])('that is %s is refused', (_, text) => {
    expect(() => parseAgentPoll(text)).toThrow(AgentProtocolError);
  });

  test.each<[string, object]>([
    ['v', { v: 2 }],
    ['now', { now: 'soon' }],
    ['seq', { seq: -1 }],
    ['frames', { frames: [['f', 'a.js', 1]] }],
    ['frames', { frames: [['x'.repeat(AGENT_STRING_LIMIT + 1), null, 0, 0, 0]] }],
    ['changes.live.0', { changes: { sites: [0], live: [-1], gone: [0], oldest: [0], variance: [], abandoned: [] } }],
    ['changes', { changes: { sites: [0, 1], live: [1], gone: [1, 1], oldest: [0, 0], variance: [], abandoned: [] } }],
    ['changes', { changes: { sites: [0, 1], live: [1, 1], gone: [1, 1], oldest: [0, 0], variance: [1], abandoned: [] } }],
    ['sites', { sites: [{ id: 0, kind: 'fiber', type: '', label: null, frames: [], inner: false, asyncCall: false, cause: null }] }],
    ['process', { process: null }],
    ['tasks', { tasks: [{ site: 0, rows: [{}], more: 0 }] }],
  ])('with a wrong %s is refused, and told by its path', (path, wrong) => {
    expect(() => parseAgentPoll(JSON.stringify({ ...answer(typical().poll(10)), ...wrong }))).toThrow(path);
  });

  test('is refused or harmless, whatever is changed in it', () => {
    const poll = JSON.parse(JSON.stringify(answer(typical().poll(10)))) as Record<string, unknown>;
    const field = fc.constantFrom(...Object.keys(poll));
    fc.assert(
      fc.property(field, fc.jsonValue(), (name, value) => {
        let parsed;
        try {
          parsed = parseAgentPoll(JSON.stringify({ ...poll, [name]: value }));
        } catch (error) {
          return error instanceof AgentProtocolError;
        }
        const model = new SessionModel();
        model.apply(parsed, (file, line, column) => ({ file, line, column }));
        return [...model.sites()].every((site) => Number.isFinite(site.count) && site.count >= 0);
      }),
    );
  });

  test('with any frames and figures that pass gives a picture', () => {
    const number = fc.nat(20);
    const name = fc.option(fc.string({ maxLength: 10 }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, name, number, number, fc.nat(15)), { maxLength: 8 }),
        fc.array(fc.record({ id: fc.nat(8), frames: fc.array(fc.nat(12), { maxLength: 5 }), inner: fc.boolean(), asyncCall: fc.boolean(), cause: fc.option(fc.nat(9)) }), { maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(9), number, number, number, number, fc.integer({ min: -1, max: 20 })), { maxLength: 12 }),
        (frames, sites, rows) => {
          const changes = rows.map((each) => change(...each));
          const base = new PollBuilder().poll(10);
          const full = sites.map((site) => ({ ...site, kind: 'promise' as const, type: 'PROMISE', label: null }));
          const model = new SessionModel();
          model.apply(parseAgentPoll(JSON.stringify(answer({ ...base, frames, sites: full, changes }))), (file, line, column) => ({ file, line, column }));
          const shown = [...model.sites()];
          const sum = shown.reduce((total, site) => total + site.count, 0);
          expect(sum).toBe(Object.values(model.origins).reduce((total, count) => total + count, 0));
          expect(shown.every((site) => site.file !== null || site.line === 0)).toBe(true);
        },
      ),
    );
  });

  test('with figures of any size leaves a picture of finite counts', () => {
    const figure = fc.oneof(fc.constantFrom(1e308, Number.MAX_VALUE, -1, 1e18, Number.MIN_VALUE, 0), fc.double());
    const row = fc.tuple(fc.nat(3), figure, figure, figure, figure, figure);
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), figure, fc.constantFrom('__proto__', 'constructor', 'toString'), (rows, dropped, name) => {
        const changes = rows.map((each) => change(...each));
        const poll = { ...answer({ ...typical().poll(10), changes }), dropped, frames: [[name, name, 1, 1, 0]] };
        let parsed;
        try {
          parsed = parseAgentPoll(JSON.stringify(poll));
        } catch (error) {
          expect((error as Error).message.length).toBeLessThanOrEqual(200);
          return error instanceof AgentProtocolError;
        }
        const model = new SessionModel();
        model.apply(parsed, (file, line, column) => ({ file, line, column }));
        const figures = [...model.sites()].flatMap(({ count, error, oldestMs, started, abandoned }) => [count, error, oldestMs, started, abandoned]);
        return [...figures, ...Object.values(model.totals), ...Object.values(model.origins)].every((each) => Number.isFinite(each) && each >= 0);
      }),
    );
  });
});
