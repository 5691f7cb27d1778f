/** Code that is on no disk of ours: asked for in a process that runs it. */
import { mkdir, mkdtemp, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TARGET_FILE_LIMIT_BYTES } from '../../src/cdp/targetFiles.ts';
import { NODES } from '../support/nodes.ts';
import { until } from '../support/until.ts';
import { watchProgram } from '../support/watchProgram.ts';

const SOURCE = `const kept: Promise<never>[] = [];
function start(): void {
  kept.push(new Promise(() => undefined));
}
start();
setInterval(() => kept.length, 1e6);
setTimeout(() => process.stderr.write('ready\\n'), 20);
`;

let root: string;
let script: string;

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-script-')));
  await mkdir(join(root, 'dist'));
  script = join(root, 'dist', 'main.cjs');
  // the source itself is never written: it is in the map only
  const { code } = await transform(SOURCE, { loader: 'ts', format: 'cjs', sourcemap: 'inline', sourcefile: '../src/main.ts' });
  await writeFile(script, code);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe.each(NODES)('Node $version', (node) => {
  test('a source that only its map holds is shown as it was written', async () => {
    await watchProgram(node, [script], async ({ model, positions, poll }) => {
      const source = join(root, 'src', 'main.ts');
      await until(async () => {
        await poll();
        return model.hasCodeIn(source);
      });
      expect(await positions.content(source)).toBe(SOURCE);
      expect(await positions.content(script)).toBeUndefined();
    });
  });

  test('a file is read in the process, and what is none is not', async () => {
    const huge = join(root, 'huge.js');
    await writeFile(huge, '');
    await truncate(huge, TARGET_FILE_LIMIT_BYTES + 1);
    await watchProgram(node, [script], async ({ target }) => {
      expect(await target.readFile(script)).toEqual({ text: expect.stringContaining('kept.push') as unknown });
      expect(await target.readFile(join(root, 'none.js'))).toEqual({ code: 'ENOENT' });
      expect(await target.readFile(root)).toEqual({ code: 'no file' });
      expect(await target.readFile('/dev/zero')).toEqual({ code: 'no file' });
      expect(await target.readFile(huge)).toEqual({ code: 'too large' });
    });
  });
});

test.each(NODES.filter(({ version }) => version >= 26))('Node $version: what the process may not read is refused', async ({ version, path }) => {
  await watchProgram({ version, path }, ['--permission', `--allow-fs-read=${root}`, '--allow-inspector', script], async ({ target }) => {
    expect(await target.readFile(script)).toHaveProperty('text');
    expect(await target.readFile('/etc/hostname')).toEqual({ code: 'ERR_ACCESS_DENIED' });
  });
});
