import { describe, expect, it } from 'vitest';
import { parseFromGraph, parseToGraph, REVEAL_LIMIT, WEBVIEW_VERSION } from '../../../src/protocol/webview';

const version = WEBVIEW_VERSION;

describe('messages of the webview', () => {
  it.each([
    [{ version, type: 'ready' }],
    [{ version, type: 'open', dumpId: 'd', groupId: 'g', place: { of: 'frame', frame: 2, line: 'declared' } }],
    [{ version, type: 'open', dumpId: 'd', groupId: 'g', place: { of: 'leaf' } }],
    [{ version, type: 'reveal', dumpId: 'd', groupIds: ['a', 'b'] }],
    [{ version, type: 'variables', dumpId: 'd', groupId: 'g', frame: 0 }],
    [{ version, type: 'dumpAgain', dumpId: 'd' }],
    [{ version, type: 'error', text: 'x' }],
  ])('takes %j', (message) => {
    expect(parseFromGraph(message)).toEqual(message);
  });

  it.each([
    ['another version', { version: version + 1, type: 'ready' }],
    ['no version', { type: 'ready' }],
    ['an unknown type', { version, type: 'run', command: 'rm' }],
    ['a place that is no index', { version, type: 'open', dumpId: 'd', groupId: 'g', place: { of: 'frame', frame: -1, line: 'awaiting' } }],
    ['a position of its own', { version, type: 'open', dumpId: 'd', groupId: 'g', place: { of: 'file', file: '/etc/passwd' } }],
    ['an object for a text', { version, type: 'reveal', dumpId: 'd', groupIds: [{}] }],
    ['too many groups', { version, type: 'reveal', dumpId: 'd', groupIds: Array.from({ length: REVEAL_LIMIT + 1 }, () => 'g') }],
    ['a text without end', { version, type: 'error', text: 'x'.repeat(100_000) }],
    ['a text', 'ready'],
    ['nothing', null],
  ])('refuses %s', (_, message) => {
    expect(parseFromGraph(message)).toBeUndefined();
  });

  it('keeps nothing that it does not know', () => {
    expect(parseFromGraph({ version, type: 'ready', extra: 1 })).toEqual({ version, type: 'ready' });
  });
});

describe('messages to the webview', () => {
  it('refuses what no host sends', () => {
    expect(parseToGraph({ version, type: 'empty', text: 'x' })).toBeDefined();
    expect(parseToGraph({ type: 'empty', text: 'x' })).toBeUndefined();
    expect(parseToGraph({ version, type: 'state', dumpId: 'd' })).toBeUndefined();
    expect(parseToGraph(undefined)).toBeUndefined();
  });
});
