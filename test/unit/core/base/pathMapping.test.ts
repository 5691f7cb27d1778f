import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPathMapper } from '../../../../src/core/base/pathMapping';

test.each([
  ['/app/src/a.js', '/home/me/src/a.js'],
  ['/app/src/deep/a.js', '/home/me/src/deep/a.js'],
  ['file:///app/src/a%20b.mjs', '/home/me/src/a b.mjs'],
  ['/app/src//./x/../a.js', '/home/me/src/a.js'],
  ['/app/lib/a.js', '/home/me/all/lib/a.js'],
  ['/app/srcs/a.js', '/home/me/all/srcs/a.js'],
  ['C:\\srv\\a.js', '/home/me/srv/a.js'],
  ['file:///c:/srv/x/a.mjs', '/home/me/srv/x/a.mjs'],
  ['/application/a.js', undefined],
  ['/app', undefined],
  ['/app/src/../../etc/passwd', undefined],
  ['node:fs', undefined],
  ['evalmachine.<anonymous>', undefined],
  ['file://server/app/a.js', undefined],
])('%s is %s', (script, local) => {
  const map = createPathMapper({ '/app': '/home/me/all/', '/app/src/': '/home/me/src', 'c:\\srv': '/home/me/srv', relative: '/x', '/empty': '' });
  expect(map(script)).toBe(local);
});

test('a Windows directory keeps its separators', () => {
  expect(createPathMapper({ '/app': 'C:\\work\\app' })('/app/src/a.js')).toBe('C:\\work\\app\\src\\a.js');
});

test('the root can be mapped', () => {
  expect(createPathMapper({ '/': '/mnt/image' })('/app/a.js')).toBe('/mnt/image/app/a.js');
});

const segment = fc.constantFrom('a', 'b', 'c', '..', '.', '', 'x y', '%2e%2e');
const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => `/${segments.join('/')}`);

test('no name leads out of the directory, and the longest mapping is the one that counts', () => {
  fc.assert(
    fc.property(fc.dictionary(path, fc.constantFrom('/one', '/two', '/three'), { maxKeys: 4 }), path, fc.boolean(), (mappings, script, asUrl) => {
      const local = createPathMapper(mappings)(asUrl ? `file://${script}` : script);
      if (local === undefined) return;
      expect(local).toMatch(/^\/(?:one|two|three)\/./);
      expect(local.split('/')).not.toContain('..');
      // what another mapping would make of it leaves more of the name over
      for (const [remote, directory] of Object.entries(mappings)) {
        const other = createPathMapper({ [remote]: directory })(asUrl ? `file://${script}` : script);
        if (other !== undefined) expect(local.split('/').length).toBeLessThanOrEqual(other.split('/').length);
      }
    }),
  );
});
