import fc from 'fast-check';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOURCE_MAP_CACHE_ENTRIES, createSourceMaps, sourceMapUrl } from '../../../src/server/sourceMaps';
import type { SourceFiles } from '../../../src/server/sourceMaps';

/** Files in memory; counts how often each one is read. */
function files(contents: Readonly<Record<string, string>>): SourceFiles & { readonly reads: string[] } {
  const reads: string[] = [];
  return {
    reads,
    read: (path) => {
      reads.push(path);
      const text = contents[path];
      return text === undefined ? Promise.reject(new Error('missing')) : Promise.resolve(text);
    },
    exists: (path) => Promise.resolve(path in contents),
  };
}

/** Line 1 column 1 of the script is line 5 column 3 of `source`, and so is the rest of the line. */
function mapTo(source: string, more: object = {}): string {
  return JSON.stringify({ version: 3, sources: [source], names: [], mappings: 'AAIE', ...more });
}

async function look(script: string, contents: Readonly<Record<string, string>>, line = 1, column = 1): Promise<string> {
  const maps = createSourceMaps(files(contents));
  await maps.prepare([script]);
  const { file, line: foundLine, column: foundColumn } = maps.lookup(script, line, column);
  return `${file}:${foundLine}:${foundColumn}`;
}

describe('a position', () => {
  test('is that of the source, which the map names relative to itself', async () => {
    const contents = { '/app/dist/a.js': 'f();\n//# sourceMappingURL=maps/a.js.map\n', '/app/dist/maps/a.js.map': mapTo('../../src/a.ts') };
    expect(await look('/app/dist/a.js', contents)).toBe('/app/src/a.ts:5:3');
    expect(await look('file:///app/dist/a.js', contents)).toBe('/app/src/a.ts:5:3');
  });

  test.each([
    ['with a source root', { sourceRoot: '/src' }, '/src/a.ts:5:3'],
    ['with a relative source root', { sourceRoot: '../src/' }, '/app/src/a.ts:5:3'],
    ['of a file URL', { sources: ['file:///src/a%20b.ts'] }, '/src/a b.ts:5:3'],
    ['of an escaped name', { sources: ['a%20b.ts'] }, '/app/dist/a b.ts:5:3'],
    ['of a URL elsewhere stays the generated one', { sources: ['https://example.org/a.ts'] }, '/app/dist/a.js:1:1'],
    ['of a share elsewhere stays the generated one', { sources: ['file://server/share/a.ts'] }, '/app/dist/a.js:1:1'],
    ['without sources stays the generated one', { sources: [null] }, '/app/dist/a.js:1:1'],
  ])('%s', async (_, more, expected) => {
    const map = mapTo('a.ts', more);
    expect(await look('/app/dist/a.js', { '/app/dist/a.js': '//# sourceMappingURL=a.js.map', '/app/dist/a.js.map': map })).toBe(expected);
  });

  test.each([
    ['base64', `data:application/json;charset=utf-8;base64,${Buffer.from(mapTo('a.ts')).toString('base64')}`],
    ['text', `data:application/json,${encodeURIComponent(mapTo('a.ts'))}`],
    ['with a guard line', `data:application/json;base64,${Buffer.from(`)]}'\n${mapTo('a.ts')}`).toString('base64')}`],
  ])('comes from an inline map: %s', async (_, url) => {
    expect(await look('/app/a.js', { '/app/a.js': `#!/usr/bin/env node\r\nf();\r\n//# sourceMappingURL=${url}\r\n` })).toBe('/app/a.ts:5:3');
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['the script is not here', {}],
    ['it names no map', { '/a.js': 'f()' }],
    ['the map is not here', { '/a.js': '//# sourceMappingURL=a.map' }],
    ['the map is elsewhere', { '/a.js': '//# sourceMappingURL=https://example.org/a.map' }],
    ['the map is not JSON', { '/a.js': '//# sourceMappingURL=a.map', '/a.map': '{' }],
    ['the map is not a map', { '/a.js': '//# sourceMappingURL=a.map', '/a.map': '{"version":3}' }],
    ['the map is of another version', { '/a.js': '//# sourceMappingURL=a.map', '/a.map': '{"version":9,"sources":7}' }],
    ['the mappings are garbage', { '/a.js': '//# sourceMappingURL=a.map', '/a.map': mapTo('a.ts', { mappings: '!!!,%%' }) }],
    ['the inline map is garbage', { '/a.js': '//# sourceMappingURL=data:application/json,%E0%A4%A' }],
  ])('stays the generated one when %s', async (_, contents) => {
    expect(await look('/a.js', contents, 7, 9)).toBe('/a.js:7:9');
  });

  test('stays the generated one in a dependency, whose files are the ones that exist', async () => {
    const script = '/app/node_modules/x/a.js';
    const maps = files({ [script]: '//# sourceMappingURL=a.js.map', [`${script}.map`]: mapTo('../src/a.ts') });
    const source = createSourceMaps(maps);
    await source.prepare([script]);
    expect(source.lookup(script, 1, 1)).toEqual({ file: script, line: 1, column: 1 });
    expect(maps.reads).toEqual([]);
  });

  test.each([
    ['webpack://orders/./src/a.ts'],
    ['webpack:///./src/a.ts'],
    ['webpack://orders/src/a.ts?1a2b'],
  ])('is found where a bundler had it: %s', async (source) => {
    const contents = { '/app/dist/out/a.js': '//# sourceMappingURL=a.map', '/app/dist/out/a.map': mapTo(source), '/app/src/a.ts': '' };
    expect(await look('/app/dist/out/a.js', contents)).toBe('/app/src/a.ts:5:3');
  });

  test('stays the generated one when the bundler had it nowhere near', async () => {
    expect(await look('/app/a.js', { '/app/a.js': '//# sourceMappingURL=a.map', '/app/a.map': mapTo('webpack://x/./src/a.ts') })).toBe('/app/a.js:1:1');
  });

  test('of a script that is no file keeps its name', async () => {
    expect(await look('evalmachine.<anonymous>', {}, 2, 3)).toBe('evalmachine.<anonymous>:2:3');
    expect(await look('https://example.org/a.js', {}, 2, 3)).toBe('https://example.org/a.js:2:3');
  });

  test('is never an exception, whatever the script and its map are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), fc.json(), fc.nat(), fc.nat(), async (script, url, map, line, column) => {
        const contents = { '/a.js': `//# sourceMappingURL=${url}`, '/a.js.map': map };
        const maps = createSourceMaps(files(contents));
        await maps.prepare([script, '/a.js', '/b.js']);
        for (const each of [script, '/a.js', '/b.js']) expect(maps.lookup(each, line, column).line).toEqual(expect.any(Number));
      }),
    );
  });
});

describe('the comment that names a map', () => {
  test.each([
    ['//# sourceMappingURL=a.map', 'a.map'],
    ['//@ sourceMappingURL=a.map', 'a.map'],
    ['/*# sourceMappingURL=a.map */', 'a.map'],
    ['//# sourceMappingURL=old.map\nf()\n//# sourceMappingURL=new.map\n\n', 'new.map'],
    ['//# sourceMappingURL=a.map\r\n', 'a.map'],
    ['const s = "//# sourceMappingURL=a.map";', undefined],
    ['// sourceMappingURL=a.map', undefined],
    ['//# sourceURL=a.js', undefined],
  ])('%j: %s', (source, url) => {
    expect(sourceMapUrl(source)).toBe(url);
  });
});

describe('maps', () => {
  test('are read once, even when the file is built anew: the process runs what it loaded', async () => {
    const contents = files({ '/a.js': '//# sourceMappingURL=a.map', '/a.map': mapTo('a.ts') });
    const maps = createSourceMaps(contents);
    await maps.prepare(['/a.js', '/a.js']);
    await maps.prepare(['/a.js']);
    expect(contents.reads).toEqual(['/a.js', '/a.map']);
  });

  test('are forgotten beyond a limit, the least recently used first', async () => {
    const contents = files({ '/a.js': '//# sourceMappingURL=a.map', '/a.map': mapTo('a.ts') });
    const maps = createSourceMaps(contents);
    await maps.prepare(['/a.js', '/first.js']);
    for (let i = 0; i < SOURCE_MAP_CACHE_ENTRIES - 1; i++) await maps.prepare([`/other/${i}.js`, '/a.js']);
    expect(maps.lookup('/a.js', 1, 1).file).toBe('/a.ts');
    expect(contents.reads.filter((path) => path === '/a.js')).toHaveLength(1);
    await maps.prepare(['/first.js']);
    expect(contents.reads.filter((path) => path === '/first.js')).toHaveLength(2);
  });
});

describe('on the disk', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'asyncscope-maps-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('what a compiler wrote leads back to where a call was written', async () => {
    const source = 'interface Order { id: number }\n\nexport function start(order: Order): void {\n  setTimeout(() => order.id, 1000);\n}\n';
    const { code, map } = await transform(source, { loader: 'ts', sourcemap: 'external', sourcefile: '../src/a.ts', minify: true });
    await mkdir(join(directory, 'dist'));
    const script = join(directory, 'dist', 'a.js');
    await writeFile(script, `${code}//# sourceMappingURL=a.js.map\n`);
    await writeFile(`${script}.map`, map);
    const maps = createSourceMaps();
    const url = pathToFileURL(script).href;
    await maps.prepare([url]);
    const [line, column] = [1, code.indexOf('setTimeout') + 1];
    expect(maps.lookup(url, line, column)).toEqual({ file: join(directory, 'src', 'a.ts'), line: 4, column: 3 });
  });

  test('directories and devices are not read', async () => {
    const maps = createSourceMaps();
    await maps.prepare([directory, '/dev/zero']);
    expect(maps.lookup(directory, 1, 2)).toEqual({ file: directory, line: 1, column: 2 });
  });
});
