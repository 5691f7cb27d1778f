import { beforeEach, describe, expect, test } from 'vitest';
import { parseArguments } from '../../../src/cli/arguments';
import { EXIT_ENDED, EXIT_FAILED, EXIT_OK, EXIT_SIGINT, EXIT_SIGTERM, ps } from '../../../src/cli/ps';
import type { PsEnvironment, StartedProgram, StopReason } from '../../../src/cli/ps';
import type { PsPicture } from '../../../src/cli/psFormat';
import { TargetError } from '../../../src/cdp/target';
import { at } from '../core/model/pollBuilder';
import { FakeTarget, UNMAPPED, settle } from '../server/fakeTarget';

let target: FakeTarget;
let printed: string[];
let complaints: string[];
let now: number;
let stop: AbortController;
let environment: PsEnvironment;
let sleeping: { readonly ms: number; readonly wake: () => void }[];
let killed: string[];
let started: { command: readonly string[]; stdout: string } | undefined;
let projectFiles: Map<string, string>;
let exit: (end: { code: number | null; signal: NodeJS.Signals | null }) => void;

beforeEach(() => {
  target = new FakeTarget();
  printed = [];
  complaints = [];
  killed = [];
  sleeping = [];
  started = undefined;
  now = 0;
  projectFiles = new Map();
  stop = new AbortController();
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    exit = resolve;
  });
  environment = {
    attach: () => Promise.resolve(target),
    start: (command, stdout) => {
      started = { command, stdout };
      const program: StartedProgram = { target, exited, kill: (signal) => killed.push(signal) };
      return Promise.resolve(program);
    },
    print: (text) => printed.push(text),
    complain: (line) => complaints.push(line),
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        sleeping.push({ ms, wake: resolve });
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => {
          resolve();
        });
      }),
    terminal: { isTerminal: false, columns: Infinity, rows: Infinity, color: false },
    cwd: '/app',
    readProjectFile: (directory) => Promise.resolve(projectFiles.get(directory)),
    positions: () => UNMAPPED,
  };
});

function run(...argv: string[]): Promise<number> {
  const args = parseArguments(['ps', ...argv]);
  if (args.command !== 'ps') throw new Error(args.command);
  return ps(args.ps, environment, stop.signal);
}

async function answer(): Promise<void> {
  await settle();
  target.answer(target.agent.poll(now));
  await settle();
}

/** Lets the sleep pass that is going on. */
function pass(): void {
  const [sleep] = sleeping.splice(0);
  if (!sleep) throw new Error('nobody sleeps');
  now += sleep.ms;
  sleep.wake();
}

function interrupt(reason: StopReason): void {
  stop.abort(reason);
}

function pictures(): PsPicture[] {
  return printed.map((line) => {
    expect(line.indexOf('\n')).toBe(line.length - 1);
    return JSON.parse(line) as PsPicture;
  });
}

describe('an attach', () => {
  test('looks for a while, then prints once and lets go', async () => {
    const result = run('9229', '--json', '--duration', '0.5');
    await answer();
    pass();
    target.agent.alive([at('/app/a.js', 3)], 5);
    await answer();
    expect(printed).toEqual([]);
    pass();
    await answer();
    expect(await result).toBe(EXIT_OK);
    expect(pictures()).toMatchObject([{ formatVersion: 1, target: { pid: 7 }, sites: [{ count: 5, file: '/app/a.js', line: 3 }] }]);
    expect(target.detached).toBe(1);
    expect(complaints).toEqual([]);
  });

  test('prints after the first look when it has no time', async () => {
    const result = run('9229', '--json', '--duration', '0');
    await answer();
    expect(await result).toBe(EXIT_OK);
    expect(printed).toHaveLength(1);
  });

  test('watches until it is interrupted, and that is all right', async () => {
    const result = run('9229', '--json', '--watch', '--interval', '2');
    await answer();
    for (let i = 0; i < 3; i++) {
      pass();
      await answer();
    }
    expect(printed).toHaveLength(3);
    interrupt('SIGINT');
    expect(await result).toBe(EXIT_OK);
    expect(printed).toHaveLength(3);
    expect(target.detached).toBe(1);
  });

  test('redraws a terminal in place', async () => {
    environment = { ...environment, terminal: { isTerminal: true, columns: 80, rows: 24, color: true } };
    const result = run('9229', '--watch', '--duration', '1');
    await answer();
    pass();
    await answer();
    expect(await result).toBe(EXIT_OK);
    expect(printed[0]).toMatch(/^\u001b\[H[^]*\u001b\[J$/);
  });

  test.each([['SIGINT', EXIT_SIGINT], ['SIGTERM', EXIT_SIGTERM]] as const)('that is ended by %s shows what it has', async (signal, code) => {
    const result = run('9229', '--json');
    await answer();
    interrupt(signal);
    expect(await result).toBe(code);
    expect(printed).toHaveLength(1);
    expect(target.detached).toBe(1);
  });

  test('that is interrupted while the target is silent does not wait for it', async () => {
    const result = run('9229', '--json');
    await settle();
    interrupt('SIGINT');
    expect(await result).toBe(EXIT_SIGINT);
    expect(printed).toEqual([]);
    expect(target.detached).toBe(1);
  });

  test('that nobody reads ends quietly', async () => {
    const result = run('9229', '--watch');
    await answer();
    interrupt('nobody reads');
    expect(await result).toBe(EXIT_OK);
    expect(complaints).toEqual([]);
    expect(target.detached).toBe(1);
  });

  test('that fails says why in one line', async () => {
    environment = { ...environment, attach: () => Promise.reject(new TargetError('refused', 'Nothing listens\non \u001b[1m9229.')) };
    expect(await run('9229')).toBe(EXIT_FAILED);
    expect(complaints).toEqual(['Nothing listens on �[1m9229.']);
    expect(printed).toEqual([]);
  });

  test('to a target that exits shows the last picture, and says so', async () => {
    const result = run('9229', '--json');
    await answer();
    target.close('target exited');
    expect(await result).toBe(EXIT_ENDED);
    expect(printed).toHaveLength(1);
    expect(complaints).toEqual(['The process exited while it was being watched.']);
  });

  test('to a target that never answers says so', async () => {
    const result = run('9229', '--duration', '0.2');
    await settle();
    target.timeOut();
    await settle();
    pass();
    await settle();
    target.timeOut();
    expect(await result).toBe(EXIT_FAILED);
    expect(complaints).toHaveLength(2);
    expect(printed).toEqual([]);
  });

  test('to a target that talks nonsense fails', async () => {
    const result = run('9229');
    await settle();
    target.fail(new TargetError('agent failed', 'Malformed.'));
    expect(await result).toBe(EXIT_FAILED);
    expect(complaints).toEqual(['Malformed.']);
    expect(target.detached).toBe(1);
  });
});

describe('a program', () => {
  test('is ended when it was looked at', async () => {
    const result = run('--duration', '0', '--', 'node', 'app.js');
    await answer();
    await settle();
    expect(killed).toEqual(['SIGTERM']);
    expect(target.detached).toBe(1);
    exit({ code: null, signal: 'SIGTERM' });
    expect(await result).toBe(EXIT_OK);
    expect(started).toEqual({ command: ['node', 'app.js'], stdout: 'inherit' });
    expect(killed).toEqual(['SIGTERM']);
  });

  test('is killed when it does not end', async () => {
    const result = run('--duration', '0', '--', 'node', 'app.js');
    await answer();
    await settle();
    pass();
    await settle();
    expect(killed).toEqual(['SIGTERM', 'SIGKILL']);
    exit({ code: null, signal: 'SIGKILL' });
    expect(await result).toBe(EXIT_OK);
  });

  test('does not write into the JSON', async () => {
    const result = run('--json', '--duration', '0', '--', 'node', 'app.js');
    await answer();
    exit({ code: 0, signal: null });
    await result;
    expect(started?.stdout).toBe('stderr');
  });

  test('that ends by itself is shown as it last was', async () => {
    const result = run('--json', '--', 'node', 'app.js');
    await answer();
    now = 400;
    target.close('target exited');
    exit({ code: 3, signal: null });
    expect(await result).toBe(EXIT_ENDED);
    expect(printed).toHaveLength(1);
    expect(complaints).toEqual(['The program ended by itself after 400 ms (exit code 3): this is the last picture of it.']);
  });
});

describe('what is listed', () => {
  async function once(...options: string[]): Promise<string> {
    const result = run('9229', '--duration', '0', ...options);
    target.agent.alive([at('/app/a.js', 3, 1, 'load')], 5);
    target.agent.alive([at('/app/b.js', 9, 1, 'wait')], 2, { kind: 'timeout' });
    target.agent.alive([at('/app/node_modules/pg/c.js', 1, 1, 'pool')], 7, { kind: 'handle' });
    await answer();
    expect(await result).toBe(EXIT_OK);
    return printed.join('');
  }

  test('is what the filter asks for', async () => {
    // of the user's own: the handle of a package is not listed anyway
    const text = await once('--filter', 'kind:promise');
    expect(text).toContain('a.js:3');
    expect(text).not.toContain('b.js:9');
    expect(text).toContain('Filter: kind:promise. 1 of 2 sites.');
  });

  test('are internals when the filter asks for them', async () => {
    expect(await once('--filter', 'package:pg')).toContain('pg/c.js:1');
  });

  test('is filtered in JSON as well, where hidden sites are marked', async () => {
    projectFiles.set('/app', '{"hide": [{"file": "a.js", "reason": "known"}]}');
    await once('--json', '--filter', '-origin:dependency');
    expect(pictures()).toMatchObject([{ filter: '-origin:dependency', sites: [{ file: '/app/a.js', hidden: 'known' }, { file: '/app/b.js', hidden: null }] }]);
  });

  test('is not what .asyncscope.json hides, which is counted', async () => {
    projectFiles.set('/app', '{"hide": [{"file": "a.js", "function": "load", "kind": "promise", "line": 4, "reason": "known"}]}');
    const text = await once();
    expect(text).not.toContain('a.js:3');
    expect(text).toContain('7 tasks (5 promises, 2 timeouts)');
    expect(text).toContain('Hidden by .asyncscope.json: 1 site with 5 tasks. Use --no-config to see them.');
  });

  test('is everything with --no-config', async () => {
    projectFiles.set('/app', '{"hide": [{"file": "a.js", "reason": "known"}]}');
    expect(await once('--no-config')).toContain('a.js:3');
  });

  test('is told of when .asyncscope.json is damaged', async () => {
    projectFiles.set('/app', '{"hide": [');
    expect(await once()).toContain('a.js:3');
    expect(complaints).toEqual(['.asyncscope.json, line 1, column 11: This is not JSON: close bracket expected.']);
  });

  test('is hidden by the file of the target where this directory has none', async () => {
    projectFiles.set(target.info.cwd, '{"hide": [{"file": "/app/a.js", "reason": "known"}]}');
    environment = { ...environment, cwd: '/elsewhere' };
    expect(await once()).not.toContain('a.js:3');
  });
});
