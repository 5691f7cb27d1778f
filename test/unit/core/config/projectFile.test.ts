import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TASK_KINDS } from '../../../../src/core/model/task';
import type { HideEntry } from '../../../../src/core/config/projectFile';
import { addHideEntries, HIDE_ENTRY_LIMIT, parseProjectFile, PROJECT_FILE_LENGTH_LIMIT, ProjectFileError, removeHideEntries } from '../../../../src/core/config/projectFile';

const ENTRY: HideEntry = { file: 'src/a.ts', function: 'f', kind: 'promise', line: 4, reason: 'a pool' };

/** Written by hand: comments, a trailing comma, things that nobody here knows. */
const BY_HAND = `// Ours.
{
  "version": 1,
  "team": { "x": [1, 2] }, // not ours
  "hide": [
    /* the pool */
    { "file": "src/pool.ts", "reason": "keeps ten" },
  ],
  "origin": { "app": ["packages/**"] }
}
`;

describe('reading .asyncscope.json', () => {
  it('takes what is written by hand', () => {
    expect(parseProjectFile(BY_HAND)).toEqual({
      config: { hide: [{ file: 'src/pool.ts', reason: 'keeps ten' }], origin: { app: ['packages/**'] } },
      problems: [],
    });
  });

  it('takes an empty file for an empty configuration', () => {
    expect(parseProjectFile(' \n')).toEqual({ config: { hide: [], origin: {} }, problems: [] });
  });

  it.each([
    ['{\n  "hide": [\n    { "file": "a.ts" }\n    { "file": "b.ts" }\n  ]\n}', 'This is not JSON: comma expected.', 4, 5],
    ['{ "hide": [', 'This is not JSON: close bracket expected.', 1, 12],
    ['[]', 'The file holds one object', 1, 1],
    ['{"hide": ["\\q"]}', 'This is not JSON: invalid escape character.', 1, 11],
    [' '.repeat(PROJECT_FILE_LENGTH_LIMIT) + '{}', 'The file is longer than', 1, 1],
  ])('tells where a damaged one is damaged', (text, message, line, column) => {
    const { config, problems } = parseProjectFile(text);
    expect(config).toBeUndefined();
    expect(problems).toMatchObject([{ line, column }]);
    expect(problems[0]?.message).toContain(message);
  });

  it.each([
    ['{"hide": {}}', '"hide" is a list'],
    ['{"hide": [7]}', 'An entry of "hide" is an object'],
    ['{"hide": [{}]}', 'An entry names a "file" or a "function"'],
    ['{"hide": [{"function": null}]}', 'An entry names a "file" or a "function"'],
    ['{"hide": [{"file": 7}]}', '"file" is a path'],
    ['{"hide": [{"file": "a", "function": 7}]}', '"function" is a name'],
    ['{"hide": [{"file": "a", "kind": "promises"}]}', '"kind" is one of promise,'],
    ['{"hide": [{"file": "a", "line": 0}]}', '"line" is a line number'],
    ['{"hide": [{"file": "a", "reason": null}]}', '"reason" is a text'],
    ['{"origin": []}', '"origin" is an object'],
    ['{"origin": {"app": "x"}}', '"app" is a list of globs'],
    ['{"version": 2}', '"version" is 1'],
  ])('complains of %s and leaves that out', (text, message) => {
    const { config, problems } = parseProjectFile(text);
    expect(config).toEqual({ hide: [], origin: {} });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain(message);
  });

  it('says where a glob is none, and keeps the others', () => {
    const { config, problems } = parseProjectFile('{"origin": {"app": ["src/**", "{a"]}}');
    expect(config?.origin.app).toContain('src/**');
    expect(problems).toMatchObject([{ line: 1, column: 31, message: expect.stringContaining('"{a" is no glob') as string }]);
  });

  it('keeps the good entries beside a bad one', () => {
    const { config, problems } = parseProjectFile('{"hide": [{"file": "a"}, {"line": "x"}, {"function": "g"}]}');
    expect(config?.hide).toEqual([{ file: 'a', reason: '' }, { function: 'g', reason: '' }]);
    expect(problems).toMatchObject([{ line: 1, column: 35 }]);
  });

  it('reads so many entries and no more', () => {
    const { config, problems } = parseProjectFile(JSON.stringify({ hide: Array.from({ length: HIDE_ENTRY_LIMIT + 1 }, () => ENTRY) }));
    expect(config?.hide).toHaveLength(HIDE_ENTRY_LIMIT);
    expect(problems).toHaveLength(1);
  });

  it('never throws', () => {
    const piece = fc.constantFrom('{', '}', '[', ']', '"hide"', '"file"', ':', ',', '"a"', '1', 'null', '//', '/*', '\n', '"', '\\', '"origin"', '"version"');
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.array(piece).map((pieces) => pieces.join('')), fc.json()), (text) => {
        const { config, problems } = parseProjectFile(text);
        expect(config !== undefined || problems.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('writing .asyncscope.json', () => {
  it('makes the file', () => {
    const text = addHideEntries(undefined, [ENTRY]);
    expect(text).toBe(`{
  "version": 1,
  "hide": [
    {
      "file": "src/a.ts",
      "function": "f",
      "kind": "promise",
      "line": 4,
      "reason": "a pool"
    }
  ]
}
`);
    expect(parseProjectFile(text)).toEqual({ config: { hide: [ENTRY], origin: {} }, problems: [] });
  });

  it('leaves comments and what it does not know as they are', () => {
    const text = addHideEntries(BY_HAND, [ENTRY]);
    for (const part of ['// Ours.', '"team": { "x": [1, 2] }, // not ours', '/* the pool */', '{ "file": "src/pool.ts", "reason": "keeps ten" }', '"origin": { "app": ["packages/**"] }']) {
      expect(text).toContain(part);
    }
    expect(parseProjectFile(text).config?.hide).toEqual([{ file: 'src/pool.ts', reason: 'keeps ten' }, ENTRY]);
    expect(parseProjectFile(text).problems).toEqual([]);
  });

  it.each([
    ['', '\n  '],
    ['{ "file": "b.ts", "reason": "x" } // b\n', ''],
    ['\n    // nothing yet\n  ', ''],
    ['{ "file": "b.ts", "reason": "x" } /* , */ ,', ''],
  ])('takes out what it put in, and nothing else: %s', (inside, left) => {
    const text = `{\n  "hide": [${inside}]\n}\n`;
    const longer = addHideEntries(text, [ENTRY]);
    expect(parseProjectFile(longer).problems).toEqual([]);
    const removed = removeHideEntries(longer, [ENTRY]);
    expect(parseProjectFile(removed)).toEqual(parseProjectFile(text));
    for (const comment of inside.match(/\/\/.*|\/\*.*?\*\//g) ?? []) expect(removed).toContain(comment);
    if (left !== '') expect(removed).toBe(`{\n  "hide": [${left}]\n}\n`);
  });

  it.each(['{ "file": "b.ts" } // b', '{ "file": "b.ts" }, // b'])('leaves the comment at the end of a line on its line: %s', (item) => {
    const text = addHideEntries(`{\n  "hide": [\n    ${item}\n  ]\n}\n`, [ENTRY]);
    expect(text).toContain('    { "file": "b.ts" }, // b\n    {\n');
    expect(parseProjectFile(text)).toMatchObject({ config: { hide: [{ file: 'b.ts' }, ENTRY] }, problems: [] });
  });

  it('takes out the first and the middle one', () => {
    const others = [{ file: 'b.ts', reason: '' }, { file: 'c.ts', reason: '' }, { file: 'd.ts', reason: '' }];
    const text = addHideEntries(undefined, others);
    for (const [index, other] of others.entries()) expect(removeHideEntries(text, [other])).toBe(addHideEntries(undefined, others.toSpliced(index, 1)));
  });

  it('adds the list where there is none', () => {
    expect(parseProjectFile(addHideEntries('{ "origin": { "node": ["x"] } }', [ENTRY])).config).toEqual({ hide: [ENTRY], origin: { node: ['x'] } });
  });

  it.each([
    ['{ "hide": [ }', 'damaged'],
    ['{ "hide": {} }', 'damaged'],
    ['{ "version": 2, "hide": [] }', 'newer'],
  ])('refuses %s', (text, reason) => {
    expect(() => addHideEntries(text, [ENTRY])).toThrow(expect.objectContaining({ name: ProjectFileError.name, reason }));
  });

  it('says when there is nothing to take out', () => {
    expect(() => removeHideEntries('{ "hide": [] }', [ENTRY])).toThrow(expect.objectContaining({ reason: 'not there' }));
  });

  it('gives back what it took, whatever it is', () => {
    const entry = fc.record(
      { file: fc.string({ minLength: 1 }), function: fc.option(fc.string()), kind: fc.constantFrom(...TASK_KINDS), line: fc.integer({ min: 1, max: 1e6 }), reason: fc.string() },
      { requiredKeys: ['file', 'reason'] },
    ) as fc.Arbitrary<HideEntry>;
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), entry, fc.constantFrom('\n', '\r\n'), (entries, last, eol) => {
        const before = addHideEntries(undefined, entries).replaceAll('\n', eol);
        const text = addHideEntries(before, [last]);
        expect(parseProjectFile(text).config?.hide).toEqual([...entries, last]);
        expect(parseProjectFile(removeHideEntries(text, [last])).config?.hide).toHaveLength(entries.length);
      }),
    );
  });
});
