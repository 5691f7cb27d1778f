import fc from 'fast-check';
import { expect, test } from 'vitest';
import { languageOf, missingText, parseScriptQuery, scriptUriParts, sourceNamed } from '../../../src/host/editor/scriptUri';

const text = fc.string({ unit: 'binary' });

test('an address is what was put in, whatever the names are', () => {
  fc.assert(
    fc.property(text, text, (sessionId, file) => {
      expect(parseScriptQuery(scriptUriParts({ sessionId, file }).query)).toEqual({ sessionId, file });
    }),
  );
});

test('a title is one short segment without anything that cannot be seen', () => {
  fc.assert(
    fc.property(text, (file) => {
      const [, , title = '', ...rest] = scriptUriParts({ sessionId: 'session-1', file }).path.split('/');
      expect(rest).toEqual([]);
      expect(title).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u202e]{1,200}$/);
    }),
  );
});

test.each(['', '{}', '["a"]', '["a",1]', '["a","b","c"]', 'null', '"'])('%s is no address', (query) => {
  expect(parseScriptQuery(query)).toBeUndefined();
});

test.each([
  ['/app/a.ts', 'typescript'],
  ['/app/a.MTS', 'typescript'],
  ['/app/a.tsx', 'typescriptreact'],
  ['/app/a.jsx', 'javascriptreact'],
  ['/app/a.cjs', 'javascript'],
  ['evalmachine.<anonymous>', 'javascript'],
])('%s is %s', (file, language) => {
  expect(languageOf(file)).toBe(language);
});

test('what is missing is told in comments only, and whole', () => {
  fc.assert(
    fc.property(text, text, (file, message) => {
      for (const line of missingText(file, message).trimEnd().split(/[\n\r\u2028\u2029]/)) expect(line).toMatch(/^\/\//);
    }),
  );
  const message = `${'many words '.repeat(40)}end.`;
  expect(missingText('a.js', message).replace(/\n\/\/ /g, ' ')).toContain(message);
});

test('a source of the debugger is taken only where it is the one of that name', () => {
  const source = { name: 'evalmachine.<anonymous>', path: 'evalmachine.<anonymous>', sourceReference: 7 };
  expect(sourceNamed([{ name: 'a.js', path: '/a.js', sourceReference: 0 }, source], 'evalmachine.<anonymous>')).toBe(source);
  const internal = { name: `<node_internals>/${source.name}`, path: `<node_internals>/${source.name}`, sourceReference: 9 };
  expect(sourceNamed([internal], 'evalmachine.<anonymous>')).toBe(internal);
  expect(sourceNamed([source, internal], 'evalmachine.<anonymous>')).toBeUndefined();
  expect(sourceNamed([source, { ...source, sourceReference: 8 }], 'evalmachine.<anonymous>')).toBeUndefined();
  expect(sourceNamed([{ ...source, sourceReference: 0 }], 'evalmachine.<anonymous>')).toBeUndefined();
  expect(sourceNamed([], 'evalmachine.<anonymous>')).toBeUndefined();
});
