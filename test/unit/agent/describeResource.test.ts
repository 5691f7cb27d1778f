/** What rows say of resources whose program has put anything into them: the client refuses an answer with more. */
import { describe, expect, test } from 'vitest';
import { describeResource } from '../../../src/agent/describeResource';
import type { RawSite } from '../../../src/agent/stacks';
import { AGENT_STRING_LIMIT } from '../../../src/protocol/agent';

const LONG = 'x'.repeat(2 * AGENT_STRING_LIMIT);

function details(kind: RawSite['kind'], held: object): object {
  return describeResource(() => false, { kind, type: 'TYPE' } as RawSite, held, { now: 0, loopOffset: 0, running: undefined });
}

describe('a row of a resource', () => {
  const owner = Symbol('owner_symbol');
  test.each([
    ['request with a long URL', { req: { method: 'GET', host: 'example.org', path: `/${LONG}` } }],
    ['request that looks a long name up', { hostname: LONG }],
    ['watcher of a file with a long name', { [owner]: { _filename: LONG } }],
    ['pipe with a long name', { [owner]: { _pipeName: LONG } }],
  ])('of a %s has as much of it as may be told', (_what, resource) => {
    expect(details('request', new WeakRef(resource))).toMatchObject({ path: expect.stringMatching(new RegExp(`^.{${AGENT_STRING_LIMIT}}$`)) as unknown });
  });

  test('of addresses has as much as may be told', () => {
    const name = (out: { address?: string; port?: number }): number => {
      out.address = LONG;
      out.port = 1;
      return 0;
    };
    const { localAddress, remoteAddress } = details('handle', new WeakRef({ getsockname: name, getpeername: name })) as Record<string, string>;
    expect([localAddress?.length, remoteAddress?.length]).toEqual([AGENT_STRING_LIMIT, AGENT_STRING_LIMIT]);
  });

  test.each([NaN, Infinity, -1, 1e300, '7'])('leaves out %s where a figure is meant', (value) => {
    const resource = { pid: value, fd: value, threadId: value, [owner]: { _connections: value } };
    expect(details('handle', new WeakRef(resource))).toEqual({ state: 'active', type: 'TYPE' });
    expect(details('timeout', { _idleTimeout: value, _repeat: value, _idleStart: 1 })).toEqual({ state: 'active', type: 'TYPE', repeats: false });
  });

  test.each([1.5, 7.25])('leaves out %s where a number of a thing is meant', (value) => {
    expect(details('handle', new WeakRef({ pid: value, fd: value, threadId: value }))).toEqual({ state: 'active', type: 'TYPE' });
  });
});
