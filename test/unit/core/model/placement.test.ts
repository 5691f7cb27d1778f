import { describe, expect, test } from 'vitest';
import { CAUSE_DEPTH_LIMIT, placeFrame, placeSite } from '../../../../src/core/model/placement';
import type { Placement, PositionMapper } from '../../../../src/core/model/placement';
import { NATIVE_FRAME } from '../../../../src/core/model/rawPoll';
import { originOfScript } from '../../../../src/core/model/origin';
import type { AgentFrame, AgentSite } from '../../../../src/protocol/agent';
import { FRAME_NATIVE } from '../../../../src/protocol/agent';
import { PollBuilder, at, native } from './pollBuilder';

const asIs: PositionMapper = (file, line, column) => ({ file, line, column });

interface Given {
  readonly frames: readonly AgentFrame[];
  readonly site?: Partial<Omit<AgentSite, 'frames' | 'id'>>;
}

/** Places the last site; those before it are there to be named as causes, by their index. */
function place(...given: readonly Given[]): Placement {
  const builder = new PollBuilder();
  for (const { frames, site } of given) builder.site(frames, site);
  const { sites, frames } = builder.poll(0);
  const last = sites.at(-1);
  if (!last) throw new Error('no site given');
  return placeSite(
    last,
    (site) => site.frames.map((index) => placeFrame(frames[index] ?? native('?'), asIs)),
    (id) => sites[id],
  );
}

const lib = (line: number): AgentFrame => at('/app/node_modules/lib/index.js', line, 1, 'lib');
const node = (line: number): AgentFrame => at('node:fs', line, 1, 'readFile');
const app = (line: number, name: string | null = 'mine'): AgentFrame => at('/app/a.js', line, 1, name);

test('the core and the protocol mean the same by a native frame', () => {
  expect(NATIVE_FRAME).toBe(FRAME_NATIVE);
});

describe('whose code a script is', () => {
  test.each([
    ['node:fs', 'node'],
    ['node:internal/timers', 'node'],
    ['internal/bootstrap/node', 'node'],
    ['/app/internal/a.js', 'app'],
    ['/app/src/a.js', 'app'],
    ['file:///app/src/a.mjs', 'app'],
    ['/app/node_modules/x/a.js', 'dependency'],
    ['file:///app/node_modules/x/a.mjs', 'dependency'],
    ['C:\\app\\node_modules\\x\\a.js', 'dependency'],
    ['../node_modules/x/a.js', 'dependency'],
    ['node_modules/x/a.js', 'dependency'],
    ['/app/my_node_modules/a.js', 'app'],
    ['[eval]', 'app'],
  ] as const)('%s: %s', (script, origin) => {
    expect(originOfScript(script)).toBe(origin);
  });
});

describe('the line of a task', () => {
  test('is that of the innermost frame of the user', () => {
    expect(place({ frames: [native('Promise'), node(1), lib(2), app(3), app(4)] })).toMatchObject({ origin: 'app', file: '/app/a.js', line: 3, function: 'mine' });
  });

  test('is that of the call for a call of an async function, which names the task', () => {
    expect(place({ frames: [app(10, 'work'), app(20, 'main')], site: { asyncCall: true } })).toMatchObject({ line: 20, function: 'work' });
  });

  test('is the call even through a builtin', () => {
    expect(place({ frames: [app(10, 'each'), native('map'), app(20)], site: { asyncCall: true } })).toMatchObject({ line: 20, function: 'each' });
  });

  test("is the function's own when a library calls it", () => {
    expect(place({ frames: [app(10, 'handler'), lib(1), node(2)], site: { asyncCall: true } })).toMatchObject({ origin: 'app', line: 10, function: 'handler' });
  });

  test("is the user's call when a library's async function is called", () => {
    expect(place({ frames: [lib(1), app(20)], site: { asyncCall: true } })).toMatchObject({ origin: 'app', line: 20, function: 'lib' });
  });

  test('is that of the cause when there is no frame of the user, but the task stays what it is', () => {
    expect(place({ frames: [app(7)], site: { kind: 'handle' } }, { frames: [node(1)], site: { kind: 'request', label: 'write', cause: 0 } })).toMatchObject({ origin: 'app', line: 7, function: 'write' });
  });

  test('is found through several causes', () => {
    expect(place({ frames: [app(7)] }, { frames: [], site: { cause: 0 } }, { frames: [lib(2)], site: { cause: 1 } })).toMatchObject({ origin: 'app', line: 7 });
  });

  test("is the task's own before that of its cause", () => {
    expect(place({ frames: [app(7)] }, { frames: [app(8)], site: { cause: 0 } })).toMatchObject({ line: 8 });
  });

  test('is that of the innermost dependency, then of Node', () => {
    expect(place({ frames: [node(1), lib(2), lib(3)] })).toMatchObject({ origin: 'dependency', line: 2 });
    expect(place({ frames: [native('x'), node(4), node(5)] })).toMatchObject({ origin: 'node', file: 'node:fs', line: 4 });
  });

  test('is the call inside of a dependency, too', () => {
    expect(place({ frames: [lib(1), lib(2)], site: { asyncCall: true } })).toMatchObject({ origin: 'dependency', line: 2 });
    expect(place({ frames: [lib(1), node(2)], site: { asyncCall: true } })).toMatchObject({ origin: 'dependency', line: 1 });
  });

  test('is nowhere without a frame; the name of the resource remains', () => {
    expect(place({ frames: [], site: { kind: 'handle', type: 'TCPWRAP' } })).toEqual({ origin: 'node', file: null, line: 0, column: 0, function: 'TCPWRAP' });
  });

  test("is never the user's for plumbing", () => {
    const inner = { inner: true } as const;
    expect(place({ frames: [lib(1), app(2)], site: inner })).toMatchObject({ origin: 'dependency', line: 1 });
    expect(place({ frames: [node(1), app(2)], site: inner })).toMatchObject({ origin: 'node', file: 'node:fs' });
    expect(place({ frames: [native('all'), app(2)], site: inner })).toEqual({ origin: 'node', file: null, line: 0, column: 0, function: 'all' });
    expect(place({ frames: [app(2)] }, { frames: [native('all')], site: { inner: true, cause: 0 } })).toMatchObject({ origin: 'node' });
  });

  test('ends with causes that go in a circle or are unknown', () => {
    expect(place({ frames: [], site: { cause: 1 } }, { frames: [], site: { cause: 0 } })).toMatchObject({ origin: 'node' });
    expect(place({ frames: [], site: { cause: 99 } })).toMatchObject({ origin: 'node' });
    const chain: Given[] = Array.from({ length: CAUSE_DEPTH_LIMIT + 2 }, (_, index) => ({ frames: [], site: { cause: index - 1 } }));
    chain[0] = { frames: [app(1)] };
    expect(place(...chain)).toMatchObject({ origin: 'node' });
  });
});

describe('a site from before the attach', () => {
  const before = { callbacks: [0], estimated: false };

  test.each<[string, Given, Partial<Placement>]>([
    ['stands at its function', { frames: [app(3)], site: { before, kind: 'timeout', type: 'Timeout' } }, { origin: 'app', line: 3 }],
    ['is a dependency where that is one', { frames: [lib(3)], site: { before, kind: 'handle', type: 'TCPWRAP' } }, { origin: 'dependency', line: 3 }],
    ['is the user\'s on no line where that is a builtin', { frames: [native('')], site: { before, kind: 'timeout', type: 'Timeout' } }, { origin: 'app', file: null, function: '(timer that settles a promise)' }],
    ['is the user\'s on no line where Node would call itself', { frames: [node(3)], site: { before, kind: 'handle', type: 'PROCESSWRAP' } }, { origin: 'app', file: null, function: '(child process)' }],
    ['is Node\'s where its timer calls Node', { frames: [node(3)], site: { before, kind: 'interval', type: 'Interval' } }, { origin: 'node', file: 'node:fs' }],
    ['is Node\'s where its socket calls undici', { frames: [at('node:internal/deps/undici/undici', 1)], site: { before, kind: 'handle', type: 'TCPWRAP' } }, { origin: 'node' }],
  ])('%s', (_what, given, placed) => {
    expect(place(given)).toMatchObject(placed);
  });
});

test('what a timer for all calls of a package starts does not stand at the line that started the timer', () => {
  const timer = { frames: [lib(3), app(7)], site: { kind: 'timeout', type: 'Timeout', inner: true } } as const;
  expect(place(timer)).toMatchObject({ origin: 'dependency', line: 3 });
  expect(place(timer, { frames: [lib(9)], site: { cause: 0 } })).toMatchObject({ origin: 'dependency', line: 9 });
});

describe('a frame', () => {
  test('that is mapped into node_modules is a dependency: bundles hold both', () => {
    const frame = placeFrame(at('/app/dist/bundle.js', 900), () => ({ file: '/app/node_modules/x/a.js', line: 3, column: 1 }));
    expect(frame).toMatchObject({ origin: 'dependency', file: '/app/node_modules/x/a.js', line: 3 });
  });

  test('of a dependency stays one, whatever it was compiled from', () => {
    expect(placeFrame(lib(1), () => ({ file: '/elsewhere/src/a.ts', line: 1, column: 1 }))).toMatchObject({ origin: 'dependency' });
  });

  test('of Node is not mapped', () => {
    expect(placeFrame(node(1), () => ({ file: '/x', line: 9, column: 9 }))).toMatchObject({ file: 'node:fs', line: 1 });
  });

  test('has a name that can be shown', () => {
    expect(placeFrame(at('/a.js', 1, 1, '\u001b[31mred\u202e'), asIs).function).toBe('�[31mred�');
    expect(placeFrame(at('/a.js', 1, 1, ''), asIs).function).toBeNull();
  });
});
