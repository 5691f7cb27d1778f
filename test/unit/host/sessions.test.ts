import { describe, expect, it } from 'vitest';
import type { AttachParams } from '../../../src/protocol/lsp';
import type { AttachIntent, AttachServer } from '../../../src/host/sessions/attachments';
import { Attachments } from '../../../src/host/sessions/attachments';
import { appTasks, ENDED_SESSIONS_KEPT, SessionStore, siteAge } from '../../../src/host/sessions/sessionStore';
import { site, update } from './sample';

describe('SessionStore', () => {
  it('puts deltas together', () => {
    const store = new SessionStore();
    store.apply(update({ sites: [site({ id: 'a' }), site({ id: 'b' })] }));
    store.apply(update({ full: false, sites: [site({ id: 'b', count: 5 }), site({ id: 'c' })], removed: ['a'] }));
    expect([...(store.get('1')?.sites.values() ?? [])].map(({ id, count }) => [id, count])).toEqual([['b', 5], ['c', 12]]);
  });

  it('starts over with a full update', () => {
    const store = new SessionStore();
    store.apply(update({ sites: [site({ id: 'a' })] }));
    store.apply(update({ full: true, sites: [site({ id: 'b' })] }));
    expect([...(store.get('1')?.sites.keys() ?? [])]).toEqual(['b']);
  });

  it('drops a session that the user detached from, and keeps one that ended by itself', () => {
    const store = new SessionStore();
    store.apply(update());
    store.apply(update({ status: 'ended', end: { reason: 'detached', message: '' } }));
    expect(store.all()).toEqual([]);
    store.apply(update({ sessionId: '2' }));
    store.apply(update({ sessionId: '2', status: 'ended', end: { reason: 'target exited', message: 'It exited.' } }));
    expect(store.get('2')?.end?.message).toBe('It exited.');
  });

  it.each([
    [true, 'target exited'],
    [false, 'debugger ended'],
  ])('says that the debug session ended (which had launched the program: %s), whatever the detach that follows says', (launched, reason) => {
    const store = new SessionStore();
    store.apply(update());
    store.debuggerEnded('1', launched);
    store.apply(update({ status: 'ended', end: { reason: 'detached', message: '' } }));
    expect(store.get('1')?.end).toEqual({ reason, message: 'The debug session ended.' });
  });

  it('forgets an ended session when the same one begins again, and the oldest of many', () => {
    const store = new SessionStore();
    const end = { reason: 'target exited', message: '' } as const;
    store.apply(update({ sessionId: 'a', name: 'orders', status: 'ended', end }));
    store.apply(update({ sessionId: 'b', name: 'orders' }));
    expect(store.all().map(({ id }) => id)).toEqual(['b']);
    for (let i = 0; i < 10; i++) store.apply(update({ sessionId: `e${String(i)}`, name: `job ${String(i)}`, status: 'ended', end }));
    expect(store.all().filter(({ status }) => status === 'ended').map(({ id }) => id)).toEqual(['e7', 'e8', 'e9']);
    expect(ENDED_SESSIONS_KEPT).toBe(3);
    expect(store.get('b')).toBeDefined();
  });

  it('lets sites grow older by the clock of the session', () => {
    const store = new SessionStore();
    store.apply(update({ clockMs: 1000, sites: [site({ id: 'a', oldestMs: 500 }), site({ id: 'b', oldestMs: 500 })] }));
    store.apply(update({ clockMs: 4000, full: false, sites: [site({ id: 'b', oldestMs: 100 })] }));
    const session = store.get('1');
    expect(session === undefined ? [] : [...session.sites.values()].map((each) => [each.id, siteAge(session, each)])).toEqual([['a', 3500], ['b', 100]]);
  });

  it('keeps nothing of an attach that failed', () => {
    const store = new SessionStore();
    const { target, ...unknown } = update({ status: 'attaching' });
    store.apply(unknown);
    store.apply({ ...unknown, status: 'ended', end: { reason: 'refused', message: '' } });
    expect(target).toBeDefined();
    expect(store.all()).toEqual([]);
  });

  it('counts only what is alive', () => {
    const store = new SessionStore();
    store.apply(update({ sessionId: 'a', name: 'a' }));
    store.apply(update({ sessionId: 'b', name: 'b', status: 'paused' }));
    store.apply(update({ sessionId: 'c', name: 'c', status: 'ended', end: { reason: 'target exited', message: '' } }));
    expect(appTasks(store.all())).toBe(24);
  });
});

class FakeServer implements AttachServer {
  readonly attached: AttachParams[] = [];
  readonly detached: string[] = [];
  failure: Error | undefined;
  #gate: Promise<void> = Promise.resolve();

  /** Holds attach requests back until the returned function is called. */
  hold(): () => void {
    let open = (): void => undefined;
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => {
      open();
    };
  }

  async attach(params: AttachParams): Promise<{ sessionId: string }> {
    await this.#gate;
    if (this.failure !== undefined) throw this.failure;
    this.attached.push(params);
    return { sessionId: `session-${String(this.attached.length)}` };
  }

  detach(sessionId: string): Promise<void> {
    this.detached.push(sessionId);
    return Promise.resolve();
  }
}

const intent = (key: string): AttachIntent => ({ key, name: key, resolve: () => Promise.resolve({ target: key }) });

describe('Attachments', () => {
  it('attaches the same thing once', async () => {
    const server = new FakeServer();
    const attachments = new Attachments(server);
    expect(await attachments.attach(intent('9229'))).toBe('session-1');
    expect(await attachments.attach(intent('9229'))).toBe('session-1');
    expect(server.attached).toHaveLength(1);
  });

  it('attaches again after the server was lost, but not what had ended or was detached', async () => {
    const server = new FakeServer();
    const attachments = new Attachments(server);
    for (const key of ['stays', 'ends', 'goes']) await attachments.attach(intent(key));
    attachments.observe(update({ sessionId: 'session-2', status: 'ended', end: { reason: 'target exited', message: '' } }));
    await attachments.detachKey('goes');
    attachments.serverLost();
    expect(attachments.pending).toBe(1);
    await attachments.reattach();
    expect(server.attached.map(({ target }) => target)).toEqual(['stays', 'ends', 'goes', 'stays']);
    expect(attachments.sessionOf('stays')).toBe('session-4');
    expect(attachments.pending).toBe(0);
  });

  it('does not attach twice when the server starts because of the first attach', async () => {
    const server = new FakeServer();
    const attachments = new Attachments(server);
    const open = server.hold();
    const attached = attachments.attach(intent('9229'));
    await attachments.reattach();
    open();
    expect(await attached).toBe('session-1');
    expect(server.attached).toHaveLength(1);
  });

  it('lets go of what was detached while it was being attached', async () => {
    const server = new FakeServer();
    const attachments = new Attachments(server);
    const open = server.hold();
    const attached = attachments.attach(intent('9229'));
    await Promise.resolve();
    await attachments.detachKey('9229');
    open();
    expect(await attached).toBeUndefined();
    expect(server.detached).toEqual(['session-1']);
    expect(attachments.pending).toBe(0);
  });

  it('tells of a failure, and can be tried again', async () => {
    const server = new FakeServer();
    const attachments = new Attachments(server);
    server.failure = new Error('refused');
    await expect(attachments.attach(intent('9229'))).rejects.toThrow('refused');
    expect(attachments.pending).toBe(0);
    server.failure = undefined;
    expect(await attachments.attach(intent('9229'))).toBe('session-1');
  });

  it('tells when something could not be attached again', async () => {
    const server = new FakeServer();
    const attachments = new Attachments(server);
    const failed: string[] = [];
    attachments.onDidFail(({ intent: { name } }) => failed.push(name));
    await attachments.attach(intent('9229'));
    attachments.serverLost();
    server.failure = new Error('gone');
    await attachments.reattach();
    expect(failed).toEqual(['9229']);
    expect(attachments.sessionOf('9229')).toBeUndefined();
  });
});
