/** Real processes that are restarted, and the session that follows them. */
import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { attach } from '../../src/cdp/attach.ts';
import { DEFAULT_SERVER_SETTINGS } from '../../src/protocol/lsp.ts';
import type { SessionUpdate } from '../../src/protocol/lsp.ts';
import { Sessions } from '../../src/server/sessions.ts';
import { systemClock } from '../../src/server/systemClock.ts';
import { NODES } from '../support/nodes.ts';
import type { TestNode } from '../support/nodes.ts';
import { until } from '../support/until.ts';

/** Soon after an attach, whenever that is, four promises of line 3 are alive that began after it. */
const PROGRAM = `const kept = [];
setInterval(() => {
  new Promise((resolve) => kept.push(resolve));
  if (kept.length > 4) kept.shift()();
}, 20);
`;

let directory: string;
let file: string;
let port: number;
let sessions: Sessions;
let follow: boolean;
let updates: SessionUpdate[];
const cleanup: (() => void)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asyncscope-restarts-'));
  file = join(directory, 'service.js');
  await writeFile(file, PROGRAM);
  port = await freePort();
  updates = [];
  follow = true;
  sessions = new Sessions({
    attach: ({ target = '' }, options) => attach(target, options),
    clock: systemClock,
    settings: () => ({ ...DEFAULT_SERVER_SETTINGS, pollIntervalMs: 100, budgetPercent: 100, followRestarts: follow }),
    onUpdate: (update) => updates.push(update),
    onForgotten: () => undefined,
  });
});

afterEach(async () => {
  await sessions.dispose();
  for (const each of cleanup.splice(0).reverse()) each();
  await rm(directory, { recursive: true, force: true });
});

function start(node: TestNode, args: readonly string[]): { readonly pid: number; readonly stop: () => void; readonly ended: Promise<void> } {
  // a group of its own: `node --watch` leaves its child behind when it is killed
  const child = spawn(node.path, [...args, file], { cwd: directory, stdio: 'ignore', detached: true });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // gone by itself
    }
  };
  cleanup.push(stop);
  return { pid: child.pid ?? 0, stop, ended };
}

async function follows(): Promise<void> {
  await until(async () => {
    try {
      await sessions.attach({ target: String(port) }, new AbortController().signal);
      return true;
    } catch {
      return false;
    }
  });
}

/** Every site of the last full picture with what came after it. */
function counts(): Record<string, number> {
  const rows = new Map<string, { line: number; count: number; id: string }>();
  for (const update of updates) {
    if (update.full) rows.clear();
    for (const { id, line, count, kind, file: path } of update.sites) if (kind === 'promise' && path === file) rows.set(id, { line, count, id });
    for (const id of update.removed) rows.delete(id);
  }
  return Object.fromEntries([...rows.values()].map(({ line, count, id }) => [`${id} line ${line}`, count]));
}

function pid(): number | undefined {
  return updates.at(-1)?.status === 'attached' ? updates.at(-1)?.target?.pid : undefined;
}

describe.each(NODES)('Node $version', (node) => {
  test('a process that is killed and started again is watched again: same site, same count', async () => {
    const first = start(node, [`--inspect=127.0.0.1:${port}`]);
    await follows();
    await until(() => Object.values(counts())[0] === 4);
    const before = counts();
    first.stop();
    await first.ended;
    await until(() => updates.at(-1)?.status === 'waiting');
    expect(updates.at(-1)).toMatchObject({ wait: { for: 'restart' }, totals: { promise: 0 } });
    const second = start(node, [`--inspect=127.0.0.1:${port}`]);
    await until(() => pid() === second.pid);
    await until(() => Object.values(counts())[0] === 4);
    expect(counts()).toEqual(before);
    expect(updates.at(-1)?.processRestarts).toBe(1);
  });

  test('node --watch: every change of the file is followed', async () => {
    start(node, ['--watch', '--watch-preserve-output', `--inspect=127.0.0.1:${port}`]);
    await follows();
    for (let change = 0; change < 2; change++) {
      await until(() => pid() !== undefined && Object.values(counts())[0] === 4);
      const before = pid();
      await appendFile(file, `// ${change}\n`);
      await until(() => pid() !== undefined && pid() !== before);
    }
    await until(() => Object.values(counts())[0] === 4);
  });

  test('the setting ends a session with its process', async () => {
    follow = false;
    const first = start(node, [`--inspect=127.0.0.1:${port}`]);
    await follows();
    first.stop();
    await until(() => updates.at(-1)?.status === 'ended');
    expect(updates.at(-1)?.end?.reason).toBe('target exited');
  });
});

describe('a crash loop', () => {
  const [node] = NODES;
  if (node === undefined) throw new Error('no Node');

  test('is followed through its lives, and left at a detach', async () => {
    await writeFile(file, `${PROGRAM}setTimeout(() => { throw new Error('on purpose'); }, 400);`);
    let looping = true;
    cleanup.push(() => {
      looping = false;
    });
    const loop = async (): Promise<void> => {
      while (looping) await start(node, [`--inspect=127.0.0.1:${port}`]).ended;
    };
    const looped = loop();
    await follows();
    await until(() => (updates.at(-1)?.processRestarts ?? 0) >= 3);
    await sessions.dispose();
    expect(updates.at(-1)).toMatchObject({ status: 'ended', end: { reason: 'detached' } });
    const after = updates.length;
    looping = false;
    await looped;
    expect(updates).toHaveLength(after);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}
