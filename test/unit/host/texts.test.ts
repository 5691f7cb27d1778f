import { describe, expect, it } from 'vitest';
import { MAX_RESTARTS, RESTART_WINDOW_MS, RestartPolicy } from '../../../src/host/client/restartPolicy';
import { targetName, targetProblem } from '../../../src/host/commands/targetInput';
import { MarksModel } from '../../../src/host/editor/marksModel';
import { snapshotFileName } from '../../../src/host/heapSnapshot/snapshotFile';
import { redactSecrets, safeErrorMessage } from '../../../src/host/redact';
import { SessionStore } from '../../../src/host/sessions/sessionStore';
import { statusText } from '../../../src/host/statusBar/statusText';
import { ManualClock } from './manualClock';
import { update } from './sample';

describe('the status bar', () => {
  const shown = (...updates: Parameters<typeof update>[0][]): ReturnType<typeof statusText> => {
    const store = new SessionStore();
    for (const part of updates) store.apply(update(part));
    return statusText(store.all(), []);
  };

  it('shows target, tasks, heap and loop', () => {
    expect(shown({})?.text).toBe('$(pulse) orders 12 tasks · 48/4144 MB · loop 2 ms');
  });

  it('is spoken in words', () => {
    expect(shown({ dropped: 3 })?.text).toContain('12 tasks $(warning)');
    expect(shown({ dropped: 3 })?.spoken).toBe('Asyncscope: orders 12 tasks, something could not be counted · 48/4144 MB · loop 2 ms');
  });

  it('is not there without a session', () => {
    expect(shown()).toBeUndefined();
  });

  it.each([
    [{ status: 'paused' }, '$(debug-pause) orders paused · 12 tasks', 'normal'],
    [{ status: 'unresponsive' }, '$(warning) orders not responding', 'warning'],
    [{ status: 'ended', end: { reason: 'target exited', message: 'Gone.' } }, '$(circle-slash) orders ended', 'normal'],
    [{ status: 'attaching' }, '$(loading~spin) orders attaching…', 'normal'],
    [{ dropped: 5 }, '$(pulse) orders 12 tasks $(warning) · 48/4144 MB · loop 2 ms', 'normal'],
  ] as const)('shows %o', (part, text, severity) => {
    expect(shown(part)).toMatchObject({ text, severity });
  });

  it('counts the other sessions and prefers a live one', () => {
    expect(shown({ sessionId: 'a', name: 'a' }, { sessionId: 'b', name: 'b', debugSessionId: 'd' }, { sessionId: 'c', name: 'c', status: 'ended', end: { reason: 'target exited', message: '' } })?.text).toContain('b +1');
  });

  it('takes no icon from a name', () => {
    expect(shown({ name: '$(flame) hot', debugSessionId: 'd' })?.text).toContain('$ (flame) hot');
  });
});

describe('addresses', () => {
  it.each(['9229', 'localhost:9229', '127.0.0.1:9229', '[::1]:9229', 'my-host.example:1', 'ws://127.0.0.1:9229/abc'])('%s is one', (text) => {
    expect(targetProblem(text)).toBeUndefined();
  });

  it.each(['', 'abc', '0', '65536', 'host:', ':1', 'http://a:1', 'a b:1', 'ws://'])('"%s" is none', (text) => {
    expect(targetProblem(text)).toBeDefined();
  });

  it('are named without their secret', () => {
    expect(targetName('ws://127.0.0.1:9229/secret')).toBe('127.0.0.1:9229');
    expect(targetName('9229')).toBe('127.0.0.1:9229');
  });
});

describe('logs', () => {
  it('hold no path of an inspector or proxy', () => {
    const text = 'ws://127.0.0.1:9229/2b7c-11 and {"proxy":{"host":"127.0.0.1","port":1,"path":"/8d\\"x"}}';
    expect(redactSecrets(text)).toBe('ws://127.0.0.1:9229/… and {"proxy":{"host":"127.0.0.1","port":1,"path":"…"}}');
    expect(safeErrorMessage(new Error('connect ws://h:1/abc failed'))).toBe('connect ws://h:1/… failed');
  });
});

describe('heap snapshots', () => {
  const at = new Date(2026, 0, 2, 3, 4, 5);

  it.each([
    ['orders', 'orders-20260102-030405.heapsnapshot'],
    ['../../etc/passwd', 'etc-passwd-20260102-030405.heapsnapshot'],
    ['Bestellungen Ü: 127.0.0.1:9229', 'Bestellungen-Ü-127.0.0.1-9229-20260102-030405.heapsnapshot'],
    ['...', 'node-20260102-030405.heapsnapshot'],
  ])('of %s go to %s', (name, file) => {
    expect(snapshotFileName(name, at)).toBe(file);
  });
});

describe('RestartPolicy', () => {
  it('gives up after too many crashes in a short time, and forgives old ones', () => {
    const clock = new ManualClock();
    const policy = new RestartPolicy(clock);
    for (let i = 0; i < MAX_RESTARTS; i++) expect(policy.crashed()).toBe('restart');
    expect(policy.crashed()).toBe('give up');
    clock.advance(RESTART_WINDOW_MS);
    expect(policy.crashed()).toBe('restart');
  });
});

describe('MarksModel', () => {
  it('knows where a site stands after edits', () => {
    const marks = new MarksModel();
    const mark = { line: 7, kind: 'promise', heat: 1, count: 3, text: '3', sites: [{ sessionId: '1', siteId: 'a' }] } as const;
    marks.apply('file:///a.ts', { version: 2, marks: [mark], suspended: [] });
    expect(marks.lineOf('file:///a.ts', { sessionId: '1', siteId: 'a' })).toBe(7);
    expect(marks.lineOf('file:///a.ts', { sessionId: '2', siteId: 'a' })).toBeUndefined();
    marks.apply('file:///a.ts', { version: 3, marks: [], suspended: [] });
    expect(marks.get('file:///a.ts')).toBeUndefined();
  });
});
