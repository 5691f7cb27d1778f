/** Addresses and targets that are not what they should be: each a message that says what to do. */
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { attach } from '../../../src/cdp/attach.ts';
import { attachThroughProxy } from '../../../src/cdp/debuggerProxy.ts';
import type { TargetErrorReason } from '../../../src/cdp/target.ts';
import { SessionModel } from '../../../src/core/model/sessionModel.ts';
import { until } from '../../support/until.ts';
import { closeWires, fakeInspector, listen } from '../../support/wire.ts';

const OPTIONS = { budgetPercent: 100 };

afterAll(closeWires);

async function refused(target: string, reason: TargetErrorReason, message: RegExp): Promise<void> {
  const error = await attach(target, OPTIONS).then(
    () => undefined,
    (caught: unknown) => caught as Error,
  );
  expect(error).toMatchObject({ name: 'TargetError', reason });
  expect(error?.message).toMatch(message);
  expect(error?.message).not.toMatch(/secret|\n/);
  expect(error?.message.length).toBeLessThan(300);
}

describe.concurrent('what listens there is no inspector', () => {
  test('nothing listens', () => refused('127.0.0.1:1', 'refused', /Nothing listens on 127\.0\.0\.1:1\. Start the program with "node --inspect"/));

  test('a web server', async () => {
    const port = await listen(createServer((_request, response) => response.end('<html>')));
    await refused(`${port}`, 'not an inspector', /does not speak the inspector protocol\. Use the address that Node printed/);
  });

  test('a server that greets first, as SSH does', async () => {
    const port = await listen(createTcpServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')));
    await refused(`${port}`, 'not an inspector', /does not speak the inspector protocol/);
    await refused(`ws://127.0.0.1:${port}/secret`, 'not an inspector', /does not speak the inspector protocol/);
  });

  test('a socket that says nothing', async () => {
    const port = await listen(createTcpServer(() => undefined));
    await refused(`${port}`, 'timeout', /accepts connections but does not answer\. Is it an inspector port\?/);
  });

  test('an endless stream', async () => {
    const port = await listen(
      createServer((_request, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      }),
    );
    await refused(`${port}`, 'not an inspector', /does not speak the inspector protocol/);
  });

  test('a TLS server', async () => {
    const port = await listen(createTlsServer(() => undefined));
    await refused(`${port}`, 'not an inspector', /does not speak the inspector protocol/);
  });

  test('a web server that answers with JSON of its own', async () => {
    const port = await listen(createServer((_request, response) => response.end('{"status":"ok"}')));
    await refused(`${port}`, 'not an inspector', /does not speak the inspector protocol/);
  });
});

describe.concurrent('what runs there is no Node, or too old', () => {
  const evaluating = (runtime: string, node: string, isTooOld = false) => (command: { method: string; params: Record<string, unknown> }): object => {
    if (command.method === 'Runtime.evaluate') return { result: { type: 'boolean', value: true, objectId: '1' } };
    if (!String(command.params['functionDeclaration']).includes('internals')) return { result: [] };
    return { result: { type: 'object', value: { runtime, node, isTooOld, pid: 0, timeOrigin: 0, title: '', cwd: '', needsInternals: false } } };
  };

  test('a browser', async () => {
    await refused(`${await fakeInspector({ browser: 'Chrome/156.0.1.2' })}`, 'not node', /belongs to Chrome\/156\.0\.1\.2, not to Node\. Asyncscope looks into Node processes only\./);
  });

  test.each(['Deno', 'Bun'])('%s is refused by its name', async (runtime) => {
    const port = await fakeInspector({ browser: 'node.js/v24.0.0', answer: evaluating(runtime, 'v24.0.0') });
    await refused(`${port}`, 'not node', new RegExp(`This is ${runtime}, not Node`));
  });

  test('Node 16', async () => {
    const port = await fakeInspector({ browser: 'node.js/v16.20.0', answer: evaluating('node', 'v16.20.0', true) });
    await refused(`${port}`, 'node too old', /The target runs Node v16\.20\.0\. Asyncscope needs Node 18 or newer\./);
  });

  test('an inspector that answers every evaluation with nonsense', async () => {
    const port = await fakeInspector({ browser: 'node.js/v24.0.0', answer: () => ({ result: { value: { runtime: 7 } } }) });
    await refused(`${port}`, 'agent failed', /The agent did not answer as expected/);
  });

  test('an inspector that never answers', async () => {
    const port = await fakeInspector({ browser: 'node.js/v24.0.0', answer: () => undefined });
    await refused(`${port}`, 'timeout', /did not answer .* within 5 s/);
  });

  test("a proxy that is no debugger's: the connection to it is closed", async () => {
    const client = { hasLeft: false };
    const port = await fakeInspector({
      browser: 'node.js/v24.0.0',
      answer: ({ id, method }, send) => {
        send({ id, error: { code: -32601, message: `'${method}' wasn't found` } });
        return undefined;
      },
      left: () => (client.hasLeft = true),
    });
    const attaching = attachThroughProxy({ host: '127.0.0.1', port, path: '/secret' }, OPTIONS);
    await expect(attaching).rejects.toMatchObject({ reason: 'agent failed', message: expect.stringContaining('refused JsDebug.subscribe') as unknown });
    await until(() => client.hasLeft);
  });
});

describe('a target that lies', () => {
  const HONEST = { v: 1, seq: 1, now: 10, wall: 1e12 };

  /** Attaches to a target whose agent answers polls with `payload`; resolves with what the poll comes to. */
  async function poll(payload: string, times = 1): Promise<unknown> {
    let out = '';
    const port = await fakeInspector({
      browser: 'node.js/v24.0.0',
      answer({ method, params }, send) {
        const name = String(params['name']);
        if (method === 'Runtime.addBinding' && name.endsWith('_out')) out = name;
        if (method === 'Runtime.addBinding' && name.endsWith('_poll')) {
          for (let i = 0; i < times; i++) send({ method: 'Runtime.bindingCalled', params: { name: out, payload, executionContextId: 1 } });
        }
        if (method === 'Runtime.getProperties') return { result: [] };
        if (!String(params['functionDeclaration']).includes('internals')) return { result: { type: 'object', objectId: '1' } };
        return { result: { type: 'object', value: { runtime: 'node', node: 'v24.0.0', isTooOld: false, pid: 1, timeOrigin: 1, title: 'x', cwd: '/', needsInternals: false } } };
      },
    });
    const target = await attach(`${port}`, OPTIONS);
    try {
      return await target.poll().then(
        (answer) => answer,
        (error: unknown) => error,
      );
    } finally {
      await target.detach();
    }
  }

  test('an answer that the agent could not make fails as one that did not come, and is asked for again', async () => {
    expect(await poll('failed')).toMatchObject({ reason: 'timeout', message: 'The agent could not make its answer. It is asked again.' });
  });

  test('a target that answers more than it was asked fails at the next poll', async () => {
    expect(await poll('{"v":1', 1000)).toMatchObject({ reason: 'agent failed', message: 'The target gives answers that nobody has asked for.' });
  });

  test.each([
    ['no JSON', '{"v":1'],
    ['a number', '1e308'],
    ['null', 'null'],
    ['an array', '[]'],
    ['an older version', JSON.stringify({ ...HONEST, v: 0 })],
    ['nothing but a clock', JSON.stringify(HONEST)],
    ['a prototype', '{"__proto__":{"v":1},"constructor":{"prototype":1}}'],
    ['ten megabytes', `"${'x'.repeat(10_000_000)}"`],
  ])('%s: the answer is refused, and the message is short', async (_what, payload) => {
    const error = await poll(payload);
    expect(error).toMatchObject({ name: 'TargetError', reason: 'agent failed' });
    expect((error as Error).message).toMatch(/^The agent's answer is malformed/);
    expect((error as Error).message.length).toBeLessThan(300);
    expect(({} as Record<string, unknown>)['v']).toBeUndefined();
    expect(new SessionModel().losses.dropped).toBe(0);
  });
});
