import { describe, expect, it } from 'vitest';
import { isConcreteNodeSession, ProxyError, requestProxyAddress, sessionName } from '../../../src/host/debugBridge/proxyAddress';
import { ManualClock } from './manualClock';

const ADDRESS = { host: '127.0.0.1', port: 4000, path: '/secret' };
const live = (): AbortSignal => new AbortController().signal;

describe('requestProxyAddress', () => {
  it('asks again while the debugger does not know the session yet', async () => {
    const clock = new ManualClock();
    let asked = 0;
    const result = requestProxyAddress(() => Promise.resolve(++asked < 3 ? undefined : ADDRESS), clock, live());
    await clock.run(100);
    expect(await result).toEqual(ADDRESS);
    expect(asked).toBe(3);
  });

  it('gives up when the debugger never knows it', async () => {
    const clock = new ManualClock();
    const result = requestProxyAddress(() => Promise.resolve(undefined), clock, live()).catch((error: unknown) => error);
    await clock.run(10_000);
    expect(await result).toMatchObject({ name: 'ProxyError', reason: 'not available' });
  });

  it('does not wait for a session that never answers', async () => {
    const clock = new ManualClock();
    const result = requestProxyAddress(() => new Promise(() => undefined), clock, live()).catch((error: unknown) => error);
    await clock.run(3000);
    expect(await result).toMatchObject({ reason: 'no answer' });
  });

  it('stops when the session is over', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const result = requestProxyAddress(() => Promise.resolve(undefined), clock, abort.signal).catch((error: unknown) => error);
    abort.abort();
    await clock.run(100);
    expect(await result).toMatchObject({ reason: 'cancelled' });
  });

  it('says so when there is no such debugger', async () => {
    await expect(requestProxyAddress(() => Promise.reject(new Error('command not found')), new ManualClock(), live())).rejects.toBeInstanceOf(ProxyError);
  });

  it('takes nothing for an address that is none', async () => {
    const clock = new ManualClock();
    const result = requestProxyAddress(() => Promise.resolve({ host: 1, port: 'x' }), clock, live()).catch((error: unknown) => error);
    await clock.run(10_000);
    expect(await result).toMatchObject({ reason: 'not available' });
  });
});

describe('debug sessions', () => {
  it.each([
    ['the launcher', { type: 'pwa-node', hasParent: false, configuration: {} }, false],
    ['a process', { type: 'pwa-node', hasParent: true, configuration: {} }, true],
    ['a process whose parent is unknown', { type: 'pwa-node', hasParent: false, configuration: { __pendingTargetId: '1' } }, true],
    ['a page', { type: 'pwa-chrome', hasParent: true, configuration: {} }, false],
    ['another language', { type: 'python', hasParent: true, configuration: {} }, false],
  ])('%s', (_, session, concrete) => {
    expect(isConcreteNodeSession(session)).toBe(concrete);
  });

  it('are named without their process id', () => {
    expect(sessionName('server.js [4242] « Orders service')).toBe('server.js');
    expect(sessionName('main.js [4242]')).toBe('main.js');
    expect(sessionName('[4242]')).toBe('[4242]');
  });
});
