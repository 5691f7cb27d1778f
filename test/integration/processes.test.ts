/** Finding running Node processes, and opening the inspector of one that was started without. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { attach } from '../../src/cdp/attach.ts';
import { listNodeProcesses, processSystem } from '../../src/cdp/processes/nodeProcesses.ts';
import type { NodeProcess } from '../../src/protocol/lsp.ts';
import { NODES } from '../support/nodes.ts';
import { IDLE, startPlain, startTarget, stopTargets } from '../support/target.ts';
import { until } from '../support/until.ts';

const OPTIONS = { budgetPercent: 100 };
/** SIGUSR1 opens the inspector on any free port, so that tests do not meet on 9229. */
const ANY_PORT = '--inspect-port=0';
/** A user without rights, by convention. */
const NOBODY = 65_534;

afterEach(stopTargets);

async function listed(pid: number | undefined): Promise<NodeProcess | undefined> {
  return (await listNodeProcesses(processSystem())).find((each) => each.pid === pid);
}

describe.each(NODES)('Node $version', (node) => {
  test('a process without an inspector is listed, opens it on SIGUSR1, and is then listed as open', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'asyncscope-processes-'));
    await writeFile(join(directory, 'service.js'), `globalThis.kept = []; ${IDLE}`);
    const { child } = await startPlain(node, [ANY_PORT, 'service.js'], directory);
    const row = await listed(child.pid);
    expect(row).toMatchObject({ name: 'service.js', cwd: directory, access: { kind: 'signal' } });

    const attached = await attach(`pid:${child.pid}`, { ...OPTIONS, identity: row?.identity });
    expect(attached.info.pid).toBe(child.pid);
    expect((await attached.poll()).seq).toBe(1);
    expect(await listed(child.pid)).toMatchObject({ access: { kind: 'open', address: attached.info.url } });
    await attached.detach();

    // what is open already needs no signal
    const again = await attach(`pid:${child.pid}`, OPTIONS);
    expect(again.info.url).toBe(attached.info.url);
    await again.detach();
    await rm(directory, { recursive: true });
  });

  test('a busy process opens its inspector too', async () => {
    const { child } = await startPlain(node, [ANY_PORT, '-e', "console.log('idle'); setTimeout(() => { for (const end = Date.now() + 60_000; Date.now() < end;); }, 50)"]);
    const attached = await attach(`pid:${child.pid}`, OPTIONS);
    expect(attached.info.pid).toBe(child.pid);
    await attached.detach();
  });

  test('a program that handles SIGUSR1 itself gets no signal unasked', async () => {
    const code = `process.on('SIGUSR1', () => console.log('handled')); ${IDLE}`;
    const { child, stdout } = await startPlain(node, [ANY_PORT, '-e', code]);
    await expect(attach(`pid:${child.pid}`, OPTIONS)).rejects.toMatchObject({ reason: 'signal unsure' });
    expect(stdout()).not.toContain('handled');
    await expect(attach(`pid:${child.pid}`, { ...OPTIONS, allowSignal: true })).rejects.toMatchObject({ reason: 'timeout' });
    expect(stdout()).toContain('handled');
  });

  test('a program whose other files name SIGUSR1 gets no signal unasked', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'asyncscope-processes-'));
    await writeFile(join(directory, 'signals.js'), "process.on('SIGUSR1', () => {});");
    await writeFile(join(directory, 'service.js'), `require('./signals.js'); ${IDLE}`);
    const { child } = await startPlain(node, [ANY_PORT, 'service.js'], directory);
    await expect(attach(`pid:${child.pid}`, OPTIONS)).rejects.toMatchObject({
      reason: 'signal unsure',
      message: expect.stringContaining(join(directory, 'signals.js')) as string,
    });
    await rm(directory, { recursive: true });
  });

  test.each([
    ['has given itself a title', "process.title = 'shop';"],
    ['has been removed from here since', "require('fs').unlinkSync(__filename);"],
  ])('a program that %s gets no signal unasked, as its files cannot be looked at', async (_how, code) => {
    const directory = await mkdtemp(join(tmpdir(), 'asyncscope-processes-'));
    await writeFile(join(directory, 'service.js'), `${code} process.on('SIGUSR1', () => console.log('handled')); ${IDLE}`);
    const { child, stdout } = await startPlain(node, [ANY_PORT, 'service.js'], directory);
    await expect(attach(`pid:${child.pid}`, OPTIONS)).rejects.toMatchObject({ reason: 'signal unsure', message: expect.stringContaining('cannot be looked at from here') as string });
    expect(stdout()).not.toContain('handled');
    await rm(directory, { recursive: true });
  });

  test.each([
    ['behind an option with a value', ['--unhandled-rejections', 'strict', 'service.js']],
    ['without its extension', ['service']],
  ])('a script %s is found', async (_how, args) => {
    const directory = await mkdtemp(join(tmpdir(), 'asyncscope-processes-'));
    await writeFile(join(directory, 'service.js'), IDLE);
    const { child } = await startPlain(node, [ANY_PORT, ...args], directory);
    const attached = await attach(`pid:${child.pid}`, OPTIONS);
    expect(attached.info.pid).toBe(child.pid);
    await attached.detach();
    await rm(directory, { recursive: true });
  });

  test("the files of a program that a package's script runs are those where it was started", async () => {
    const directory = await mkdtemp(join(tmpdir(), 'asyncscope-processes-'));
    await mkdir(join(directory, 'node_modules', 'runner'), { recursive: true });
    await writeFile(join(directory, 'node_modules', 'runner', 'run.js'), 'require(require("path").resolve(process.argv[2]));');
    await writeFile(join(directory, 'service.js'), `process.on('SIGUSR1', () => console.log('handled')); ${IDLE}`);
    const { child } = await startPlain(node, [ANY_PORT, 'node_modules/runner/run.js', 'service.js'], directory);
    await expect(attach(`pid:${child.pid}`, OPTIONS)).rejects.toMatchObject({ reason: 'signal unsure', message: expect.stringContaining(join(directory, 'service.js')) as string });
    await rm(directory, { recursive: true });
  });

  test('an occupied inspector port is told with its holder before any signal', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { child, stderr } = await startPlain(node, [`--inspect-port=${port}`, '-e', IDLE]);
    await expect(attach(`pid:${child.pid}`, OPTIONS)).rejects.toMatchObject({
      reason: 'refused',
      message: expect.stringContaining(`port ${port}, which process ${process.pid} holds`) as string,
    });
    expect(stderr()).toBe('');
    server.close();
  });

  test('the permission model, which keeps the signal from working, is a reason to refuse', async () => {
    const flag = node.version >= 24 ? '--permission' : '--experimental-permission';
    const { child } = await startPlain(node, [flag, '-e', IDLE]);
    expect((await listed(child.pid))?.access).toEqual({ kind: 'refused', reason: expect.stringContaining(flag) as string });
    await expect(attach(`pid:${child.pid}`, { ...OPTIONS, allowSignal: true })).rejects.toMatchObject({ reason: 'refused' });
    expect(child.exitCode).toBeNull();
  });

  // Node 20 does not know the option
  if (node.version >= 22) {
    test('--disable-sigusr1 is a reason to refuse', async () => {
      const { child } = await startPlain(node, ['--disable-sigusr1', '-e', IDLE]);
      expect((await listed(child.pid))?.access).toEqual({ kind: 'refused', reason: expect.stringContaining('--disable-sigusr1') as string });
    });
  }

  test('an inspector on any port is found by the process that has it', async () => {
    const { child, url } = await startTarget(node, IDLE);
    expect(await listed(child.pid)).toMatchObject({ access: { kind: 'open', address: new URL(url).host } });
  });

  test('an inspector is told apart from the server that the program itself runs', async () => {
    let asked = 0;
    const code = `require('http').createServer((q, s) => { console.log('asked'); s.end('{}'); }).listen(0, () => console.log('idle'))`;
    const { child, stdout } = await startPlain(node, [ANY_PORT, '-e', code]);
    expect(await listed(child.pid)).toMatchObject({ access: { kind: 'signal' } });
    const attached = await attach(`pid:${child.pid}`, OPTIONS);
    asked = stdout().split('asked').length - 1;
    expect(asked).toBe(0);
    await attached.detach();
  });
});

describe('what cannot be attached to by its process id', () => {
  const [node] = NODES;
  if (node === undefined) throw new Error('no Node');

  test('a process that is not Node', async () => {
    const child = spawn('sleep', ['60']);
    await until(() => child.pid !== undefined);
    await expect(attach(`pid:${child.pid}`, OPTIONS)).rejects.toMatchObject({ reason: 'not node' });
    expect(await listed(child.pid)).toBeUndefined();
    child.kill();
  });

  test('a process that has ended', async () => {
    const { child, exited } = await startPlain(node, ['-e', IDLE]);
    child.kill('SIGKILL');
    await exited;
    await expect(attach(`pid:${child.pid}`, OPTIONS)).rejects.toMatchObject({ reason: 'refused', message: expect.stringContaining('no process') as string });
  });

  test('another process that has got the id since it was chosen', async () => {
    const { child, stderr } = await startPlain(node, [ANY_PORT, '-e', IDLE]);
    await expect(attach(`pid:${child.pid}`, { ...OPTIONS, identity: 'another' })).rejects.toMatchObject({ reason: 'refused' });
    expect(stderr()).toBe('');
  });

  test('a process of another user', async () => {
    // process 1 is root's; root is somebody else meanwhile
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      await expect(attach('pid:1', OPTIONS)).rejects.toMatchObject({ reason: 'refused', message: expect.stringContaining('another user') as string });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  test('a stopped process, which answers nothing: the attach ends, and can be cancelled', async () => {
    const { child } = await startPlain(node, [ANY_PORT, '-e', IDLE]);
    child.kill('SIGSTOP');
    const cancel = new AbortController();
    const attaching = attach(`pid:${child.pid}`, { ...OPTIONS, signal: cancel.signal });
    const refusal = expect(attaching).rejects.toMatchObject({ reason: 'cancelled' });
    // it has got the signal, and stands still all the same
    await until(async () => Number(`0x${/^ShdPnd:\s*(\w+)$/m.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? '0'}`) > 0);
    cancel.abort();
    await refusal;
  });
});
