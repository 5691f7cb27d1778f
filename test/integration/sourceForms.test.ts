/** The line as it was written, whatever the program was built with: programs that run, and know what they wait for. */
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOURCES_PACKAGE } from '../../scripts/lib/paths.ts';
import { NODES } from '../support/nodes.ts';
import type { TestNode } from '../support/nodes.ts';
import { expectedPicture } from '../support/truth.ts';
import { pictureOfProgram, watchProgram } from '../support/watchProgram.ts';

const PROGRAM = `interface Job {
  readonly id: number;
}

const kept: unknown[] = [];
function start(job: Job): void {
  kept.push(new Promise(() => job)); //= 3 promise
}

for (let id = 0; id < 3; id++) start({ id });
kept.push(setInterval(() => kept.length, 1e6)); //= 1 interval
setTimeout(() => process.stderr.write('ready\\n'), 20);
(globalThis as { kept?: unknown }).kept = kept;
export {};
`;

let root: string;
let count = 0;

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-forms-')));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Project {
  readonly directory: string;
  readonly source: string;
  readonly script: string;
}

/** `src/main.ts`, and a place for what is built of it. */
async function project(): Promise<Project> {
  const directory = join(root, `project ${count++}`);
  const source = join(directory, 'src', 'main.ts');
  await mkdir(join(directory, 'dist'), { recursive: true });
  await mkdir(dirname(source));
  await writeFile(source, PROGRAM);
  return { directory, source, script: join(directory, 'dist', 'main.mjs') };
}

interface Map {
  sources: string[];
  sourcesContent?: string[];
  [field: string]: unknown;
}

async function compiled(minify = true): Promise<{ readonly code: string; readonly map: Map }> {
  const { code, map } = await transform(PROGRAM, { loader: 'ts', format: 'esm', minify, sourcemap: 'external', sourcefile: '../src/main.ts' });
  return { code, map: JSON.parse(map) as Map };
}

async function write(script: string, code: string, map: object, comment = 'main.mjs.map'): Promise<void> {
  await writeFile(script, `${code}\n//# sourceMappingURL=${comment}\n`);
  await writeFile(`${script}.map`, JSON.stringify(map));
}

/** Makes what is run; gives flags and arguments when there are any but the script. */
type Form = (project: Project) => Promise<readonly string[] | undefined>;

const FORMS: Readonly<Record<string, Form>> = {
  'an external map': async ({ script }) => {
    const { code, map } = await compiled();
    await write(script, code, map);
    return undefined;
  },
  'an inline map': async ({ script }) => {
    const { code, map } = await compiled();
    const data = Buffer.from(JSON.stringify(map)).toString('base64');
    await writeFile(script, `${code}\n//# sourceMappingURL=data:application/json;base64,${data}\n`);
    return undefined;
  },
  'a map without the sources': async ({ script }) => {
    const { code, map } = await compiled(false);
    delete map.sourcesContent;
    await write(script, code, map);
    return undefined;
  },
  'a relative source root': async ({ script }) => {
    const { code, map } = await compiled();
    await write(script, code, { ...map, sources: ['main.ts'], sourceRoot: '../src/' });
    return undefined;
  },
  'an absolute source root': async ({ script, source }) => {
    const { code, map } = await compiled();
    await write(script, code, { ...map, sources: ['main.ts'], sourceRoot: dirname(source) });
    return undefined;
  },
  'a URL as the source root': async ({ script, source }) => {
    const { code, map } = await compiled();
    await write(script, code, { ...map, sources: ['main.ts'], sourceRoot: pathToFileURL(`${dirname(source)}/`).href });
    return undefined;
  },
  'an indexed map': async ({ script }) => {
    const { code, map } = await compiled();
    const sections = [{ offset: { line: 2, column: 0 }, map }];
    await write(script, `// a banner\n\n${code}`, { version: 3, sections });
    return undefined;
  },
  'a map that Node reads, too': async ({ script }) => {
    const { code, map } = await compiled();
    await write(script, code, map);
    return ['--enable-source-maps', script];
  },
  'what tsc writes': async ({ script, source }) => {
    const built = ts.transpileModule(PROGRAM, {
      fileName: relative(dirname(script), source),
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, sourceMap: true },
    });
    const file = script.replace('.mjs', '.cjs');
    await writeFile(file, built.outputText.replace(/sourceMappingURL=.*/, 'sourceMappingURL=main.cjs.map'));
    const map = JSON.parse(built.sourceMapText ?? '') as Map;
    await writeFile(`${file}.map`, JSON.stringify({ ...map, sources: ['../src/main.ts'] }));
    return [file];
  },
  'tsx': ({ source }) => Promise.resolve(['--import', pathToFileURL(join(SOURCES_PACKAGE, 'node_modules/tsx/dist/loader.mjs')).href, source]),
};

describe.each(NODES)('Node $version', (node) => {
  test.each(Object.keys(FORMS))('%s', async (name) => {
    const made = await project();
    const command = await FORMS[name]?.(made);
    const expected = expectedPicture([made.source]);
    expect(await pictureOfProgram(node, command ?? [made.script], expected)).toEqual(expected);
  });

  // Node 20 cannot
  if (node.version !== 20) {
    test('types that Node itself takes out leave every line where it is', async () => {
      const { source } = await project();
      const expected = expectedPicture([source]);
      expect(await pictureOfProgram(node, [source], expected)).toEqual(expected);
    });
  }

  test('a workspace that is linked into node_modules is the user\'s, by its real path', async () => {
    const { directory } = await project();
    const library = join(directory, 'packages', 'lib');
    await mkdir(library, { recursive: true });
    await mkdir(join(directory, 'node_modules'));
    await writeFile(join(library, 'package.json'), '{"name":"lib","main":"index.js"}');
    const source = join(library, 'index.js');
    await writeFile(source, 'exports.kept = [];\nexports.start = () => exports.kept.push(new Promise(() => {})); //= 2 promise\n');
    await symlink(library, join(directory, 'node_modules', 'lib'));
    const main = join(directory, 'main.cjs');
    await writeFile(main, "const { start } = require('lib');\nstart(); start();\nsetInterval(() => {}, 1e6); //= 1 interval\nsetTimeout(() => process.stderr.write('ready\\n'), 20);\n");
    const expected = expectedPicture([source, main]);
    expect(await pictureOfProgram(node, [main], expected)).toEqual(expected);
  });

  test('files of one name are told apart', async () => {
    const files = await filesOf(node, {
      'a/index.cjs': 'exports.kept = new Promise(() => {});\n',
      'b/index.cjs': '\nexports.kept = [new Promise(() => {}), new Promise(() => {})];\n',
      'main.cjs': "global.kept = [require('./a/index.cjs'), require('./b/index.cjs')];\n",
    });
    expect(files).toEqual([expect.stringMatching(/a\/index\.cjs:1 1$/), expect.stringMatching(/b\/index\.cjs:2 1$/), expect.stringMatching(/b\/index\.cjs:2 1$/)]);
  });

  test('code without a file is told apart by its text, and where it was evaluated', async () => {
    const files = await filesOf(node, {
      'main.cjs': `const vm = require('node:vm');
global.kept = [];
for (let i = 0; i < 2; i++) eval('kept.push(new Promise(() => {}))');
eval('\\n\\nkept.push(new Promise(() => {}))');
eval('kept.push(new Promise(() => {})); //# sourceURL=plugins/named.js');
new Function('kept.push(new Promise(() => {}))')();
vm.runInThisContext('kept.push(new Promise(() => {}))', { filename: 'template.vm' });
vm.runInThisContext('kept.push(new Promise(() => {}))');
vm.runInThisContext('"another";kept.push(new Promise(() => {}))');
`,
    });
    // a function that is made of text begins at its third line (https://tc39.es/ecma262/#sec-createdynamicfunction)
    expect(files).toEqual([
      expect.stringMatching(/^eval at .*main\.cjs:3:29\):1 2$/),
      expect.stringMatching(/^eval at .*main\.cjs:4:1\):3 1$/),
      expect.stringMatching(/^eval at .*main\.cjs:6:1\):3 1$/),
      'evalmachine.<anonymous> #2:1 1',
      'evalmachine.<anonymous>:1 1',
      'plugins/named.js:1 1',
      'template.vm:1 1',
    ]);
  });
});

/** Positions and counts of the promises of a program that keeps them in `global.kept`. */
async function filesOf(node: TestNode, files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { directory } = await project();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  const main = join(directory, 'main.cjs');
  await writeFile(main, `${files['main.cjs'] ?? ''}setTimeout(() => process.stderr.write('ready\\n'), 20); setInterval(() => {}, 1e6);\n`);
  return watchProgram(node, [main], async ({ model, poll }) => {
    await poll();
    return [...model.sites()]
      .filter((site) => site.kind === 'promise' && site.origin === 'app' && site.count > 0)
      .map((site) => `${site.file ?? '?'}:${site.line} ${site.count}`)
      .sort();
  });
}
