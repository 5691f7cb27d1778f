import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { EDIT_LOG_LIMIT, createDocumentStore } from '../../../src/server/documents';
import type { DocumentStore } from '../../../src/server/documents';

const URI = 'file:///app/a.js';
const TEXT = ['zero', 'one', 'two', 'three', 'four', ''].join('\n');

let now: number;
let store: DocumentStore;

beforeEach(() => {
  now = 1000;
  store = createDocumentStore(() => now, (path) => path);
});

function open(text = TEXT, disk: string | undefined = TEXT): void {
  store.open(URI, 'javascript', 1, text, disk);
}

function change(start: [number, number], end: [number, number], text: string): void {
  const range = { start: { line: start[0], character: start[1] }, end: { line: end[0], character: end[1] } };
  store.change(URI, 2, [{ range, text }]);
}

/** Where a line of the text that a process has run since `startedAt` is now. */
function where(line: number, startedAt = 1500): number | null {
  const located = store.get(URI)?.locate({ line, character: 1 }, startedAt);
  if (located === undefined) throw new Error('not open');
  return located?.line ?? null;
}

describe('a file that was written after the process began', () => {
  const changed = (startedAt: number): boolean | undefined => store.get(URI)?.changedSince(startedAt);

  test('is known to be', () => {
    store.open(URI, 'javascript', 1, TEXT, TEXT, 2000);
    expect([1500, 2500].map(changed)).toEqual([true, false]);
  });

  test('is no surprise when it was saved here: the edits are known', () => {
    open();
    now = 2000;
    change([0, 0], [0, 0], '\n');
    store.save(URI);
    expect([1500, 2500].map(changed)).toEqual([false, false]);
  });
});

describe('a line of a running text', () => {
  test('is where it was in a document that was not edited', () => {
    open();
    expect([0, 3].map((line) => where(line))).toEqual([0, 3]);
  });

  test('follows edits', () => {
    open();
    change([1, 0], [1, 0], 'new\nlines\n');
    expect([0, 1, 3].map((line) => where(line))).toEqual([0, 3, 5]);
  });

  test('follows edits that were saved: the process runs the old text', () => {
    open();
    now = 2000;
    change([0, 0], [0, 0], '\n');
    store.save(URI);
    expect(where(3)).toBe(4);
  });

  test('of a process that began after the save is where that text has it', () => {
    open();
    now = 2000;
    change([0, 0], [0, 0], '\n');
    store.save(URI);
    expect(where(3, 3000)).toBe(3);
    change([0, 0], [0, 0], '\n');
    expect(where(3, 3000)).toBe(4);
    expect(where(3, 1500)).toBe(5);
  });

  test('of a process that began while the document was dirty is that of the disk', () => {
    open();
    change([0, 0], [0, 0], '\n');
    now = 2000;
    expect(where(3, 3000)).toBe(4);
  });

  test('comes back with its deletion undone', () => {
    open();
    change([2, 0], [4, 0], '');
    expect([2, 3, 4].map((line) => where(line))).toEqual([null, null, 2]);
    change([2, 0], [2, 0], 'two\nthree\n');
    expect([2, 3, 4].map((line) => where(line))).toEqual([2, 3, 4]);
  });

  test('follows a document that is opened dirty', () => {
    open(`new\n${TEXT}`);
    expect(where(3)).toBe(4);
  });

  test('follows a replacement of the whole text', () => {
    open();
    store.change(URI, 2, [{ text: TEXT.replace('one', 'one\n\n').replace('four', '  four') }]);
    expect([0, 2, 4].map((line) => where(line))).toEqual([0, 4, 6]);
  });

  test('follows what a formatter replaces as a block', () => {
    open();
    change([0, 0], [5, 0], 'zero\n  one\n\n  two\nthree\nfour\n');
    expect([0, 1, 2, 4].map((line) => where(line))).toEqual([0, 1, 3, 5]);
  });

  test('is looked for again when an unsaved document was closed, and when it changed while closed', () => {
    open();
    change([0, 0], [0, 0], '\n\n');
    store.close(URI);
    expect(store.get(URI)).toBeUndefined();
    open();
    expect(where(3)).toBe(3);
    store.close(URI);
    now = 4000;
    open(`by another\n${TEXT}`, `by another\n${TEXT}`);
    expect(where(3)).toBe(4);
    expect(where(3, 5000)).toBe(3);
  });

  test('follows more edits than are remembered', () => {
    open();
    for (let i = 0; i < EDIT_LOG_LIMIT + 10; i++) change([0, 0], [0, 0], '\n');
    expect(where(3)).toBe(EDIT_LOG_LIMIT + 13);
  });

  test('is found under the name without symbolic links, too', () => {
    const linked = createDocumentStore(() => now, () => '/real/a.js');
    linked.open(URI, 'javascript', 1, TEXT, TEXT);
    expect(linked.get(URI)?.paths).toEqual(['/app/a.js', '/real/a.js']);
  });

  test('does not exist in a document without a file', () => {
    store.open('untitled:Untitled-1', 'javascript', 1, '', undefined);
    expect(store.all()).toEqual([]);
  });
});

test('any sequence of edits leaves unique lines findable', () => {
  const edits = fc.array(fc.record({ at: fc.nat(), length: fc.nat(3), lines: fc.nat(3), column: fc.boolean() }), { maxLength: 25 });
  fc.assert(
    fc.property(edits, (changes) => {
      const lines = Array.from({ length: 12 }, (_, index) => `line ${index}`);
      const text = lines.join('\n');
      const each = createDocumentStore(() => 0, (path) => path);
      each.open(URI, 'javascript', 1, text, text);
      let mirror = TextDocument.create(URI, 'javascript', 1, text);
      changes.forEach(({ at, length, lines: count, column }, index) => {
        const line = at % mirror.lineCount;
        const end = Math.min(mirror.lineCount - 1, line + length);
        // Whole lines, or from the end of a line to that of another.
        const width = (which: number): number => mirror.getText({ start: { line: which, character: 0 }, end: { line: which + 1, character: 0 } }).replace(/\n$/, '').length;
        const range = column
          ? { start: { line, character: width(line) }, end: { line: end, character: width(end) } }
          : { start: { line, character: 0 }, end: { line: end, character: 0 } };
        const inserted = Array.from({ length: count }, (_, i) => `new ${index}.${i}`);
        const change = { range, text: inserted.map((each) => (column ? `\n${each}` : `${each}\n`)).join('') };
        each.change(URI, index + 2, [change]);
        mirror = TextDocument.update(mirror, [change], index + 2);
      });
      const now = mirror.getText().split('\n');
      lines.forEach((line, index) => {
        const located = each.get(URI)?.locate({ line: index, character: 0 }, 0);
        const present = now.indexOf(line);
        // What is still there is found where it is; what is gone may be found on a line that took its place.
        if (present >= 0) expect(located?.line).toBe(present);
      });
    }),
    { numRuns: 300 },
  );
});
