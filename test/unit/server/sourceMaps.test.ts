import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { originAt } from '../../../src/agent/scripts';
import type { Script } from '../../../src/agent/scripts';
import { MAPPINGS_LIMIT_UNITS } from '../../../src/server/scriptMap';
import { SOURCE_FILE_LIMIT_BYTES, SOURCE_MAP_CACHE_ENTRIES, SOURCE_MAP_PROBLEMS, createSourceMaps, sourceMapUrl } from '../../../src/server/sourceMaps';
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

/** VLQ, as https://tc39.es/ecma426/ has it. */
function encodeMappings(lines: readonly (readonly (readonly number[])[])[]): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const vlq = (value: number): string => {
    let rest = value < 0 ? (-value << 1) | 1 : value << 1;
    let text = '';
    do {
      const digit = rest & 31;
      rest >>>= 5;
      text += digits.charAt(rest > 0 ? digit | 32 : digit);
    } while (rest > 0);
    return text;
  };
  const last = [0, 0, 0, 0];
  return lines
    .map((line) => {
      last[0] = 0;
      return line
        .map((segment) =>
          segment
            .map((field, index) => {
              const delta = field - (last[index] ?? 0);
              last[index] = field;
              return vlq(delta);
            })
            .join(''),
        )
        .join(',');
    })
    .join(';');
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

describe('a map that cannot be used', () => {
  const script = 'f();\ng();\n';
  const sections = (line: number, map: unknown): string => JSON.stringify({ version: 3, sections: [{ offset: { line, column: 0 }, map }] });
  const nested = (depth: number): unknown => (depth === 0 ? JSON.parse(mapTo('a.ts')) : { version: 3, sections: [{ offset: { line: 0, column: 0 }, map: nested(depth - 1) }] });
  const cyclic = sections(0, { version: 3, sections: [{ offset: { line: 0, column: 0 }, url: 'a.map' }] });

  test.each<[string, string | undefined, RegExp]>([
    ['missing', undefined, /names the source map a\.map, which cannot be read/],
    ['no JSON', '{', /cannot be read/],
    ['of more lines than the script has', mapTo('a.ts', { mappings: ';'.repeat(50) + 'AAAA' }), /of another build/],
    ['of a section far below the script', sections(1e9, JSON.parse(mapTo('a.ts'))), /of another build/],
    ['of a section above the script', sections(-1, JSON.parse(mapTo('a.ts'))), /cannot be read/],
    ['of a section that is elsewhere', cyclic, /cannot be read/],
    ['of sections within sections without end', JSON.stringify(nested(100)), /cannot be read/],
    ['of a source that is shorter', mapTo('a.ts', { sourcesContent: ['one line'] }), /of another build/],
    ['of columns below zero', mapTo('a.ts', { mappings: 'DAAA' }), /cannot be read/],
    ['of mappings that are no text', mapTo('a.ts', { mappings: [[['x', {}, -1, 0]]] }), /cannot be read/],
    ['of sources that are no text', mapTo('a.ts', { sources: [{ toString: 1 }] }), /cannot be read/],
    ['of more mappings than can be held', mapTo('a.ts', { mappings: 'AAAA,'.repeat(MAPPINGS_LIMIT_UNITS / 5 + 1) }), /too large/],
    ['on another machine', 'https://example.org/a.map', /not on this machine, and nothing is fetched/],
    ['on a share of another machine', 'file://server/share/a.map', /not on this machine, and nothing is fetched/],
  ])('is told of once, and lines stay as they run: %s', async (_, map, message) => {
    const elsewhere = map !== undefined && /^(?:https|file):/.test(map);
    const contents = { '/app/a.js': `${script}//# sourceMappingURL=${elsewhere ? map : 'a.map'}`, ...(map !== undefined && !elsewhere && { '/app/a.map': map }) };
    const problems: string[] = [];
    const maps = createSourceMaps(files(contents), undefined, (problem) => problems.push(problem));
    await maps.prepare(['/app/a.js']);
    await maps.prepare(['/app/a.js']);
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(problems[0]).toMatch(/^a\.js .*\. Its lines are shown as they run\.$/);
    expect(maps.lookup('/app/a.js', 2, 1)).toEqual({ file: '/app/a.js', line: 2, column: 1 });
    expect(maps.origins('/app/a.js')).toEqual([]);
  });

  test('is told of so often and no more', async () => {
    const problems: string[] = [];
    const contents = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`/app/${i}.js`, '//# sourceMappingURL=missing.map']));
    const maps = createSourceMaps(files(contents), undefined, (problem) => problems.push(problem));
    await maps.prepare(Object.keys(contents));
    expect(problems).toHaveLength(SOURCE_MAP_PROBLEMS + 1);
    expect(problems.at(-1)).toBe('Other source maps cannot be used either; they are not listed.');
  });

  test('whose sources lie outside of the project still only names them', async () => {
    const contents = files({ '/app/a.js': '//# sourceMappingURL=a.map', '/app/a.map': mapTo('../../../../etc/passwd') });
    const maps = createSourceMaps(contents);
    await maps.prepare(['/app/a.js']);
    expect(maps.lookup('/app/a.js', 1, 1).file).toBe('/etc/passwd');
    expect(contents.reads).toEqual(['/app/a.js', '/app/a.map']);
  });
});

describe('whose code is where', () => {
  /** `f();g();h();`: the first by the user, the second of a library, the third of neither. */
  const mixed = { sources: ['src/a.ts', 'node_modules/x/index.js'], mappings: 'AAAA,ICAA,I' };

  test('is told by line and column of the script', async () => {
    const contents = { '/app/a.js': '"banner"\nf();g();h();\n\n// a comment\n}\n//# sourceMappingURL=a.map', '/app/a.map': mapTo('', { ...mixed, mappings: `;${mixed.mappings}` }) };
    const maps = createSourceMaps(files(contents));
    await maps.prepare(['/app/a.js']);
    expect(maps.origins('/app/a.js')).toEqual([1, 1, 2, 2, 1, 0, 2, 5, 1, 2, 9, 2]);
    expect(maps.lookup('/app/a.js', 2, 1)).toEqual({ file: '/app/src/a.ts', line: 1, column: 1 });
    expect(maps.lookup('/app/a.js', 2, 5)).toMatchObject({ file: '/app/node_modules/x/index.js' });
    expect(maps.lookup('/app/a.js', 2, 9)).toEqual({ file: '/app/a.js', line: 2, column: 9, helper: true });
    expect(maps.lookup('/app/a.js', 1, 1)).toMatchObject({ helper: true });
  });

  test('is what the name says where all is the user\'s, and where there is no map', async () => {
    const maps = createSourceMaps(files({ '/app/a.js': 'f()//# sourceMappingURL=a.map', '/app/a.map': mapTo('a.ts'), '/app/b.js': 'f()' }));
    await maps.prepare(['/app/a.js', '/app/b.js', '/app/c.js']);
    expect(['/app/a.js', '/app/b.js', '/app/c.js'].map((script) => maps.origins(script))).toEqual([[], [], []]);
  });

  test('is the same for the agent, which has the ranges, as for the server, which has the map', async () => {
    const segment = fc.tuple(fc.nat(40), fc.constantFrom(0, 1, 2));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(segment, { maxLength: 6 }), { minLength: 1, maxLength: 6 }), fc.nat(7), fc.nat(45), async (lines, line, column) => {
        const decoded = lines.map((onLine) =>
          [...new Map(onLine).entries()].sort(([a], [b]) => a - b).map(([at, kind]): [number] | [number, number, number, number] => (kind === 2 ? [at] : [at, kind, 0, 0])),
        );
        const map = { version: 3, sources: mixed.sources, names: [], mappings: encodeMappings(decoded) };
        const text = lines.map(() => 'x'.repeat(50)).join('\n');
        const maps = createSourceMaps(files({ '/app/a.js': `${text}\n//# sourceMappingURL=a.map`, '/app/a.map': JSON.stringify(map) }));
        await maps.prepare(['/app/a.js']);
        const script = { name: '/app/a.js', origin: 'app', origins: maps.origins('/app/a.js') ?? null } as Script;
        const at = [Math.min(line, lines.length - 1) + 1, column + 1] as const;
        const found = maps.lookup('/app/a.js', ...at);
        const expected = found.helper === true ? 'helper' : found.file.includes('node_modules') ? 'dependency' : 'app';
        expect(originAt({ ...script, origins: script.origins?.length === 0 ? null : script.origins }, ...at)).toBe(expected);
      }),
    );
  });
});

describe('a script that was transformed as it was loaded', () => {
  test('is mapped by the map that the process has kept, which is asked for once', async () => {
    const asked: (readonly string[])[] = [];
    const maps = createSourceMaps(files({ '/app/a.ts': 'f()', '/app/b.js': 'f()' }));
    const ask = (scripts: readonly string[]): Promise<readonly (string | null)[]> => {
      asked.push(scripts);
      return Promise.resolve(scripts.map((script) => (script === '/app/a.ts' ? mapTo('file:///app/a.ts') : null)));
    };
    await maps.prepare(['/app/a.ts', '/app/b.js', '/app/gone.js', 'node:fs'], ask);
    await maps.prepare(['/app/a.ts', '/app/b.js', '/app/gone.js'], ask);
    expect(asked).toEqual([['/app/a.ts', '/app/gone.js']]);
    expect(maps.lookup('/app/a.ts', 1, 1)).toEqual({ file: '/app/a.ts', line: 5, column: 3 });
    expect(maps.lookup('/app/gone.js', 3, 1)).toEqual({ file: '/app/gone.js', line: 3, column: 1 });
  });
});

test('names and sources of a script are those that the map tells for certain', async () => {
  // two segments, of which the second has a name, and one without a source
  const mappings = encodeMappings([[[0, 0, 0, 0], [6, 0, 0, 4, 0], [9]]]);
  const maps = createSourceMaps(
    files({
      '/dist/one.js': 'const a = 1;\n//# sourceMappingURL=one.js.map',
      '/dist/one.js.map': JSON.stringify({ version: 3, sources: ['../src/one.ts'], names: ['first'], mappings }),
      '/dist/two.js': 'const a = 1;\n//# sourceMappingURL=two.js.map',
      '/dist/two.js.map': JSON.stringify({ version: 3, sources: ['../src/one.ts', '../src/two.ts'], names: [7], mappings }),
      '/dist/plain.js': 'const a = 1;',
    }),
  );
  await maps.prepare(['/dist/one.js', '/dist/two.js', '/dist/plain.js']);
  expect([7, 8, 6, 1, 10].map((column) => maps.nameAt('/dist/one.js', 1, column))).toEqual(['first', undefined, undefined, undefined, undefined]);
  expect(maps.nameAt('/dist/two.js', 1, 7)).toBeUndefined();
  expect(maps.nameAt('/dist/plain.js', 1, 7)).toBeUndefined();
  expect(['/dist/one.js', '/dist/two.js', '/dist/plain.js', 'file:///dist/plain.js', 'node:fs'].map((script) => maps.onlySource(script))).toEqual(['/src/one.ts', undefined, '/dist/plain.js', '/dist/plain.js', 'node:fs']);
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

  test('a pipe in the place of a script or of a map is not waited for', async () => {
    const pipe = join(directory, 'pipe.js');
    execFileSync('mkfifo', [pipe]);
    const script = join(directory, 'piped.js');
    await writeFile(script, '//# sourceMappingURL=pipe.js');
    const problems: string[] = [];
    const maps = createSourceMaps(undefined, undefined, (problem) => problems.push(problem));
    await maps.prepare([pipe, script, '/proc/kmsg', '/dev/tty']);
    expect(maps.lookup(script, 1, 1)).toEqual({ file: script, line: 1, column: 1 });
    expect(problems).toEqual([expect.stringContaining('pipe.js, which cannot be read')]);
  });

  test('a file that is larger than what is read is told of', async () => {
    const script = join(directory, 'large.js');
    await writeFile(script, '//# sourceMappingURL=large.js.map');
    await writeFile(`${script}.map`, '');
    await truncate(`${script}.map`, SOURCE_FILE_LIMIT_BYTES + 1);
    const problems: string[] = [];
    const maps = createSourceMaps(undefined, undefined, (problem) => problems.push(problem));
    await maps.prepare([script]);
    expect(problems).toEqual([expect.stringContaining('larger than 64 MB')]);
  });

  test('directories and devices are not read', async () => {
    const maps = createSourceMaps();
    await maps.prepare([directory, '/dev/zero']);
    expect(maps.lookup(directory, 1, 2)).toEqual({ file: directory, line: 1, column: 2 });
  });
});

describe('directories that are mapped', () => {
  const mappings = { '/app': '/home/me/project' };

  test('lead to the script, its map and its sources on this machine', async () => {
    const contents = {
      '/home/me/project/dist/a.js': 'f();\n//# sourceMappingURL=a.js.map\n',
      '/home/me/project/dist/a.js.map': mapTo('../src/a.ts'),
      '/home/me/project/dist/b.js': 'f();\n//# sourceMappingURL=b.js.map\n',
      '/home/me/project/dist/b.js.map': mapTo('/app/src/b.ts', { sourcesContent: ['\n\n\n\n  f();'] }),
    };
    const maps = createSourceMaps(files(contents), undefined, undefined, mappings);
    await maps.prepare(['/app/dist/a.js', 'file:///app/dist/b.js', '/app/dist/c.js', '/other/d.js']);
    expect(maps.lookup('/app/dist/a.js', 1, 1)).toEqual({ file: '/home/me/project/src/a.ts', line: 5, column: 3 });
    expect(maps.lookup('file:///app/dist/b.js', 1, 1)).toEqual({ file: '/home/me/project/src/b.ts', line: 5, column: 3 });
    expect(maps.lookup('/app/dist/c.js', 7, 2)).toEqual({ file: '/home/me/project/dist/c.js', line: 7, column: 2 });
    expect(maps.lookup('/other/d.js', 7, 2)).toEqual({ file: '/other/d.js', line: 7, column: 2 });
    expect(maps.pathInProcess('/home/me/project/dist/c.js')).toBe('/app/dist/c.js');
    expect(maps.pathInProcess('/other/d.js')).toBe('/other/d.js');
    expect(maps.pathInProcess('evalmachine.<anonymous>')).toBeUndefined();
    expect(await maps.content('/home/me/project/src/b.ts')).toBe('\n\n\n\n  f();');
    expect(await maps.content('/home/me/project/src/a.ts')).toBeUndefined();
  });
});

test.each([
  [{ '/app': '/home/me/../you/shop' }, '/home/you/shop/a.js'],
  [{ '/app': '/home/me//shop/' }, '/home/me/shop/a.js'],
])('a mapping %j leads to the file that is open', async (mappings, file) => {
  const maps = createSourceMaps(files({}), undefined, undefined, mappings);
  await maps.prepare(['/app/a.js']);
  expect(maps.lookup('/app/a.js', 3, 5)).toMatchObject({ file, line: 3 });
  expect(maps.pathInProcess(file)).toBe('/app/a.js');
});
