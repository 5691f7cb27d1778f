/** What the suites of this folder share. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { commands, extensions, workspace } from 'vscode';
import type { Session } from '../../../src/host/sessions/sessionStore.ts';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import type { TreeRow } from '../../../src/host/tree/treeModel.ts';

/** Milliseconds within which anything has to happen that a test waits for. */
const WAIT_LIMIT_MS = 40_000;

/** Milliseconds between two looks at what a test waits for. */
const LOOK_INTERVAL_MS = 50;

/**
 * Looks until there is something to see.
 * @param instead said when there is not: what there was instead.
 */
export async function eventually<T>(what: string, look: () => T | undefined | Promise<T | undefined>, instead: () => unknown = () => 'nothing'): Promise<T> {
  const end = Date.now() + WAIT_LIMIT_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > end) throw new Error(`${what}: not within ${WAIT_LIMIT_MS / 1000} s, but ${JSON.stringify(instead())}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
}

export async function activate(): Promise<AsyncscopeTestApi> {
  const extension = extensions.getExtension<AsyncscopeTestApi>('asyncscope.asyncscope');
  if (extension === undefined) throw new Error('VS Code does not know asyncscope.asyncscope.');
  const api = await extension.activate();
  // Providers draw only what can be seen.
  await commands.executeCommand('asyncscope.liveTasks.focus');
  return api;
}

export function attachedSession(api: AsyncscopeTestApi, fits: (session: Session) => boolean = () => true): Promise<Session> {
  return eventually('an attached session', () => api.sessions().find((session) => session.status === 'attached' && session.process !== undefined && fits(session)), () => api.sessions().map(({ name, status, end }) => ({ name, status, end })));
}

export function rowsBelow(rows: readonly TreeRow[]): readonly TreeRow[] {
  return rows.flatMap((row) => [row, ...rowsBelow(row.children)]);
}

/** Waits for a row of the tree as it is drawn. */
export function treeRow(api: AsyncscopeTestApi, what: string, fits: (row: TreeRow) => boolean): Promise<TreeRow> {
  return eventually(`the row ${what}`, () => rowsBelow(api.tree().rows).find(fits), () => rowsBelow(api.tree().rows).map(({ label, description }) => `${label} ${description}`));
}

/** Sets a setting of ours; undefined takes it back. */
export async function setting(key: string, value: unknown): Promise<void> {
  await workspace.getConfiguration('asyncscope').update(key, value, true);
}

export async function noSessions(api: AsyncscopeTestApi): Promise<void> {
  await commands.executeCommand('asyncscope.detachAll');
  await eventually('an empty tree', () => (api.sessions().length === 0 && api.tree().rows.length === 0 ? true : undefined));
}

/** A Node process under the inspector, with a known set of live tasks. */
export interface Target {
  readonly child: ChildProcess;
  /** `host:port` of its inspector. */
  readonly address: string;
  /** The script it runs. */
  readonly file: string;
  stop(): Promise<void>;
}

/** Lines, from 1, on which {@link SOURCE} starts tasks. */
export const TARGET_LINES = { interval: 3, promise: 8 } as const;
export const TARGET_INTERVALS = 7;
export const TARGET_PROMISES = 15;

const SOURCE = `const held = [];
function beat() {
  return setInterval(() => undefined, 60_000);
}

function waitForever() {
  // Held, so that it stays alive.
  return new Promise((resolve) => held.push(resolve));
}

const promises = [];
process.once('SIGUSR2', () => process.exit(0));
setTimeout(function start() {
  for (let i = 0; i < ${String(TARGET_INTERVALS)}; i++) held.push(beat());
  for (let i = 0; i < ${String(TARGET_PROMISES)}; i++) promises.push(waitForever());
  setTimeout(start, 2 ** 30);
}, Number(process.argv[2]));
`;

/**
 * @param startAfterMs the target starts its tasks this long after it began, so that an observer can be there before.
 * @param options.before start this one's program again, at its address.
 */
export async function startTarget(startAfterMs: number, { before, source = SOURCE }: { readonly before?: Target; readonly source?: string } = {}): Promise<Target> {
  const directory = before === undefined ? await mkdtemp(join(tmpdir(), 'asyncscope-host-')) : dirname(before.file);
  const file = join(directory, 'target.js');
  await writeFile(file, source);
  const child = spawn('node', [`--inspect=${before?.address ?? '127.0.0.1:0'}`, file, String(startAfterMs)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (data: Buffer) => {
      text += data.toString();
      const match = /ws:\/\/(127\.0\.0\.1:\d+)\//.exec(text);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the target ended: ${text}`)));
  });
  return {
    child,
    address,
    file,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
