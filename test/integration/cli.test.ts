/** The terminal front end as a process, on real Node processes. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { transform } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { version } from '../../package.json';
import type { PsPicture } from '../../src/cli/psFormat.ts';
import { bundleInto } from '../support/bundles.ts';
import { NODES } from '../support/nodes.ts';
import { until } from '../support/until.ts';

/** Twelve calls on line 3, three timers on line 4; then it says that it is ready and waits. */
const PROGRAM = `async function order() { await new Promise((resolve) => { kept.push(resolve); }); }
const kept = [];
for (let i = 0; i < 12; i++) kept.push(order());
for (let i = 0; i < 3; i++) setTimeout(function tick() {}, 600000);
console.log('the program speaks');
console.error('ready');
process.on('SIGTERM', () => { console.error('asked to end'); process.exit(7); });
`;
const CALLS_AT_LINE_3 = 'promise 3:40 order 12';
const TIMEOUTS_AT_LINE_4 = 'timeout 4:29 tick 3';

let directory: string;
let program: string;
const running = new Set<Run>();

interface Run {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** The same, but does not wait for those who have inherited its streams. */
  readonly exited: Promise<number | null>;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asyncscope-cli-'));
  program = join(directory, 'app.cjs');
  await writeFile(program, PROGRAM);
  await bundleInto(directory);
});

afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGKILL');
    await ended;
  }
  running.clear();
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory, env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal });
    });
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const run: Run = { child, stdout: () => stdout, stderr: () => stderr, ended, exited };
  running.add(run);
  return run;
}

function asyncscope(...args: string[]): Run {
  return start(process.execPath, [join(directory, 'cli.js'), ...args]);
}

/** Starts the program with an inspector; resolves with its port. */
async function inspected(node = process.execPath): Promise<{ readonly run: Run; readonly port: string }> {
  const run = start(node, ['--inspect=127.0.0.1:0', program]);
  await until(() => run.stderr().includes('ready'));
  const port = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(run.stderr())?.[1] ?? '';
  return { run, port };
}

function sitesOf(line: string): string[] {
  const { sites } = JSON.parse(line) as PsPicture;
  return sites
    .filter(({ origin }) => origin === 'app')
    .map(({ kind, line: row, column, function: name, count }) => `${kind} ${row}:${column} ${name ?? ''} ${count}`)
    .sort();
}

describe.each(NODES)('Node $version', ({ path: node }) => {
  test('a program that it starts is seen from its first line, and ended', async () => {
    const run = asyncscope('ps', '--json', '--duration', '1', '--', node, program);
    expect(await run.ended).toEqual({ code: 0, signal: null });
    const [line = '', ...rest] = run.stdout().trimEnd().split('\n');
    expect(rest).toEqual([]);
    expect(sitesOf(line)).toEqual(expect.arrayContaining([CALLS_AT_LINE_3, TIMEOUTS_AT_LINE_4]));
    const picture = JSON.parse(line) as PsPicture;
    expect(picture).toMatchObject({ formatVersion: 1, dropped: 0, overhead: { mode: 'exact' } });
    expect(picture.sites.every(({ exact, error }) => exact && error === 0)).toBe(true);
    // What the program writes is not mixed with the JSON, and Node's own words about its inspector are not shown.
    expect(run.stderr()).toContain('the program speaks');
    expect(run.stderr()).toContain('asked to end');
    expect(run.stderr()).not.toMatch(/Debugger|inspector/i);
  });

  test('a running process is watched and left as it was', async () => {
    const target = await inspected(node);
    const run = asyncscope('ps', target.port, '--duration', '0.3');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stdout()).toContain(`pid ${target.run.child.pid ?? '?'}`);
    expect(run.stderr()).toBe('');
    target.run.child.kill('SIGTERM');
    expect(await target.run.ended).toEqual({ code: 7, signal: null });
  });
});

test.each(NODES)('a program that answers before it waits for its observer runs all the same, on Node $version', async ({ path: node }) => {
  // as on a machine that lets the program rest between two steps: open for as long as the observer takes, and only then on
  const slow = join(directory, 'slow.cjs');
  await writeFile(slow, `const inspector = require('inspector');
const { open } = inspector;
inspector.open = (...where) => { open(...where); for (const end = Date.now() + 1500; Date.now() < end;); };
`);
  const run = start(process.execPath, [join(directory, 'cli.js'), 'ps', '--json', '--watch', '--interval', '0.2', '--', node, program], { NODE_OPTIONS: `--require ${slow}` });
  await until(() => run.stderr().includes('ready'));
  run.child.kill('SIGINT');
  expect(await run.ended).toEqual({ code: 0, signal: null });
});

test('the table shows what is alive on which line', async () => {
  const run = asyncscope('ps', '--duration', '0.5', '--', process.execPath, program);
  expect(await run.ended).toMatchObject({ code: 0 });
  expect(run.stdout()).toContain('the program speaks');
  expect(run.stdout()).toMatch(/^ +12 {2}promises .*order +app\.cjs:3:40$/m);
  expect(run.stdout()).toMatch(/^ +3 {2}timeouts .*tick +app\.cjs:4:29$/m);
  expect(run.stdout()).not.toContain('\u001b');
});

test('TypeScript is shown where it was written', async () => {
  const source = `interface Order { id: number }\n\nasync function load(order: Order): Promise<Order> {\n  await new Promise(() => {});\n  return order;\n}\n\nexport const first = load({ id: 1 });\nsetInterval(() => {}, 60000);\n`;
  const script = join(directory, 'orders.mjs');
  const { code } = await transform(source, { loader: 'ts', sourcemap: 'inline', sourcefile: 'src/orders.ts', minify: true });
  await writeFile(script, code);
  const run = asyncscope('ps', '--json', '--duration', '0.5', '--', process.execPath, script);
  expect(await run.ended).toMatchObject({ code: 0 });
  const { sites } = JSON.parse(run.stdout()) as PsPicture;
  const shown = sites.filter(({ origin }) => origin === 'app').map(({ file, line, kind }) => `${file ?? ''}:${line} ${kind}`);
  const file = join(directory, 'src', 'orders.ts');
  expect(shown).toEqual(expect.arrayContaining([`${file}:8 promise`, `${file}:9 interval`]));
});

describe('watching', () => {
  test('prints one object per line, until it is interrupted; then nothing of it is left', async () => {
    const target = await inspected();
    const run = asyncscope('ps', target.port, '--json', '--watch', '--interval', '0.2');
    await until(() => run.stdout().split('\n').length > 3);
    run.child.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    for (const line of run.stdout().trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ formatVersion: 1 });
    expect(run.stderr()).toBe('');
    // Another one can attach at once, and finds the target as fresh.
    const again = asyncscope('ps', target.port, '--json', '--duration', '0');
    expect(await again.ended).toMatchObject({ code: 0 });
    expect((JSON.parse(again.stdout()) as PsPicture).sites.filter(({ since }) => since === 'attach')).toEqual([]);
  });

  test('ends quietly when nobody reads', async () => {
    const target = await inspected();
    const run = asyncscope('ps', target.port, '--json', '--watch', '--interval', '0.1');
    await until(() => run.stdout() !== '');
    run.child.stdout.destroy();
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stderr()).toBe('');
  });

  test('ends the program that it started when nobody reads what that writes', async () => {
    const talking = join(directory, 'talking.cjs');
    await writeFile(talking, `console.error('pid ' + process.pid);
setInterval(() => {}, 1000);
process.on('SIGTERM', () => {
  let left = 10;
  setInterval(() => { console.error('ending'); if (--left === 0) process.exit(); }, 20);
});
`);
    const run = asyncscope('ps', '--watch', '--interval', '0.1', '--', process.execPath, talking);
    await until(() => run.stdout() !== '');
    const pid = Number(/pid (\d+)/.exec(run.stderr())?.[1]);
    run.child.stderr.destroy();
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  test('ends the program that it started when it is interrupted', async () => {
    const run = asyncscope('ps', '--watch', '--interval', '0.1', '--', process.execPath, program);
    await until(() => run.stdout().includes('order'));
    run.child.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stderr()).toContain('asked to end');
  });

  test('says when the process has gone', async () => {
    const target = await inspected();
    const run = asyncscope('ps', target.port, '--watch', '--interval', '0.1');
    await until(() => run.stdout() !== '');
    target.run.child.kill('SIGTERM');
    expect(await target.run.ended).toEqual({ code: 7, signal: null });
    expect(await run.ended).toEqual({ code: 3, signal: null });
    expect(run.stderr()).toBe('asyncscope: The process exited while it was being watched.\n');
  });
});

test('what the program has started itself does not keep the command from ending', async () => {
  const script = join(directory, 'parent.cjs');
  await writeFile(script, `const { pid } = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
console.error('left behind: ' + pid);
setInterval(() => {}, 1000);
`);
  const run = asyncscope('ps', '--json', '--duration', '0.3', '--', process.execPath, script);
  expect(await run.exited).toBe(0);
  process.kill(Number(/left behind: (\d+)/.exec(run.stderr())?.[1]));
});

test('a program that opens its inspector for itself is not started, and the message says what to do', async () => {
  const message = /^asyncscope: Asyncscope opens the inspector of what it starts\. Leave out --inspect, .*\n$/;
  for (const run of [asyncscope('ps', '--', process.execPath, '--inspect=0', program), start(process.execPath, [join(directory, 'cli.js'), 'ps', '--', process.execPath, program], { NODE_OPTIONS: '--inspect=0' })]) {
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr().replace(/^Debugger .*\n|^For help.*\n/gm, '')).toMatch(message);
  }
});

test("VS Code's debugger, which is in all that its terminal starts, leaves the inspector to the one who starts the program", async () => {
  const debuggerOfTerminal = join(directory, 'bootloader.cjs');
  await writeFile(debuggerOfTerminal, "if (process.env.VSCODE_INSPECTOR_OPTIONS !== undefined && process.argv[1] === " + JSON.stringify(program) + ") require('inspector').open(0, undefined, false);\n");
  const run = start(process.execPath, [join(directory, 'cli.js'), 'ps', '--json', '--duration', '0.5', '--', process.execPath, program], {
    NODE_OPTIONS: `--require ${debuggerOfTerminal}`,
    VSCODE_INSPECTOR_OPTIONS: '{}',
  });
  expect(await run.ended).toEqual({ code: 0, signal: null });
  expect(sitesOf(run.stdout())).toContain(CALLS_AT_LINE_3);
});

test('a program that closes its inspector is ended', async () => {
  const script = join(directory, 'closes.cjs');
  await writeFile(script, "setTimeout(() => require('inspector').close(), 500);\nsetInterval(() => {}, 1000);\n");
  const run = asyncscope('ps', '--json', '--duration', '60', '--', process.execPath, script);
  expect(await run.ended).toEqual({ code: 3, signal: null });
  expect(run.stderr()).toBe('asyncscope: The program has closed its inspector, or another tool has. It is ended.\n');
});

test('a port behind which nobody answers does not keep the command from ending', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const run = asyncscope('ps', `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/1`);
  expect(await run.ended).toEqual({ code: 1, signal: null });
  expect(run.stderr()).toMatch(/^asyncscope: 127\.0\.0\.1:\d+ did not answer within 5 s\. The process may be stopped, .*\n$/);
  silent.close();
});

test('a program that ends by itself is shown as it last was', async () => {
  const script = join(directory, 'short.cjs');
  await writeFile(script, 'setTimeout(function bye() { process.exitCode = 5; }, 800);\n');
  const run = asyncscope('ps', '--json', '--duration', '30', '--', process.execPath, script);
  expect(await run.ended).toEqual({ code: 3, signal: null });
  expect(sitesOf(run.stdout())).toEqual(['timeout 1:1 bye 1']);
  expect(run.stderr()).toMatch(/^asyncscope: The program ended by itself after .* \(exit code 5\): this is the last picture of it\.\n$/);
});

describe('errors are one line that says what to do', () => {
  test.each([
    [['ps', '1'], 1],
    [['ps', 'nonsense'], 1],
    [['ps', '--', 'no-such-node', 'app.js'], 1],
    [['ps', '--', 'node-that-is-missing'], 1],
    [['ps'], 2],
    [['ps', '9229', '--interval', 'often'], 2],
  ])('%j', async (args, code) => {
    const run = asyncscope(...args);
    expect(await run.ended).toEqual({ code, signal: null });
    expect(run.stdout()).toBe('');
    expect(run.stderr()).toMatch(/^asyncscope: [^\n]+\n$/);
    expect(run.stderr()).not.toMatch(/\bat .*\.js:\d+/);
  });
});

test('it knows its version, and helps', async () => {
  const [versioned, help] = [asyncscope('--version'), asyncscope('--help')];
  expect(await versioned.ended).toMatchObject({ code: 0 });
  expect(versioned.stdout()).toBe(`${version}\n`);
  expect(await help.ended).toMatchObject({ code: 0 });
  expect(help.stdout()).toMatch(/^Usage: asyncscope ps/);
});

describe('running processes', () => {
  const [node] = NODES;
  if (node === undefined) throw new Error('no Node');

  test('are listed, and attached to by their ids', async () => {
    // apart from our own bundles, which name SIGUSR1
    await mkdir(join(directory, 'service'));
    await copyFile(program, join(directory, 'service', 'main.cjs'));
    const target = start(node.path, ['--inspect-port=0', join(directory, 'service', 'main.cjs')]);
    await until(() => target.stderr().includes('ready'));
    const list = asyncscope('list', '--json');
    expect(await list.ended).toEqual({ code: 0, signal: null });
    const rows = list.stdout().trim().split('\n').map((line) => JSON.parse(line) as { pid: number });
    expect(rows.find(({ pid }) => pid === target.child.pid)).toEqual({ pid: target.child.pid, name: 'service/main.cjs', cwd: directory, access: { kind: 'signal' } });
    const table = asyncscope('list');
    await table.ended;
    expect(table.stdout()).toMatch(new RegExp(`^ *${target.child.pid}  service/main\\.cjs +.* opens its inspector \\(SIGUSR1\\)$`, 'm'));

    const run = asyncscope('ps', '--pid', String(target.child.pid), '--json', '--duration', '0.3');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect((JSON.parse(run.stdout()) as PsPicture).target.pid).toBe(target.child.pid);
  });

  test('that another machine would answer for are refused in one line that says how to go on', async () => {
    const run = asyncscope('ps', '192.0.2.1:9229');
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr()).toMatch(/^asyncscope: 192\.0\.2\.1:9229 is not on this machine\. .*--allow-remote\.\n$/);
  });

  test('whose files name the signal are refused in one line that says how to go on, however long their names', async () => {
    const folder = join(directory, 'x'.repeat(200));
    await mkdir(folder);
    await writeFile(join(folder, 'main.cjs'), "process.on('SIGUSR1', () => console.log('handled')); console.error('ready'); setInterval(() => {}, 1000);");
    const target = start(node.path, [join(folder, 'main.cjs')]);
    await until(() => target.stderr().includes('ready'));
    const run = asyncscope('ps', '--pid', String(target.child.pid));
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr()).toMatch(/ names SIGUSR1 in .*--force-signal\.\n$/);
    expect(target.stdout()).toBe('');
  });

  test('that come back are followed when asked to', async () => {
    const first = await inspected(node.path);
    const run = asyncscope('ps', first.port, '--watch', '--follow', '--json', '--interval', '0.2');
    await until(() => run.stdout().includes(`"pid":${first.run.child.pid ?? 0}`));
    first.run.child.kill('SIGKILL');
    await until(() => run.stderr().includes(`Waiting for it to come back at 127.0.0.1:${first.port}.`));
    const second = start(node.path, [`--inspect=127.0.0.1:${first.port}`, program]);
    await until(() => run.stdout().includes(`"pid":${second.child.pid ?? 0}`));
    run.child.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 0, signal: null });
  });

  test('that wait before their first line are waited for', async () => {
    const target = start(node.path, ['--inspect-brk=127.0.0.1:0', program]);
    await until(() => /ws:\/\/\S+/.test(target.stderr()));
    const run = asyncscope('ps', /127\.0\.0\.1:\d+/.exec(target.stderr())?.[0] ?? '');
    await until(() => run.stderr().includes('The process waits for a debugger before its first line'));
    run.child.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 130, signal: null });
    expect(target.stdout()).toBe('');
  });
});
