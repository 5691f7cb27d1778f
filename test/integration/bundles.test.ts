/**
 * Bundles that hold libraries besides the user's code: what the model shows of the user's code must be the lines of the original
 * sources, and exactly the counts of the same program unbundled.
 */
import { cp, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { BuildOptions } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NODES } from '../support/nodes.ts';
import { expectedPicture } from '../support/truth.ts';
import { pictureOfProgram } from '../support/watchProgram.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/bundles');
let directory: string;
let expected: readonly string[];

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-bundles-')));
  await cp(join(FIXTURE, 'app'), join(directory, 'app'), { recursive: true });
  await cp(join(FIXTURE, 'packages'), join(directory, 'node_modules'), { recursive: true });
  expected = expectedPicture(['main.ts', 'orders.ts'].map((name) => join(directory, 'app', name)));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function bundle(name: string, options: BuildOptions): Promise<string> {
  const outfile = join(directory, 'dist', name);
  await build({
    entryPoints: [join(directory, 'app/main.ts')],
    bundle: true,
    platform: 'node',
    outfile,
    sourcemap: 'linked',
    logLevel: 'silent',
    ...options,
  });
  return outfile;
}

const WAYS: readonly (readonly [string, string, BuildOptions])[] = [
  ['as it is', 'plain.cjs', { format: 'cjs' }],
  ['minified', 'minified.cjs', { format: 'cjs', minify: true }],
  ['minified, as a module', 'module.mjs', { format: 'esm', minify: true, banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" } }],
  ['minified, with an inline map', 'inline.cjs', { format: 'cjs', minify: true, sourcemap: 'inline' }],
  ['without the sources in the map', 'bare.cjs', { format: 'cjs', minify: true, sourcesContent: false }],
];

describe.each(NODES)('Node $version', (node) => {
  test.each(WAYS)('a bundle %s', async (_, name, options) => {
    const file = await bundle(`${node.version}-${name}`, options);
    expect(await pictureOfProgram(node, [file], expected)).toEqual(expected);
  });

  test('with its packages outside of the bundle, as a check of what is expected', async () => {
    const file = await bundle(`${node.version}-outside.mjs`, { format: 'esm', packages: 'external' });
    expect(await pictureOfProgram(node, [file], expected)).toEqual(expected);
  });
});
