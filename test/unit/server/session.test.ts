import { beforeEach, describe, expect, test } from 'vitest';
import { TargetError } from '../../../src/cdp/target';
import type { AttachedTarget } from '../../../src/cdp/target';
import type { SessionUpdate } from '../../../src/protocol/lsp';
import { PAUSED_POLL_MS, Session, UNRESPONSIVE_POLL_LIMIT_MS } from '../../../src/server/session';
import { FOLLOW_LIMIT_MS } from '../../../src/cdp/attachAgain';
import { PollBuilder, at } from '../core/model/pollBuilder';
import { ManualClock } from '../host/manualClock';
import { FakeTarget, UNMAPPED, settle } from './fakeTarget';

const INTERVAL = 1000;

let clock: ManualClock;
let target: FakeTarget;
let updates: SessionUpdate[];

beforeEach(() => {
  clock = new ManualClock();
  target = new FakeTarget();
  updates = [];
});

function create(connect: (signal: AbortSignal) => Promise<AttachedTarget> = () => Promise.resolve(target), positions = UNMAPPED): Session {
  return new Session({
    id: 'a',
    name: 'app',
    budgetPercent: 1,
    pollIntervalMs: () => INTERVAL,
    connect,
    positions,
    clock,
    onUpdate: (update) => updates.push(update),
  });
}

function last(): SessionUpdate {
  const update = updates.at(-1);
  if (!update) throw new Error('no update');
  return update;
}

/** A session whose first picture has one site with three promises; its raw site is 0. */
async function attached(): Promise<Session> {
  const session = create();
  const started = session.start();
  await settle();
  target.agent.alive([at('/app/a.js', 3)], 3);
  target.answer(target.agent.poll(0));
  await started;
  return session;
}

async function nextPoll(now: number, afterMs = INTERVAL): Promise<void> {
  clock.advance(afterMs);
  await settle();
  target.answer(target.agent.poll(now));
  await settle();
}

describe('attaching', () => {
  test('tells the session before it is there, then its first picture whole', async () => {
    await attached();
    expect(updates.map(({ status, full }) => [status, full])).toEqual([['attaching', true], ['attached', true]]);
    expect(updates[0]).toMatchObject({ sessionId: 'a', name: 'app', sites: [] });
    expect(updates[0]).not.toHaveProperty('target');
    expect(last()).toMatchObject({ clockMs: 0, target: { pid: 7 }, sites: [{ id: 's1', count: 3 }], totals: { promise: 3 }, origins: { app: 3 } });
    expect(last().sites[0]).not.toHaveProperty('stack');
  });

  test('that fails ends the session with the reason', async () => {
    const session = create(() => Promise.reject(new TargetError('refused', 'Nothing listens there.')));
    await expect(session.start()).rejects.toThrow('Nothing listens there.');
    expect(last()).toMatchObject({ status: 'ended', end: { reason: 'refused', message: 'Nothing listens there.' } });
  });

  test('that is given up aborts the connection, and lets go of one that came too late', async () => {
    let connected: (target: AttachedTarget) => void = () => undefined;
    let signal: AbortSignal | undefined;
    const session = create((given) => {
      signal = given;
      return new Promise((resolve) => {
        connected = resolve;
      });
    });
    const started = session.start();
    await session.detach();
    expect(signal?.aborted).toBe(true);
    connected(target);
    await expect(started).rejects.toMatchObject({ reason: 'cancelled' });
    expect(target.detached).toBe(1);
    expect(last()).toMatchObject({ status: 'ended', end: { reason: 'detached' } });
  });

  test('that is given up is cancelled, whatever the connection makes of it', async () => {
    const session = create((signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))));
    const started = session.start();
    await session.detach();
    await expect(started).rejects.toMatchObject({ reason: 'cancelled' });
    expect(updates.map(({ status }) => status)).toEqual(['attaching', 'ended']);
  });

  test('to a target that is busy begins as unresponsive and comes to itself', async () => {
    const session = create();
    const started = session.start();
    await settle();
    target.timeOut();
    await started;
    expect(last().status).toBe('unresponsive');
    await nextPoll(0);
    expect(last().status).toBe('attached');
    await session.detach();
  });

  test('to a target that talks nonsense fails and leaves nothing behind', async () => {
    const session = create();
    const started = session.start();
    await settle();
    target.fail(new TargetError('agent failed', 'Malformed.'));
    await expect(started).rejects.toThrow('Malformed.');
    expect(last()).toMatchObject({ status: 'ended', end: { reason: 'agent failed' } });
    expect(target.detached).toBe(1);
  });

  test('to a target that exits meanwhile says so', async () => {
    const session = create();
    const started = session.start();
    await settle();
    target.close('target exited');
    await expect(started).rejects.toBeInstanceOf(TargetError);
    expect(last()).toMatchObject({ status: 'ended', end: { reason: 'target exited' } });
  });
});

describe('polling', () => {
  test('sends what changed, and never asks twice at a time', async () => {
    const session = await attached();
    clock.advance(10 * INTERVAL);
    await settle();
    expect(target.pending).toHaveLength(1);
    target.agent.change(0, { live: 5 });
    target.agent.alive([at('/app/b.js', 1)], 1, { kind: 'timeout' });
    target.answer(target.agent.poll(1000));
    await settle();
    expect(last()).toMatchObject({ full: false, removed: [], clockMs: 1000 });
    expect(last().sites.map(({ id, count }) => [id, count])).toEqual([['s1', 5], ['s2', 1]]);
    await nextPoll(20_000);
    await nextPoll(21_000);
    expect(last()).toMatchObject({ full: false, sites: [], clockMs: 21_000 });
    await session.detach();
  });

  test('drops rows that are gone', async () => {
    const session = await attached();
    target.agent.change(0, { live: 0, started: 3 });
    await nextPoll(1000);
    await nextPoll(40_000);
    expect(last()).toMatchObject({ full: false, sites: [], removed: ['s1'] });
    await session.detach();
  });

  test('goes easy on a target that does not answer, and says so once', async () => {
    const session = await attached();
    const before = updates.length;
    for (const wait of [INTERVAL, 2 * INTERVAL, 4 * INTERVAL, UNRESPONSIVE_POLL_LIMIT_MS, UNRESPONSIVE_POLL_LIMIT_MS]) {
      clock.advance(wait - 1);
      await settle();
      expect(target.pending).toHaveLength(0);
      clock.advance(1);
      await settle();
      target.timeOut();
      await settle();
    }
    expect(updates.slice(before).map(({ status }) => status)).toEqual(['unresponsive']);
    expect(last().sites).toEqual([]);
    await nextPoll(9000, UNRESPONSIVE_POLL_LIMIT_MS);
    expect(last().status).toBe('attached');
    await nextPoll(10_000, INTERVAL);
    await session.detach();
  });

  test('ends when the target does', async () => {
    const session = await attached();
    target.close('target exited');
    await session.settled;
    expect(last()).toMatchObject({ status: 'ended', end: { reason: 'target exited' }, full: false, sites: [], totals: { promise: 0 } });
    expect(session.endedAt).toBe(clock.now());
    const before = updates.length;
    clock.advance(100_000);
    await session.detach();
    expect(updates).toHaveLength(before);
  });

  test('ends when the answers make no sense', async () => {
    const session = await attached();
    clock.advance(INTERVAL);
    await settle();
    target.fail(new Error('boom'));
    await session.settled;
    expect(last()).toMatchObject({ status: 'ended', end: { reason: 'agent failed' } });
    expect(target.detached).toBe(1);
  });

  test('goes on undisturbed while a heap snapshot holds the target', async () => {
    const session = await attached();
    let finish: () => void = () => undefined;
    target.snapshot = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const snapshot = session.takeHeapSnapshot({ write: () => undefined });
    clock.advance(INTERVAL);
    await settle();
    target.timeOut();
    await settle();
    expect(last().status).toBe('attached');
    finish();
    await snapshot;
    await session.detach();
  });
});

describe('a paused session', () => {
  test('shows nothing new, keeps the agent, and shows everything when it goes on', async () => {
    const session = await attached();
    session.setPaused(true);
    expect(last()).toMatchObject({ status: 'paused', sites: [] });
    const before = updates.length;
    await settle();
    target.agent.change(0, { live: 9 });
    target.answer(target.agent.poll(5000));
    await settle();
    await nextPoll(10_000, PAUSED_POLL_MS);
    expect(updates).toHaveLength(before);
    session.setPaused(false);
    expect(last()).toMatchObject({ status: 'attached', full: true, sites: [{ count: 9 }] });
    await session.detach();
  });
});

describe('what lines and tooltips show', () => {
  const shown = (session: Session): readonly unknown[] => [...session.sitesInFile('/app/a.js')].map(({ id, count }) => [id, count, session.site(id)?.count]);

  test('is what the rows show, also while the session is paused', async () => {
    const session = await attached();
    const [[id]] = shown(session) as [[string]];
    session.setPaused(true);
    await settle();
    target.agent.change(0, { live: 9 });
    target.answer(target.agent.poll(5000));
    await settle();
    expect(shown(session)).toEqual([[id, 3, 3]]);
    session.setPaused(false);
    expect(shown(session)).toEqual([[id, 9, 9]]);
    await session.detach();
  });
});

describe('the baseline', () => {
  test('changes every row', async () => {
    const session = await attached();
    session.setBaseline();
    expect(last()).toMatchObject({ full: true, sites: [{ count: 3, sinceBaseline: 0 }], baselineAt: 1_000_000 });
    await session.detach();
  });
});

describe('watched sites', () => {
  test('are asked for by what they are made of, also when that grows', async () => {
    const session = await attached();
    await session.watch(['s1', 'unknown']);
    expect(target.watched).toEqual([[0]]);
    await settle();
    const more = target.agent.alive([at('/app/a.js', 3), at('/app/c.js', 1)], 1);
    target.agent.tasks({ site: 0, rows: [{ id: 1, start: 0, weight: 1, state: 'pending' }], more: 2 });
    target.answer(target.agent.poll(1000));
    await settle();
    expect(last().tasks).toMatchObject([{ siteId: 's1', tasks: [{ id: 1, ageMs: 1000 }], more: 2 }]);
    expect(target.watched).toEqual([[0], [0, more]]);
    await session.watch([]);
    expect(target.watched.at(-1)).toEqual([]);
    await session.detach();
  });

  test('are asked for again when the agent was put in again', async () => {
    const session = await attached();
    await session.watch(['s1']);
    const anew = new PollBuilder();
    anew.alive([at('/app/a.js', 3)], 2);
    target.answer(anew.poll(1000));
    await settle();
    expect(last()).toMatchObject({ agentRestarts: 1, sites: [{ id: 's1', count: 2 }] });
    expect(target.watched).toEqual([[0], [0]]);
    await session.detach();
  });
});

describe('a target that is restarted', () => {
  let follow: boolean;
  let attempts: ((outcome: FakeTarget | Error) => void)[];

  /** A session whose first process has just gone. */
  async function orphaned(): Promise<Session> {
    follow = true;
    attempts = [];
    const session = new Session({
      id: 'a',
      name: 'app',
      budgetPercent: 1,
      pollIntervalMs: () => INTERVAL,
      connect: () => Promise.resolve(target),
      connectAgain: () => new Promise((resolve, reject) => {
        attempts.push((outcome) => {
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        });
      }),
      followRestarts: () => follow,
      positions: UNMAPPED,
      clock,
      onUpdate: (update) => updates.push(update),
    });
    const started = session.start();
    await settle();
    target.agent.alive([at('/app/other.js', 1)], 1);
    target.agent.alive([at('/app/a.js', 3)], 3);
    target.answer(target.agent.poll(0));
    await started;
    session.setBaseline();
    target.close('target exited');
    await settle();
    return session;
  }

  async function attempt(outcome: FakeTarget | Error): Promise<void> {
    clock.advance(2_000);
    await settle();
    attempts.pop()?.(outcome);
    await settle();
  }

  const refused = (): TargetError => new TargetError('refused', 'Nothing listens there.');

  test('is waited for, and watched again with the ids and the baseline of its sites', async () => {
    const session = await orphaned();
    expect(last()).toMatchObject({ status: 'waiting', wait: { for: 'restart' }, full: true, sites: [], totals: { promise: 0 } });
    expect(session.emptySince).toBe(clock.now());
    for (let i = 0; i < 5; i++) await attempt(refused());
    expect(last().status).toBe('waiting');

    const second = new FakeTarget();
    await attempt(second);
    second.agent.alive([at('/app/a.js', 3)], 5);
    second.agent.alive([at('/app/new.js', 3)], 1);
    second.answer(second.agent.poll(0));
    await settle();
    expect(last()).toMatchObject({ status: 'attached', full: true, processRestarts: 1, totals: { promise: 6 } });
    expect(last().sites.map(({ id, file, count, sinceBaseline }) => [id, file, count, sinceBaseline])).toEqual([
      ['s2', '/app/a.js', 5, 2],
      ['s3', '/app/new.js', 1, 1],
    ]);
    expect(last()).not.toHaveProperty('wait');
    expect(session.emptySince).toBeUndefined();
    await session.detach();
    expect(second.detached).toBe(1);
  });

  test('is waited for no longer once detached, and let go of when it comes just then', async () => {
    const session = await orphaned();
    clock.advance(2_000);
    await settle();
    const detaching = session.detach();
    const late = new FakeTarget();
    attempts.pop()?.(late);
    await detaching;
    expect(last()).toMatchObject({ status: 'ended', end: { reason: 'detached' } });
    expect(late.detached).toBe(1);
  });

  test('is waited for no longer once the setting says so', async () => {
    const session = await orphaned();
    follow = false;
    await attempt(refused());
    await session.settled;
    expect(last()).toMatchObject({ status: 'ended', end: { reason: 'target exited' } });
  });

  test('is not mistaken for another program at the same address', async () => {
    const session = await orphaned();
    const other = new FakeTarget();
    Object.assign(other.info, { title: '/other/main.js' });
    await attempt(other);
    await session.settled;
    expect(other.detached).toBe(1);
    expect(last()).toMatchObject({ status: 'ended', end: { reason: 'target exited', message: expect.stringContaining('Another program') as string } });
  });

  test('is given up in the end', async () => {
    const session = await orphaned();
    clock.advance(FOLLOW_LIMIT_MS);
    await attempt(refused());
    await attempt(refused());
    await session.settled;
    expect(last()).toMatchObject({ status: 'ended', end: { message: expect.stringContaining('did not come back') as string } });
  });

  test('in a crash loop is asked less and less often', async () => {
    const session = await orphaned();
    for (let life = 0; life < 6; life++) {
      const brief = new FakeTarget();
      await attempt(brief);
      brief.close('target exited');
      await settle();
    }
    expect(last()).toMatchObject({ status: 'waiting', processRestarts: 6 });
    clock.advance(1_900);
    await settle();
    expect(attempts).toHaveLength(0);
    clock.advance(100);
    await settle();
    expect(attempts).toHaveLength(1);
    attempts.pop()?.(refused());
    await session.detach();
  });
});

test('detaching is done once and ends everything', async () => {
  const session = await attached();
  clock.advance(INTERVAL);
  await settle();
  await Promise.all([session.detach(), session.detach()]);
  expect(last()).toMatchObject({ status: 'ended', end: { reason: 'detached' } });
  expect(updates.filter(({ status }) => status === 'ended')).toHaveLength(1);
  await expect(session.takeHeapSnapshot({ write: () => undefined })).rejects.toMatchObject({ reason: 'closed' });
});

describe('the text of a script', () => {
  test('comes out of the process, for files that it told of only', async () => {
    const session = await attached();
    target.files.set('/app/a.js', 'code').set('/etc/passwd', 'secret');
    expect(await session.scriptSource('/app/a.js')).toEqual({ text: 'code', from: 'process' });
    expect(await session.scriptSource('/etc/passwd')).toMatchObject({ text: null, reason: 'unknown' });
  });

  test('comes from the source map that led to it', async () => {
    const positions = { ...UNMAPPED, content: (file: string) => Promise.resolve(file === '/app/a.js' ? 'as written' : undefined) };
    const session = create(undefined, positions);
    const started = session.start();
    await settle();
    target.agent.alive([at('/app/a.js', 3)], 3);
    target.answer(target.agent.poll(0));
    await started;
    expect(await session.scriptSource('/app/a.js')).toEqual({ text: 'as written', from: 'source map' });
  });

  test('is missing with what to do', async () => {
    const session = await attached();
    target.agent.alive([at('evalmachine.<anonymous>', 1)], 1);
    await nextPoll(INTERVAL);
    expect(await session.scriptSource('evalmachine.<anonymous>')).toMatchObject({ text: null, reason: 'no file' });
    expect(await session.scriptSource('node:internal/timers', () => true)).toMatchObject({ text: null, message: 'This is code of Node itself, which stands in no file.' });
    expect(await session.scriptSource('/app/a.js')).toMatchObject({ text: null, reason: 'unreadable' });
    target.close('target exited');
    await session.settled;
    expect(await session.scriptSource('/app/a.js')).toMatchObject({ text: null, reason: 'gone' });
  });
});
