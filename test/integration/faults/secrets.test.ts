/** Addresses of inspectors are secrets: whoever knows one can run code in the process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter, Trace } from 'vscode-languageserver-protocol/node';
import { bundleInto } from '../../support/bundles.ts';
import { NODES } from '../../support/nodes.ts';
import type { TestNode } from '../../support/nodes.ts';
import { IDLE, adopt, startTarget, stopTargets } from '../../support/target.ts';
import { until } from '../../support/until.ts';

const node = NODES[2] as TestNode;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asyncscope-secrets-'));
  await bundleInto(directory);
});
afterEach(stopTargets);
afterAll(() => rm(directory, { recursive: true, force: true }));

test('a whole session of the server, with everything traced, names no path of an inspector', async () => {
  const target = await startTarget(node, IDLE);
  const secret = new URL(target.url).pathname.slice(1);
  expect(secret).toMatch(/^[0-9a-f-]{36}$/);
  const server = spawn(process.execPath, [join(directory, 'server.js'), '--node-ipc'], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const ended = adopt(server);
  const output: string[] = [];
  server.stdout?.on('data', (data: Buffer) => output.push(data.toString()));
  server.stderr?.on('data', (data: Buffer) => output.push(data.toString()));
  const connection = createMessageConnection(new IPCMessageReader(server), new IPCMessageWriter(server));
  connection.onNotification((method: string, params: unknown) => void output.push(`${method} ${JSON.stringify(params)}`));
  connection.onRequest((method: string, params: unknown) => {
    output.push(`${method} ${JSON.stringify(params)}`);
    return null;
  });
  connection.listen();
  await connection.trace(Trace.Verbose, { log: (...parts: unknown[]) => void output.push(parts.filter((part) => !String(part).includes('"target"')).join(' ')) });
  await connection.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {}, trace: 'verbose', initializationOptions: { pollIntervalMs: 100 } });
  await connection.sendNotification('initialized', {});
  const attached: { sessionId: string } = await connection.sendRequest('asyncscope/attach', { target: target.url });
  await until(() => output.filter((line) => line.startsWith('asyncscope/update')).length > 3);
  // and the errors
  for (const wrong of [target.url.replace(/:\d+\//, ':1/'), `${target.url}x`]) {
    const error = await connection.sendRequest('asyncscope/attach', { target: wrong }).then(
      () => undefined,
      (caught: unknown) => caught as Error,
    );
    expect(error?.message).toBeTruthy();
    output.push(error?.message ?? '', error?.stack ?? '', JSON.stringify(error));
  }
  await connection.sendRequest('asyncscope/detach', attached);
  await connection.sendRequest('shutdown');
  await connection.sendNotification('exit');
  await ended;
  connection.dispose();
  expect(output.join('\n')).toContain('127.0.0.1');
  expect(output.join('\n')).not.toContain(secret);
});

test('the terminal names no path of an inspector, neither in its picture nor in its errors', async () => {
  const target = await startTarget(node, IDLE);
  const secret = new URL(target.url).pathname.slice(1);
  for (const address of [target.url, `${target.url}x`, target.url.replace(/:\d+\//, ':1/'), target.url.replace('ws:', 'wss:')]) {
    for (const json of [[], ['--json']]) {
      const run = spawn(process.execPath, [join(directory, 'cli.js'), 'ps', address, '--duration', '0.1', ...json], { stdio: ['ignore', 'pipe', 'pipe'] });
      const ended = adopt(run);
      let output = '';
      run.stdout.on('data', (data: Buffer) => (output += data.toString()));
      run.stderr.on('data', (data: Buffer) => (output += data.toString()));
      await ended;
      expect(output).not.toBe('');
      expect(output).not.toContain(secret);
    }
  }
});
