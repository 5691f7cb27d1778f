/** A dump of minified code speaks of the sources: names of functions, and the files of variables, as the source map has them. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { BuildOptions } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Dump, DumpGroup } from '../../src/core/model/dump.ts';
import { startProgram, takeDump } from '../support/dumpTruthRun.ts';
import type { RunningProgram } from '../support/dumpTruthRun.ts';
import { NODES } from '../support/nodes.ts';

const SOURCES = {
  'src/users.ts': `
    const waiting: Map<string, (user: object) => void> = new Map();
    const held: Promise<unknown>[] = [];
    export async function loadUser(name: string): Promise<object> {
      return await new Promise<object>((resolve) => waiting.set(name, resolve));
    }
    class Repository {
      async find(name: string): Promise<object> { const found = await loadUser(name); return found; }
    }
    const look = async (name: string): Promise<void> => { await new Repository().find(name); console.log(name); };
    export function keep(name: string): void { held.push(look(name)); }
    export const answer = (): void => { console.log(held.length); waiting.forEach((resolve) => resolve({})); };
  `,
  'src/locks.ts': `
    function createLock(): { take(): Promise<void>; release(): void } {
      const queue: (() => void)[] = [];
      return { take: () => new Promise<void>((resolve) => queue.push(resolve)), release: () => queue.shift()?.() };
    }
    const lock = createLock();
    export async function guarded(): Promise<void> { await lock.take(); console.log('taken'); }
    export const release = (): void => lock.release();
  `,
  'src/app.ts': `
    import { answer, keep } from './users.ts';
    import { guarded, release } from './locks.ts';
    keep('ada');
    void guarded();
    function refresh(): void { if (Date.now() < 0) { answer(); release(); } }
    setInterval(refresh, 60_000);
    setImmediate(() => console.error('ready'));
  `,
} as const;

const BUNDLES: Readonly<Record<string, BuildOptions>> = {
  'minified.mjs': { minify: true, format: 'esm' },
  'wrapped.cjs': { minify: true, format: 'iife' },
  'readable.mjs': { format: 'esm' },
};

let directory: string;
const running: RunningProgram[] = [];

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-sources-')));
  await mkdir(join(directory, 'src'));
  for (const [name, text] of Object.entries(SOURCES)) await writeFile(join(directory, name), text);
  for (const [name, options] of Object.entries(BUNDLES)) {
    await build({ ...options, entryPoints: [join(directory, 'src/app.ts')], outfile: join(directory, 'dist', name), bundle: true, platform: 'node', sourcemap: 'linked', logLevel: 'error' });
  }
});
afterAll(async () => {
  await Promise.all(running.map((program) => program.stop()));
  await rm(directory, { recursive: true, force: true });
});

async function dumpOf(node: (typeof NODES)[number], name: string): Promise<Dump> {
  const target = await startProgram(node, { name, file: join(directory, 'dist', name), flags: [], stripped: false });
  running.push(target);
  const dumped = await takeDump(target.url, undefined, true);
  await dumped.close();
  return dumped.dump;
}

function groupOf({ groups }: Dump, name: string): DumpGroup | undefined {
  return groups.find(({ chain }) => chain[0]?.function === name);
}

const runs = Object.keys(BUNDLES).flatMap((bundle) => NODES.map((node) => ({ bundle, node })));

describe.concurrent('a bundle', () => {
  test.each(runs)('$bundle on Node $node.version is told by its sources', async ({ bundle, node }) => {
    const dump = await dumpOf(node, bundle);
    const look = groupOf(dump, 'look');
    expect(look?.chain.map((frame) => frame.function)).toEqual(['look', 'Repository.find', 'loadUser']);
    expect(look?.waitsFor.text.replaceAll(directory, '')).toBe('its resolver is in Map waiting in /src/users.ts');
    expect(look?.heldBy.map(({ count, path }) => `${count} by ${path.replaceAll(directory, '')}`)).toEqual([expect.stringMatching(/^1 by (?:Array held|Map waiting) in \/src\/users\.ts/)]);
    expect(dump.resources.timers.map(({ text }) => text.replaceAll(directory, ''))).toContainEqual(expect.stringMatching(/^every 1 min, refresh \(\/src\/app\.ts:\d+\), next in /));
    const guarded = groupOf(dump, 'guarded');
    expect(guarded?.chain.map((frame) => frame.function)).toEqual(['guarded']);
    expect(guarded?.waitsFor.text.replaceAll(directory, '')).toMatch(/^its resolver is in Array \w+\[…\] in \/src\/locks\.ts$/);
  });
});
