/** What the webview may be: small, and nothing but what its page allows. */
import { build } from 'esbuild';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allBundles } from '../../../scripts/lib/bundles.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Bytes, minified: more would be felt when the panel opens. */
const SIZE_LIMIT = 150_000;

test('the bundle stays small', async () => {
  const bundle = (await allBundles(true)).find(({ name }) => name === 'graph');
  if (bundle === undefined) throw new Error('no bundle of the graph');
  const { outputFiles } = await build({ ...bundle.options, write: false });
  expect(outputFiles.map(({ path }) => path.replace(/^.*\//, '')).sort()).toEqual(['graph.css', 'graph.js']);
  for (const { contents } of outputFiles) expect(contents.length).toBeLessThan(SIZE_LIMIT);
});

test('text is never markup, and nothing is fetched or evaluated', () => {
  const folder = join(ROOT, 'webview');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ts|css)$/.test(name));
  expect(files.length).toBeGreaterThan(5);
  for (const name of files) {
    const text = readFileSync(join(folder, name), 'utf8');
    expect(text, name).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\bfetch\(|XMLHttpRequest|WebSocket|url\(|@import/);
  }
});

test('the page allows its own script and style alone', () => {
  const page = readFileSync(join(ROOT, 'src/host/dump/awaitGraph.ts'), 'utf8');
  expect(page).toContain("default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}';");
  expect(page).not.toMatch(/unsafe-inline|unsafe-eval|Math\.random/);
});
