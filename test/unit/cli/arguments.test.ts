import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HELP, UsageError, parseArguments } from '../../../src/cli/arguments';
import type { PsArguments } from '../../../src/cli/arguments';

function ps(...argv: string[]): PsArguments {
  const parsed = parseArguments(argv);
  if (parsed.command !== 'ps') throw new Error(parsed.command);
  return parsed.ps;
}

describe('ps', () => {
  test('takes a process by its id', () => {
    expect(ps('ps', '--pid', '1234').source).toMatchObject({ kind: 'attach', target: 'pid:1234' });
    expect(ps('ps', 'pid:1234', '--force-signal').source).toMatchObject({ target: 'pid:1234', allowSignal: true, allowRemote: false });
    expect(ps('ps', 'far.example:9229', '--allow-remote').source).toMatchObject({ allowRemote: true });
  });

  test('attaches, with sensible defaults', () => {
    expect(ps('ps', '9229')).toEqual({
      source: { kind: 'attach', target: '9229', allowRemote: false, allowSignal: false },
      json: false,
      watch: false,
      follow: false,
      durationS: undefined,
      intervalS: 1,
      all: false,
      sort: 'count',
      filter: [],
      origins: { app: [], dependency: [] },
      pathMappings: {},
      config: true,
      color: true,
      beforePromises: false,
    });
  });

  test('starts what comes after the dashes, whatever it is', () => {
    expect(ps('ps', '--json', '--', 'node', '--enable-source-maps', 'a.js', '--json', '--', 'x').source).toEqual({
      kind: 'spawn',
      command: ['node', '--enable-source-maps', 'a.js', '--json', '--', 'x'],
    });
  });

  test('takes every option, in any order', () => {
    expect(ps('--watch', 'ps', '--interval=0.5', '--duration', '10', '--sort', 'age', '--all', '--no-color', '--before-promises', '--memory-limit', '16', 'host:1')).toMatchObject({
      watch: true,
      intervalS: 0.5,
      durationS: 10,
      sort: 'age',
      all: true,
      color: false,
      beforePromises: true,
      memoryLimitBytes: 16 * 2 ** 20,
      source: { target: 'host:1' },
    });
  });

  test('takes a filter, also one that begins with a minus', () => {
    expect(ps('ps', '9229', '--filter', '-kind:handle', '--no-config')).toMatchObject({ filter: [{ negated: true, type: 'kind', values: ['handle'] }], config: false });
  });

  test('takes globs that say whose code is whose, several of each', () => {
    const argv = ['ps', '9229', '--app', 'node_modules/@mine/**', '--dependency', '**/generated/**', '--app=packages'];
    expect(ps(...argv).origins).toEqual({ app: ['node_modules/@mine/**', 'packages'], dependency: ['**/generated/**'] });
  });

  test('takes directories of the process and where they are here', () => {
    const { pathMappings } = ps('ps', '9229', '--map', '/app=.', '--map=C:\\srv=/home/me/a=b');
    expect(pathMappings).toEqual({ '/app': process.cwd(), 'C:\\srv': '/home/me/a=b' });
  });

  test.each([
    [['ps'], 'Name a target'],
    [['ps', '--'], 'After "--"'],
    [['ps', '1', '2'], 'one too many'],
    [['ps', '1', '--', 'node'], 'not both'],
    [['ps', '1', '--frobnicate'], '--frobnicate'],
    [['ps', '1', '--duration'], '--duration'],
    [['ps', '1', '--duration', '-1'], '--duration'],
    [['ps', '1', '--duration', '1e3'], '--duration'],
    [['ps', '1', '--duration', '999999'], '--duration'],
    [['ps', '1', '--interval', '0'], '--interval'],
    [['ps', '1', '--memory-limit', '0'], '--memory-limit takes 1 to 256'],
    [['ps', '1', '--memory-limit', '257'], '--memory-limit takes 1 to 256'],
    [['ps', '1', '--memory-limit', ''], '--memory-limit takes 1 to 256'],
    [['ps', '1', '--sort', 'name'], 'count, age, growth'],
    [['ps', '1', '--filter', 'a kind:odd'], 'at "kind:odd": After "kind:" comes one of'],
    [['ps', '1', '--filter'], '--filter'],
    [['ps', '1', '--app', '{a'], '"{a" is no glob'],
    [['ps', '1', '--dependency', ''], '"" is no glob'],
    [['ps', '1', '--map', '/app'], '--map takes'],
    [['ps', '1', '--map', 'app=.'], '--map takes'],
    [['ps', '1', '--map', '/app='], '--map takes'],
    [['dump'], 'Name what to dump'],
    [['dump', '--', 'node', 'a.js'], 'runs already'],
    [['dump', '1', '--watch'], '--watch goes with "asyncscope ps"'],
    [['dump', '1', '--filter', 'x'], '--filter goes with "asyncscope ps"'],
    [['ps', '1', '--yes'], '--yes goes with "asyncscope dump"'],
    [['dump', '1', '--lookup-budget', '-1'], '--lookup-budget'],
    [['dump', 'a.heapsnapshot', '--keep-snapshot', 'x'], '--keep-snapshot goes with a process'],
    [['dump', 'a.heapsnapshot', '--no-lookups'], '--no-lookups goes with a process'],
    [['dump', './a', '--lookup-budget', '1'], '--lookup-budget goes with a process'],
    [['dump', '1', '--lookup-budget', '1', '--no-lookups'], 'not both'],
    [['top', '1'], '"top"'],
    [['--', 'node'], 'Name a command'],
  ])('%j is refused with one line', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(UsageError);
    expect(() => parseArguments(argv)).toThrow(message);
    expect(() => parseArguments(argv)).toThrow(/^[^\n]+$/);
  });
});

test.each([
  [[], 'help'],
  [['--help'], 'help'],
  [['ps', '-h'], 'help'],
  [['--version'], 'version'],
])('%j asks for %s', (argv, command) => {
  expect(parseArguments(argv).command).toBe(command);
});

describe('dump', () => {
  const parsed = (...argv: string[]) => {
    const result = parseArguments(['dump', ...argv]);
    if (result.command !== 'dump') throw new Error(result.command);
    return result.dump;
  };

  test('takes a process or a file', () => {
    expect(parsed('9229').source).toEqual({ kind: 'attach', target: '9229', allowRemote: false, allowSignal: false });
    expect(parsed('--pid', '12', '--force-signal').source).toEqual({ kind: 'attach', target: 'pid:12', allowRemote: false, allowSignal: true });
    expect(parsed('ws://127.0.0.1:9229/a/b').source).toMatchObject({ kind: 'attach' });
    expect(parsed('a.heapsnapshot').source).toEqual({ kind: 'file', file: join(process.cwd(), 'a.heapsnapshot') });
    expect(parsed('/tmp/snapshot').source).toEqual({ kind: 'file', file: '/tmp/snapshot' });
  });

  test('has options of its own', () => {
    expect(parsed('1')).toMatchObject({ json: false, all: false, yes: false, lookupBudgetMs: undefined, keepSnapshot: undefined, config: true, color: true });
    expect(parsed('1', '--yes', '--all', '--json', '--no-lookups', '--keep-snapshot', 'x')).toMatchObject({ json: true, all: true, yes: true, lookupBudgetMs: 0, keepSnapshot: join(process.cwd(), 'x') });
    expect(parsed('1', '--lookup-budget', '2.5')).toMatchObject({ lookupBudgetMs: 2500 });
  });
});

test('any arguments are understood or refused', () => {
  const word = fc.oneof(fc.constantFrom('ps', '--', '--json', '--watch', '--duration', '--sort', 'node', '9229'), fc.string({ maxLength: 8 }));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
      try {
        parseArguments(argv);
        return true;
      } catch (error) {
        return error instanceof UsageError && !error.message.includes('\n');
      }
    }),
  );
});

test('the help fits a terminal', () => {
  expect(Math.max(...HELP.split('\n').map((line) => line.length))).toBeLessThanOrEqual(90);
});
