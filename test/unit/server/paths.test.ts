import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pathOfFileUrl, pathOfScript, urlOfPath } from '../../../src/server/paths';

describe.skipIf(process.platform === 'win32')('paths', () => {
  test.each([
    ['/app/a.js', '/app/a.js'],
    ['file:///app/a%20b.mjs', '/app/a b.mjs'],
    ['file://localhost/app/a.js', '/app/a.js'],
    ['file://server/share/a.js', undefined],
    ['file:///app/%2Fa.js', undefined],
    ['node:fs', undefined],
    ['https://example.org/a.js', undefined],
    ['a.js', undefined],
    ['[eval]', undefined],
    ['', undefined],
  ])('of the script %j: %j', (script, path) => {
    expect(pathOfScript(script)).toBe(path);
  });

  test('come back from their URLs', () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const path = `/${segments.join('/')}`;
        return pathOfFileUrl(urlOfPath(path)) === path;
      }),
    );
  });

  test('are found in anything without an exception', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string().map((text) => `file:///${text}`)), (text) => {
        const path = pathOfScript(text);
        return path === undefined || path.startsWith('/');
      }),
    );
  });
});
