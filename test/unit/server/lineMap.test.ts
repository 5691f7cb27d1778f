import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffLines, endOfInserted, mapPosition } from '../../../src/server/lineMap';
import type { Edit, Position } from '../../../src/server/lineMap';

function edit(start: [number, number], end: [number, number], text: string): Edit {
  const from = { line: start[0], character: start[1] };
  return { start: from, end: { line: end[0], character: end[1] }, newEnd: endOfInserted(from, text) };
}

function moved(line: number, character: number, change: Edit): [number, number] | null {
  const position = mapPosition({ line, character }, change);
  return position && [position.line, position.character];
}

describe('a position', () => {
  test.each<[string, [number, number], Edit, [number, number] | null]>([
    ['before an edit stays', [3, 4], edit([3, 5], [3, 5], 'x\n'), [3, 4]],
    ['is pushed by what is typed before it', [3, 4], edit([3, 2], [3, 2], 'ab'), [3, 6]],
    ['is pushed by what is typed at it', [3, 4], edit([3, 4], [3, 4], 'ab'), [3, 6]],
    ['goes down with a line break before it', [3, 4], edit([3, 2], [3, 2], '\n  '), [4, 4]],
    ['goes down with a line above', [3, 4], edit([2, 9], [2, 9], '\nnew'), [4, 4]],
    ['goes down with a line put at its beginning', [3, 4], edit([3, 0], [3, 0], 'new\r\n'), [4, 4]],
    ['goes up when lines above are deleted', [3, 4], edit([0, 0], [2, 0], ''), [1, 4]],
    ['joins the line above', [3, 4], edit([2, 5], [3, 2], ''), [2, 7]],
    ['stays on its line when it is overwritten there', [3, 4], edit([3, 2], [3, 8], 'other'), [3, 2]],
    ['is gone with its line', [3, 4], edit([3, 0], [4, 0], ''), null],
    ['is gone with the lines around it', [3, 4], edit([2, 1], [5, 1], ''), null],
    ['stays on the head of its line', [3, 8], edit([3, 4], [5, 1], ''), [3, 4]],
    ['stays when its lines are replaced by as many', [3, 4], edit([2, 0], [5, 0], 'a\nb\nc\n'), [3, 4]],
  ])('%s', (_, [line, character], change, expected) => {
    expect(moved(line, character, change)).toEqual(expected);
  });
});

describe('edits of a text', () => {
  test('move every line that stays to where it is then', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 4 });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), fc.nat(), fc.nat(), fc.array(line, { maxLength: 4 }), (texts, a, b, inserted) => {
        // Each line is unique by its number, so that it is known again.
        const before = texts.map((text, index) => `${text}#${index}`);
        const from = a % before.length;
        const to = from + (b % (before.length - from + 1));
        const after = [...before.slice(0, from), ...inserted, ...before.slice(to)];
        const change = { start: at(from), end: at(to), newEnd: at(from + inserted.length) };
        before.forEach((text, index) => {
          const position = mapPosition(at(index), change);
          if (index < from || index >= to) expect(after[position?.line ?? -1]).toBe(text);
        });
      }),
    );
  });
});

describe('the difference of two texts', () => {
  test('keeps lines that stay, also where they were indented', () => {
    expect(follow(['a', 'b', 'c', 'd'], ['new', 'a', '  b', 'x', 'y', 'd'])).toEqual({ a: 'a', b: '  b', c: undefined, d: 'd' });
  });

  test('is empty for equal texts', () => {
    expect(diffLines(['a', '', 'a'], ['a', '', 'a'])).toEqual([]);
  });

  test('counts from the given line', () => {
    expect(diffLines(['a'], ['b', 'a'], 10)).toEqual([{ start: at(10), end: at(10), newEnd: at(11) }]);
  });

  test('never takes a line for another one', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', '', '}', 'unique1', 'unique2', 'unique3'), { maxLength: 15 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const edits = diffLines(before, after);
        let length = before.length;
        for (const { start, end, newEnd } of edits) {
          expect(start.line).toBeLessThanOrEqual(end.line);
          length += newEnd.line - end.line;
        }
        expect(length).toBe(after.length);
        before.forEach((text, index) => {
          const inHunk = edits.some(({ start, end }) => index >= start.line && index < end.line);
          if (inHunk) return;
          const position = edits.reduce<Position | null>((current, change) => current && mapPosition(current, change), at(index));
          expect(after[position?.line ?? -1]).toBe(text);
        });
      }),
    );
  });
});

function at(line: number): Position {
  return { line, character: 0 };
}

/** What stands where each line of `before` has gone. */
function follow(before: readonly string[], after: readonly string[]): Record<string, string | undefined> {
  const edits = diffLines(before, after);
  return Object.fromEntries(
    before.map((text, index) => {
      const position = edits.reduce<Position | null>((current, change) => current && mapPosition(current, change), at(index));
      return [text, position ? after[position.line] : undefined];
    }),
  );
}
