import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GLOB_ALTERNATIVES_LIMIT, GLOB_LENGTH_LIMIT, compileGlob, matchesGlob, scriptPath } from '../../../../src/core/base/scriptGlob';

function matches(glob: string, script: string): boolean {
  const compiled = compileGlob(glob);
  if (compiled === undefined) throw new Error(`${glob} is no glob`);
  const path = scriptPath(script);
  return compiled.some((each) => matchesGlob(each, path));
}

describe('a glob fits', () => {
  test.each([
    ['packages/shared/**', '/work/packages/shared/src/a.js'],
    ['packages/shared', '/work/packages/shared/src/a.js'],
    ['packages/shared/', '/work/packages/shared/src/a.js'],
    ['./packages/shared', '/work/packages/shared/a.js'],
    ['packages/*/src', '/work/packages/shared/src/a.js'],
    ['**/generated/**', '/generated/a.js'],
    ['**/generated/**', '/a/b/generated/c/d.js'],
    ['a/**/b.js', '/x/a/b.js'],
    ['a/**/b.js', '/x/a/y/z/b.js'],
    ['*.gen.js', '/x/a.gen.js'],
    ['?.js', '/x/a.js'],
    ['node_modules/@mine/{one,two}/**', '/app/node_modules/@mine/two/index.js'],
    ['/app/src/**', 'file:///app/src/a.mjs'],
    ['/app/src/**', 'file:///app/src/a.mjs?t=1#x'],
    ['/app/my code/*', 'file:///app/my%20code/a.mjs'],
    ['c:/app/**', 'C:\\app\\src\\a.js'],
    ['C:\\app\\src\\*.js', 'c:\\app\\src\\a.js'],
    ['src/**', 'C:\\app\\src\\a.js'],
    ['src/**', 'file:///C:/app/src/a.mjs'],
    ['file:///app/src/**', '/app/src/a.js'],
    ['src/**', 'webpack://shop/./src/a.ts'],
    ['**', '/anything'],
    ['a+b(c).js', '/x/a+b(c).js'],
  ])('%s: %s', (glob, script) => {
    expect(matches(glob, script)).toBe(true);
  });
});

describe('a glob does not fit', () => {
  test.each([
    ['packages/shared', '/work/packages/shared2/a.js'],
    ['packages/shared/**', '/work/my-packages/shared/a.js'],
    ['packages/*/src', '/work/packages/a/b/src/c.js'],
    ['/src/**', '/app/src/a.js'],
    ['d:/app/**', 'C:\\app\\a.js'],
    ['a/**/b.js', '/x/ab.js'],
    ['a/**/b.js', '/x/a/cb.js'],
    ['?.js', '/x/ab.js'],
    ['*.js', '/x/a.jsx'],
    ['a.js', '/x/abjs'],
    ['SRC/**', '/app/src/a.js'],
  ])('%s: %s', (glob, script) => {
    expect(matches(glob, script)).toBe(false);
  });
});

test('what is no glob is refused', () => {
  for (const glob of ['', ' ', '/', './', '{a', '{a,{b,c}}', 'a'.repeat(GLOB_LENGTH_LIMIT + 1)]) expect(compileGlob(glob), glob).toBeUndefined();
  expect(compileGlob('{a,b}'.repeat(Math.log2(GLOB_ALTERNATIVES_LIMIT)))).toHaveLength(GLOB_ALTERNATIVES_LIMIT);
  expect(compileGlob('{a,b}'.repeat(Math.log2(GLOB_ALTERNATIVES_LIMIT) + 1))).toBeUndefined();
});

const name = fc.stringMatching(/^[a-z.%+ ]{1,6}$/).filter((text) => text !== '.' && text.trim() === text);
const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => `/${names.join('/')}`);

test('a path fits itself, each of its folders, and any tail of it', () => {
  fc.assert(
    fc.property(path, fc.nat(), (text, cut) => {
      const names = text.slice(1).split('/');
      const at = cut % names.length;
      expect(matches(text, text)).toBe(true);
      expect(matches(`/${names.slice(0, at + 1).join('/')}`, text)).toBe(true);
      expect(matches(names.slice(at).join('/'), text)).toBe(true);
      expect(matches(`${names.slice(0, at + 1).join('/')}/**`, `${text}/x`)).toBe(true);
    }),
  );
});

test('stars match what a regular expression of the same meaning does', () => {
  const part = fc.constantFrom('a', 'b', '*', '?', '/', '**/', 'a/');
  const text = fc.stringMatching(/^[ab/]{0,12}$/).map((rest) => `/${rest}`);
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 7 }), text, (parts, script) => {
      // three stars in a row mean something else than their parts, and so does what only seems to be a folder's `**`
      const glob = `/${parts.join('')}`.replace(/\*{2,}(?!\/)/g, '*').replace(/([^/])\*\*\//g, '$1*/').replace(/\/+$/, '');
      fc.pre(!glob.includes('***') && glob !== '');
      const source = glob.replace(/\*\*\/|[*?]/g, (token) => (token === '**/' ? '(?:.*/)?' : token === '*' ? '[^/]*' : '[^/]'));
      expect(matches(glob, script), `${glob} ${script}`).toBe(new RegExp(`^${source}(?:/.*)?$`).test(script));
    }),
    { numRuns: 2_000 },
  );
});

test('a name that goes through a URL is the same path, on POSIX and on Windows', () => {
  fc.assert(
    fc.property(path, (text) => {
      const url = (of: string): string => `file://${of.split('/').map(encodeURIComponent).join('/')}`;
      expect(scriptPath(url(text))).toBe(text);
      expect(scriptPath(`file:///C:${text.split('/').map(encodeURIComponent).join('/')}`)).toBe(`c:${text}`);
      expect(scriptPath(`C:${text.replaceAll('/', '\\')}`)).toBe(`c:${text}`);
    }),
  );
});

test('takes a hostile glob and name without going back and forth', () => {
  const [glob] = compileGlob(`${'*a'.repeat(GLOB_LENGTH_LIMIT / 2 - 1)}b`) ?? [];
  if (glob === undefined) throw new Error('no glob');
  // a backtracking matcher would not come to an end here
  expect(matchesGlob(glob, 'a'.repeat(8_000))).toBe(false);
});

test('anything is a name', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (glob, script) => {
      for (const each of compileGlob(glob) ?? []) matchesGlob(each, scriptPath(script));
    }),
  );
});
