/**
 * What watching costs: CPU per request of a service, attached against bare, as ratios of one run.
 *
 *   npm run bench -- overhead [--node 24] [--pairs 7]
 *
 * The target serves requests that it makes itself, so that one process holds all the work; its CPU time per request is
 * read over alternating windows, bare and attached. On a shared machine noise only ever slows a window down, so the lower
 * half of the windows counts. A second bare window in each round is the control: it shows what the noise alone does.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { attach } from '../../src/cdp/attach.ts';
import { connect } from '../../src/cdp/connection.ts';
import type { Connection } from '../../src/cdp/connection.ts';
import { NODES } from '../support/nodes.ts';

const WINDOW_MS = 1_500;
const POLL_MS = 1_000;

/** Each service answers `handle()`; the awaits stand for what middleware and database layers do. */
const SERVICES: Readonly<Record<string, string>> = {
  '20 awaits a request': `
    const layer = async (n) => (n === 0 ? 'body' : await layer(n - 1));
    globalThis.handle = async () => { await layer(19); };`,
  'http hello': `
    const http = require('http');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    const server = http.createServer((q, r) => r.end('hello')).listen(0, '127.0.0.1');
    globalThis.handle = () => new Promise((done) => {
      http.get({ agent, port: server.address().port, host: '127.0.0.1' }, (r) => r.resume().on('end', done));
    });`,
  'fastify with a JSON body': `
    const fastify = require('fastify')();
    fastify.post('/', async (request) => { await null; return { ok: true, items: request.body.items.length }; });
    const body = JSON.stringify({ items: Array.from({ length: 20 }, (_, id) => ({ id, name: 'item ' + id })) });
    globalThis.handle = () => fastify.inject({ method: 'POST', url: '/', payload: body, headers: { 'content-type': 'application/json' } });`,
};

const DRIVER = `
  globalThis.measure = async (ms) => {
    const end = performance.now() + ms;
    const before = process.cpuUsage();
    let count = 0;
    const lane = async () => { while (performance.now() < end) { await handle(); count++; } };
    await Promise.all(Array.from({ length: 8 }, lane));
    const used = process.cpuUsage(before);
    return (used.user + used.system) / count;
  };
  setInterval(() => {}, 1000);`;

const { values } = parseArgs({ options: { node: { type: 'string' }, pairs: { type: 'string', default: '7' } } });
const versions = NODES.filter(({ version }) => values.node === undefined || Number(values.node) === version);

console.log('CPU time per request against bare; 1.00 is free. Medians of the lower half of the windows.');
console.log('service                     node   us/request   control   attached');
for (const node of versions) {
  for (const [name, code] of Object.entries(SERVICES)) {
    const child = spawn(node.path, ['--inspect=127.0.0.1:0', '-e', code + DRIVER], { stdio: ['ignore', 'ignore', 'pipe'], cwd: process.cwd() });
    const url = await new Promise<string>((resolve) => {
      let text = '';
      child.stderr.on('data', (data: Buffer) => {
        text += data.toString();
        const found = /ws:\/\/\S+/.exec(text);
        if (found) resolve(found[0]);
      });
    });
    const driver = await connect(url);
    while (!(await isDefined(driver))) await sleep(20);
    for (let i = 0; i < 3; i++) await measure(driver);
    const bare: number[] = [];
    const control: number[] = [];
    const attached: number[] = [];
    for (let i = 0; i < Number(values.pairs); i++) {
      bare.push(await measure(driver));
      const target = await attach(url, { budgetPercent: 1 });
      await target.poll();
      const polling = setInterval(() => {
        target.poll().catch((error: unknown) => console.error(error));
      }, POLL_MS);
      // the first moments are exact and cost what the burst allows; what lasts is the budget
      await measure(driver);
      attached.push(await measure(driver));
      clearInterval(polling);
      await target.detach();
      control.push(await measure(driver));
    }
    const base = low(bare);
    console.log(
      `${name.padEnd(27)} ${String(node.version).padEnd(6)} ${base.toFixed(1).padStart(9)} ${(low(control) / base).toFixed(2).padStart(10)} ${(low(attached) / base).toFixed(2).padStart(10)}`,
    );
    await driver.close();
    child.kill('SIGKILL');
  }
}

async function isDefined(driver: Connection): Promise<boolean> {
  const answer = await driver.send('Runtime.evaluate', { expression: 'typeof measure', returnByValue: true });
  return (answer['result'] as { value: string }).value === 'function';
}

async function measure(driver: Connection): Promise<number> {
  const answer = await driver.send(
    'Runtime.evaluate',
    { expression: `measure(${WINDOW_MS})`, awaitPromise: true, returnByValue: true },
    0,
  );
  return (answer['result'] as { value: number }).value;
}

function low(windows: readonly number[]): number {
  const sorted = [...windows].sort((a, b) => a - b);
  const half = sorted.slice(0, Math.ceil(sorted.length / 2));
  return half[Math.floor(half.length / 2)] as number;
}
