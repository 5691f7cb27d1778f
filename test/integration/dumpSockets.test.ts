/** Sockets that functions wait for, and those that are open, have their addresses, also where the heap does not hold them: connected to an IP address of a real server. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../src/cdp/connection.ts';
import { startProgram, takeDump } from '../support/dumpTruthRun.ts';
import type { RunningProgram } from '../support/dumpTruthRun.ts';
import { NODES } from '../support/nodes.ts';

const PROGRAM = `
import { once } from 'node:events';
import { connect } from 'node:net';
const [first, second] = process.execArgv.join(' ').match(/servers=(\\d+),(\\d+)/).slice(1).map(Number);
async function open(host, port) {
  const socket = connect(port, host);
  await once(socket, 'connect');
  return socket;
}
async function query(socket) { await once(socket, 'data'); }
async function all(socket) { await once(socket, 'data'); }
async function client(waits) { await waits; }
class Client {
  pending = new Map();
  constructor(socket) { this.socket = socket; socket.on('data', () => this.pending.clear()); }
  ask() { return new Promise((resolve) => this.pending.set(this.pending.size, resolve)); }
}
query(await open('127.0.0.1', first));
query(await open('127.0.0.1', first));
all(await open('127.0.0.1', first));
all(await open('127.0.0.1', second));
client(new Client(await open('::1', first)).ask());
(await open('127.0.0.1', first)).on('data', function busy() {});
(await open('127.0.0.1', first)).on('data', function idle() {}).unref();
console.error('ready');
`;

let directory: string;
const servers: Server[] = [];
const accepted = new Set<Socket>();
const running: RunningProgram[] = [];

async function listen(): Promise<number> {
  const server = createServer((socket) => {
    accepted.add(socket);
    socket.on('error', () => undefined);
  });
  servers.push(server);
  // both families
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-sockets-')));
});
afterAll(async () => {
  await Promise.all(running.map((program) => program.stop()));
  for (const socket of accepted) socket.destroy();
  for (const server of servers) server.close();
  await rm(directory, { recursive: true, force: true });
});

describe.concurrent('a socket that is open', () => {
  test.each(NODES)('has its address on Node $version, and nothing is left on it', async (node) => {
    const [first, second] = [await listen(), await listen()];
    const file = join(directory, `sockets${node.version}.mjs`);
    await writeFile(file, PROGRAM);
    const target = await startProgram(node, { name: 'sockets.mjs', file, flags: [`--title=servers=${first},${second}`], stripped: false });
    running.push(target);
    for (let round = 0; round < 2; round++) {
      const dumped = await takeDump(target.url);
      await dumped.close();
      const waits = Object.fromEntries(dumped.dump.groups.map(({ chain, waitsFor }) => [chain[0]?.function ?? '', waitsFor]));
      expect(waits['query']).toMatchObject({ kind: 'socket', text: `socket 127.0.0.1:${first}: reading`, details: { address: `127.0.0.1:${first}` } });
      expect(waits['all']?.text).toBe(`socket ${[first, second].map((port) => `127.0.0.1:${port}`).sort().join(' or ')}: reading`);
      expect(waits['client']).toMatchObject({ kind: 'socket', details: { address: `[::1]:${first}` } });
      expect(waits['client']?.text).toBe(`socket [::1]:${first}`);
      const handles = dumped.dump.resources.handles.filter(({ type }) => type === 'TCP').map(({ count, text }) => `${String(count)} ${text}`);
      // Node does not list the last one, which keeps no process alive
      expect(handles.sort()).toEqual([`1 socket 127.0.0.1:${first}`, `1 socket [::1]:${first}`, '1 socket', `4 ${(waits['all']?.text ?? '').replace(': reading', '')}`].sort());
    }
    // Node keeps what remoteAddress has found on the socket
    const connection = await connect(target.url);
    const expression = "process._getActiveHandles().filter((handle) => Object.hasOwn(handle, '_peername')).length";
    expect(await connection.send('Runtime.evaluate', { expression, returnByValue: true })).toMatchObject({ result: { value: 0 } });
    await connection.close();
  });
});
