/** Programs and inspectors that do what no one expects. */
import { createHash } from 'node:crypto';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { attach } from '../../src/cdp/attach.ts';
import { connect } from '../../src/cdp/connection.ts';
import { evaluate } from '../support/evaluate.ts';
import { NODES } from '../support/nodes.ts';
import { startTarget, stopTargets } from '../support/target.ts';

const OPTIONS = { budgetPercent: 100 };

afterEach(stopTargets);

describe.each(NODES)('Node $version', (node) => {
  test('patched builtins that make promises themselves do not make the hooks run for ever', async () => {
    const target = await startTarget(
      node,
      `setInterval(() => {}, 1000);
for (const [holder, name] of [[Array.prototype, 'push'], [Map.prototype, 'get'], [Map.prototype, 'set']]) {
  const original = holder[name];
  holder[name] = function (...values) { new Promise(() => {}); return Reflect.apply(original, this, values); };
}
globalThis.kept = [];
globalThis.make = () => { for (let i = 0; i < 100; i++) kept[i] = new Promise(() => {}); return kept.length; };
console.log('idle')`,
    );
    const attached = await attach(target.url, OPTIONS);
    await attached.poll();
    expect(await evaluate(target.url, 'make()')).toBe(100);
    const poll = await attached.poll();
    const counts = poll.changes.map(([, live]) => live);
    expect(counts).toContain(100);
    expect(poll.dropped).toBe(0);
    await attached.detach();
  });

  test('a program that has deleted process gives its source maps all the same', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'asyncscope-maps-'));
    try {
      const file = join(await realpath(directory), 'built.cjs');
      const map = { version: 3, sources: ['source.ts'], names: [], mappings: 'AAAA' };
      await writeFile(file, `module.exports = 1;\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}\n`);
      const program = `require(${JSON.stringify(file)}); setInterval(() => {}, 1000); console.log('idle'); delete globalThis.process;`;
      const target = await startTarget(node, program, ['--enable-source-maps']);
      const attached = await attach(target.url, OPTIONS);
      const [kept] = await attached.sourceMaps([file]);
      expect(JSON.parse(kept ?? 'null')).toMatchObject({ mappings: 'AAAA' });
      await attached.detach();
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('a snapshot after a cancelled one, and two at once, are each whole', async () => {
    const target = await startTarget(node, "setInterval(() => {}, 1000); console.log('idle')");
    const attached = await attach(target.url, OPTIONS);
    const cancel = new AbortController();
    const cancelled = attached.takeHeapSnapshot({ write: () => cancel.abort(), signal: cancel.signal });
    await expect(cancelled).rejects.toMatchObject({ reason: 'cancelled' });
    const take = async (): Promise<unknown> => {
      let text = '';
      await attached.takeHeapSnapshot({ write: (chunk) => void (text += chunk) });
      return JSON.parse(text) as unknown;
    };
    for (const snapshot of await Promise.all([take(), take()])) expect(snapshot).toHaveProperty('snapshot.meta');
    await attached.detach();
  });
});

test.each([
  ['an event named error', { method: 'error' }],
  ['an event named disconnect', { method: 'disconnect' }],
  ['an event without parameters', { method: 'Runtime.bindingCalled' }],
  ['a response to a name of Object.prototype', { id: '__defineGetter__', result: {} }],
])('%s from an inspector breaks nothing but its own connection', async (_what, message) => {
  const frame = Buffer.from(JSON.stringify(message));
  const http = createServer();
  http.on('upgrade', (request, socket) => {
    // RFC 6455: the handshake, one unmasked text frame of less than 126 bytes, and the end
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.concat([Buffer.from([0x81, frame.length]), frame])));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  try {
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/path`;
    const connection = await connect(url);
    connection.on('Runtime.bindingCalled', ({ name }) => name);
    await expect(connection.send('Runtime.evaluate', { expression: '1' })).rejects.toMatchObject({ name: 'TargetError', reason: 'closed' });
  } finally {
    http.close();
  }
});

test.each(['ws://127.0.0.1:99999/secret', 'ws://exa mple/secret', 'http://127.0.0.1:0/secret'])('%s: no message holds its path', async (target) => {
  await expect(attach(target, OPTIONS)).rejects.toThrow(/names no target/);
  await expect(attach(target, OPTIONS)).rejects.not.toThrow(/secret/);
});
