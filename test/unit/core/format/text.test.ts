import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NAME_LIMIT, clip, displayName, stripControls } from '../../../../src/core/format/text';

describe('text of a target', () => {
  test.each([
    ['plain', 'plain'],
    ['größer 漢字 😀', 'größer 漢字 😀'],
    ['\u001b[2J\u0007', '�[2J�'],
    ['a\u009b31mb', 'a�31mb'],
    ['line\nbreak\u2028x', 'line�break�x'],
    ['abc\u202etxt.exe', 'abc�txt.exe'],
    ['zero\u200bwidth\ufeff', 'zero�width�'],
    ['\ud800alone', '�alone'],
  ])('%j is shown as %j', (text, shown) => {
    expect(stripControls(text)).toBe(shown);
  });

  test('never holds anything that a terminal acts on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = displayName(text);
        return !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(shown) && !/\p{Surrogate}/u.test(shown) && shown.length <= NAME_LIMIT;
      }),
    );
  });

  test('is cut visibly and between characters', () => {
    expect(clip('abcdef', 4)).toBe('abc…');
    expect(clip('abcd', 4)).toBe('abcd');
    expect(clip('ab😀cd', 4)).toBe('ab…');
    expect(clip('abc', 0)).toBe('');
  });
});
