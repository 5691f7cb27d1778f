/** Text in terminal columns. */

// Wide characters of East Asia and emoji take two columns. The blocks are those of Unicode's East Asian Width W and F.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const MARK = /\p{Mark}/u;

/** Columns that `text` takes, which holds no control characters. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** Cuts the end off. */
export function clipEnd(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  return `${take(text, columns - 1)}…`;
}

/** Cuts the beginning off, which matters least of a path. */
export function clipStart(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  const characters = Array.from(text);
  let start = characters.length;
  for (let width = 0; start > 0; start--) {
    width += widthOf(characters[start - 1] ?? '');
    if (width > columns - 1) break;
  }
  return `…${characters.slice(start).join('')}`;
}

export function pad(text: string, columns: number, align: 'left' | 'right'): string {
  const blank = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return align === 'left' ? text + blank : blank + text;
}

function take(text: string, columns: number): string {
  let width = 0;
  let taken = '';
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) break;
    taken += character;
  }
  return taken;
}

function widthOf(character: string): number {
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
