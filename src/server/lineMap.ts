/**
 * How positions move when a text is edited. A process keeps running the text that it loaded; what the editor shows has
 * changed since. Positions here are 0-based, as in LSP.
 */

export interface Position {
  readonly line: number;
  readonly character: number;
}

/** The text between `start` and `end` became one that ends at `newEnd`. */
export interface Edit {
  readonly start: Position;
  readonly end: Position;
  readonly newEnd: Position;
}

export function comparePositions(a: Position, b: Position): number {
  return a.line - b.line || a.character - b.character;
}

/** Where `position` stands after `edit`; null when its line was deleted. */
export function mapPosition(position: Position, edit: Edit): Position | null {
  if (comparePositions(position, edit.start) < 0) return position;
  if (comparePositions(position, edit.end) >= 0) {
    const line = position.line + edit.newEnd.line - edit.end.line;
    const character =
      position.line === edit.end.line ? position.character + edit.newEnd.character - edit.end.character : position.character;
    return { line, character };
  }
  // Inside of what was replaced. A line that keeps something of its own is still that line, and lines that were replaced
  // by as many others are rather changed than gone.
  const keepsItsHead = edit.start.character > 0 || edit.end.line === edit.start.line;
  if (position.line === edit.start.line && keepsItsHead) return edit.start;
  return edit.end.line === edit.newEnd.line ? position : null;
}

/** Where `text`, inserted at `start`, ends. */
export function endOfInserted(start: Position, text: string): Position {
  const lines = splitLines(text);
  const last = lines[lines.length - 1] ?? '';
  return lines.length === 1
    ? { line: start.line, character: start.character + last.length }
    : { line: start.line + lines.length - 1, character: last.length };
}

/** Lines without their ends. */
export function splitLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/);
}

/**
 * Edits of whole lines that turn `before` into `after`, to be applied in this order. Used where a whole document or a
 * large range is replaced, as formatters do and as happens between closing and opening a file. Lines that differ in
 * white space only are the same line. What is equal at both ends stays, then what is equal and unique on both sides
 * (a patience diff): quick, and stable for code.
 * @param firstLine line of `before[0]` in its document.
 */
export function diffLines(before: readonly string[], after: readonly string[], firstLine = 0): Edit[] {
  const old = before.map((line) => line.trim());
  const now = after.map((line) => line.trim());
  const pairs: [number, number][] = [];
  matchLines(old, 0, old.length, now, 0, now.length, pairs);
  pairs.push([old.length, now.length]);
  const edits: Edit[] = [];
  let from = 0;
  let to = 0;
  for (const [left, right] of pairs) {
    if (left > from || right > to) {
      edits.push({
        start: { line: firstLine + from, character: 0 },
        end: { line: firstLine + left, character: 0 },
        newEnd: { line: firstLine + from + right - to, character: 0 },
      });
    }
    from = left + 1;
    to = right + 1;
  }
  // From the bottom up, so that each edit is still in the lines of `before`.
  return edits.reverse();
}

/** Appends pairs of equal lines of two ranges to `pairs`, ascending on both sides. */
function matchLines(
  old: readonly string[],
  oldStart: number,
  oldEnd: number,
  now: readonly string[],
  nowStart: number,
  nowEnd: number,
  pairs: [number, number][],
): void {
  while (oldStart < oldEnd && nowStart < nowEnd && old[oldStart] === now[nowStart]) pairs.push([oldStart++, nowStart++]);
  let tail = 0;
  while (oldEnd - tail > oldStart && nowEnd - tail > nowStart && old[oldEnd - tail - 1] === now[nowEnd - tail - 1]) tail++;
  const anchors = longestAscending(uniquePairs(old, oldStart, oldEnd - tail, now, nowStart, nowEnd - tail));
  let from = oldStart;
  let to = nowStart;
  for (const [left, right] of anchors) {
    if (left < from || right < to) continue;
    matchLines(old, from, left + 1, now, to, right + 1, pairs);
    from = left + 1;
    to = right + 1;
  }
  for (let i = tail; i > 0; i--) pairs.push([oldEnd - i, nowEnd - i]);
}

/** Lines that occur once in each range, in the order of the old one. */
function uniquePairs(
  old: readonly string[],
  oldStart: number,
  oldEnd: number,
  now: readonly string[],
  nowStart: number,
  nowEnd: number,
): [number, number][] {
  if (oldStart >= oldEnd || nowStart >= nowEnd) return [];
  const inOld = uniqueLines(old, oldStart, oldEnd);
  const inNow = uniqueLines(now, nowStart, nowEnd);
  return [...inOld].flatMap(([text, left]): [number, number][] => {
    const right = inNow.get(text);
    return left < 0 || right === undefined || right < 0 ? [] : [[left, right]];
  });
}

/** Index of each line's text; -1 for a text that comes more than once. */
function uniqueLines(lines: readonly string[], start: number, end: number): Map<string, number> {
  const found = new Map<string, number>();
  for (let i = start; i < end; i++) {
    const text = lines[i] ?? '';
    found.set(text, found.has(text) ? -1 : i);
  }
  return found;
}

/** The longest subsequence whose right sides ascend; the left ones do already. */
function longestAscending(pairs: readonly [number, number][]): [number, number][] {
  const tops: number[] = [];
  const previous: number[] = [];
  pairs.forEach(([, right], index) => {
    let low = 0;
    let high = tops.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tops[middle] ?? 0]?.[1] ?? 0) < right) low = middle + 1;
      else high = middle;
    }
    previous[index] = low > 0 ? (tops[low - 1] ?? -1) : -1;
    tops[low] = index;
  });
  const result: [number, number][] = [];
  for (let index = tops[tops.length - 1] ?? -1; index >= 0; index = previous[index] ?? -1) {
    const pair = pairs[index];
    if (pair) result.push(pair);
  }
  return result.reverse();
}
