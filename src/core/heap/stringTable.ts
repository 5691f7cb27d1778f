/**
 * The strings of a snapshot, kept as the bytes of the file: JSON strings in UTF-8, with their quotes. Most of them are never
 * looked at, so they are decoded when asked for, and two million strings are two typed arrays instead of two million objects.
 */
import type { StringIndex, StringTable } from './heapGraph';
import { SnapshotError } from './snapshotError';

const PAGE_BITS = 20;
/** Bytes that are added at a time. Strings run across the ends of pages. */
const PAGE_BYTES = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_BYTES - 1;
/** Offsets of strings are 32 bits wide; beyond that a snapshot is refused as too large. Bytes. */
const MOST_BYTES = 0xffffffff;
const FIRST_CAPACITY = 1024;
/** Decoded strings that are remembered, a power of two: passes ask for the same few again and again. */
const REMEMBERED = 4096;
/** Most UTF-16 units that are made a string in one call: what a call can have as arguments. */
const UNITS_PER_CALL = 4096;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const REPLACEMENT = 0xfffd;

/** Grows while a snapshot is read, and is the table of its strings after that. */
export class StringBytes implements StringTable {
  readonly #pages: Uint8Array[] = [];
  #length = 0;
  #starts = new Uint32Array(FIRST_CAPACITY);
  #count = 0;
  #units = new Uint16Array(UNITS_PER_CALL);
  readonly #rememberedIndex = new Int32Array(REMEMBERED).fill(-1);
  readonly #rememberedText: string[] = [];
  /** What was looked for. */
  readonly #found = new Map<string, StringIndex | undefined>();

  get count(): number {
    return this.#count;
  }

  /** Bytes that were added. */
  get length(): number {
    return this.#length;
  }

  /** Says that a string begins at `offset`, counted in the bytes that were and will be added, just after its opening quote. */
  begin(offset: number): void {
    if (offset > MOST_BYTES) throw new SnapshotError('too large', 'The strings of this snapshot take more than 4 GB, which cannot be read.');
    if (this.#count === this.#starts.length) {
      const grown = new Uint32Array(this.#starts.length * 2);
      grown.set(this.#starts);
      this.#starts = grown;
    }
    this.#starts[this.#count++] = offset;
  }

  /** Adds a copy of these bytes. The closing quote of each string has to be among them in the end. */
  add(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      const offset = this.#length % PAGE_BYTES;
      if (offset === 0) this.#pages.push(new Uint8Array(PAGE_BYTES));
      const size = Math.min(to - at, PAGE_BYTES - offset);
      this.#pages[this.#pages.length - 1]?.set(bytes.subarray(at, at + size), offset);
      at += size;
      this.#length += size;
    }
  }

  /** An index that the snapshot does not have gives the empty string. */
  get(index: StringIndex): string {
    if (!(index >= 0 && index < this.#count)) return '';
    const slot = index % REMEMBERED;
    if (this.#rememberedIndex[slot] === index) return this.#rememberedText[slot] ?? '';
    const text = this.#decode(this.#starts[index] ?? 0);
    this.#rememberedIndex[slot] = index;
    this.#rememberedText[slot] = text;
    return text;
  }

  /** Once all strings were added: what was found is remembered. */
  find(texts: readonly string[]): readonly (StringIndex | undefined)[] {
    const found = this.#found;
    const byFirst: number[][][] = [];
    const known = found.size;
    for (const text of texts) {
      if (found.has(text)) continue;
      found.set(text, undefined);
      const units = plainPrefix(text);
      (byFirst[units[0] ?? QUOTE] ??= []).push(units);
    }
    const end = found.size > known ? this.#count : 0;
    for (let index = 0; index < end; index++) {
      const start = this.#starts[index] ?? 0;
      const first = this.#byte(start);
      if (this.#mayBeOne(start, byFirst[first]) || isWritten(first)) {
        const text = this.#decode(start);
        if (found.has(text) && found.get(text) === undefined) found.set(text, index as StringIndex);
      }
    }
    return texts.map((text) => found.get(text));
  }

  /** Whether the string is one of the candidates, or begins as one does and goes on with an escape or other than ASCII. */
  #mayBeOne(start: number, candidates: readonly (readonly number[])[] | undefined): boolean {
    if (candidates === undefined) return false;
    for (const units of candidates) {
      for (let i = 0; ; i++) {
        const byte = this.#byte(start + i);
        if (isWritten(byte)) return true;
        if (i === units.length) {
          if (byte === QUOTE) return true;
          break;
        }
        if (byte !== units[i]) break;
      }
    }
    return false;
  }

  /** Beyond the end there are quotes, so that every string ends. */
  #byte(offset: number): number {
    if (offset >= this.#length) return QUOTE;
    return this.#pages[offset >>> PAGE_BITS]?.[offset & PAGE_MASK] ?? QUOTE;
  }

  /** What JSON makes of it, except that it cannot fail: what is no escape stands for itself, what is no UTF-8 is U+FFFD. */
  #decode(start: number): string {
    let text = '';
    let count = 0;
    let at = start;
    const units = this.#units;
    for (;;) {
      // at most two units are added in one round
      if (count + 2 > UNITS_PER_CALL) {
        text += String.fromCharCode.apply(null, units.subarray(0, count) as unknown as number[]);
        count = 0;
      }
      const byte = this.#byte(at++);
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        const letter = this.#byte(at++);
        const unit = letter === LETTER_U ? this.#hex(at) : -1;
        if (unit >= 0) {
          units[count++] = unit;
          at += 4;
        } else units[count++] = ESCAPES[letter] ?? letter;
      } else if (byte < 0x80) units[count++] = byte;
      else {
        const point = this.#codePoint(byte, at);
        at += continuationsOf(point);
        if (point > 0xffff) {
          units[count++] = 0xd800 + ((point - 0x10000) >>> 10);
          units[count++] = 0xdc00 + ((point - 0x10000) & 0x3ff);
        } else units[count++] = point < 0 ? REPLACEMENT : point;
      }
    }
    return text + String.fromCharCode.apply(null, units.subarray(0, count) as unknown as number[]);
  }

  /** Four hexadecimal digits; -1 when there are other characters. */
  #hex(at: number): number {
    let unit = 0;
    for (let i = 0; i < 4; i++) {
      const digit = this.#byte(at + i);
      const lower = digit | 0x20;
      if (digit >= 0x30 && digit <= 0x39) unit = unit * 16 + digit - 0x30;
      else if (lower >= 0x61 && lower <= 0x66) unit = unit * 16 + lower - 0x61 + 10;
      else return -1;
    }
    return unit;
  }

  /** The code point that begins with the byte `lead`, followed by the bytes at `at`; -1 when that is no UTF-8 (RFC 3629). */
  #codePoint(lead: number, at: number): number {
    const length = lead >= 0xf0 && lead < 0xf5 ? 3 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xc2 && lead < 0xe0 ? 1 : 0;
    if (length === 0) return -1;
    let point = lead & (0x3f >> length);
    for (let i = 0; i < length; i++) {
      const byte = this.#byte(at + i);
      if ((byte & 0xc0) !== 0x80) return -1;
      point = point * 64 + (byte & 0x3f);
    }
    const least = length === 3 ? 0x10000 : length === 2 ? 0x800 : 0x80;
    return point < least || point > 0x10ffff || (point & 0x1ff800) === 0xd800 ? -1 : point;
  }
}

const ESCAPES: readonly (number | undefined)[] = (() => {
  const table: (number | undefined)[] = new Array<number | undefined>(128).fill(undefined);
  for (const [letter, unit] of [
    ['b', 8],
    ['t', 9],
    ['n', 10],
    ['f', 12],
    ['r', 13],
  ] as const) {
    table[letter.charCodeAt(0)] = unit;
  }
  return table;
})();

function continuationsOf(point: number): number {
  return point < 0 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
}

/** Whether a byte is part of something that JSON or UTF-8 can write in several ways, or of more than one byte. */
function isWritten(byte: number): boolean {
  return byte === BACKSLASH || byte >= 0x80;
}

/** The bytes that a string begins with in every spelling: up to where it needs escapes or other than ASCII. */
function plainPrefix(text: string): number[] {
  const units: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit >= 0x80 || unit === QUOTE || unit === BACKSLASH) break;
    units.push(unit);
  }
  return units;
}
