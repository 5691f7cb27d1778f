/**
 * `.asyncscope.json`, which a team keeps beside its code: which sites are hidden, and whose code is whose. It can be
 * written by hand, with comments. Reading takes what makes sense and tells what does not, with its place; writing
 * changes the one thing that it is about and leaves everything else as it stands. Pure.
 */
import { createScanner, findNodeAtLocation, getNodeValue, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';
import { unusableGlobText, unusableGlobs } from '../model/origin';
import type { Origin, TaskKind } from '../model/task';
import { TASK_KINDS } from '../model/task';

export const PROJECT_FILE = '.asyncscope.json';

/** Of the file's format. A file with a higher one is read as far as it is understood, and never written. */
export const PROJECT_FILE_VERSION = 1;

/** Longest file that is read, in UTF-16 units: no person has written a longer one. A longer one counts as damaged. */
export const PROJECT_FILE_LENGTH_LIMIT = 1_000_000;

/** Most entries that are read; those beyond are named in a problem. */
export const HIDE_ENTRY_LIMIT = 10_000;

/** Hides sites. What it does not name may be anything; it names a file or a function at least. */
export interface HideEntry {
  /** With forward slashes, relative to the folder of the file; or absolute, or a name such as `node:net`. */
  readonly file?: string;
  /** Null is a function without a name, or a module's own code. */
  readonly function?: string | null;
  readonly kind?: TaskKind;
  /** 1-based. Decides where file, function and kind fit several sites; it may be out of date. */
  readonly line?: number;
  /** Why, for people. */
  readonly reason: string;
}

export interface ProjectConfig {
  readonly hide: readonly HideEntry[];
  /** Globs of files, by whose code they are to count as. */
  readonly origin: Readonly<Partial<Record<Origin, readonly string[]>>>;
}

export const EMPTY_PROJECT_CONFIG: ProjectConfig = { hide: [], origin: {} };

export interface ProjectProblem {
  /** What is wrong and what is expected, a sentence. */
  readonly message: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
}

export interface ProjectFile {
  /** Undefined when the text is not JSON, so that whoever has an older state can keep it. */
  readonly config: ProjectConfig | undefined;
  /** In the order in which they stand. What they are about is left out of `config`. */
  readonly problems: readonly ProjectProblem[];
}

/** The file cannot be written without losing something: it has to be put right by hand first. */
export class ProjectFileError extends Error {
  override readonly name = 'ProjectFileError';
  readonly reason: 'damaged' | 'newer' | 'not there';

  constructor(reason: 'damaged' | 'newer' | 'not there', message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Never throws, whatever the text. An empty text is an empty configuration. */
export function parseProjectFile(text: string): ProjectFile {
  if (text.trim() === '') return { config: EMPTY_PROJECT_CONFIG, problems: [] };
  const root = rootOf(text);
  if ('message' in root) return { config: undefined, problems: [root] };
  const problems: { readonly offset: number; readonly message: string }[] = [];
  const complain = (node: Node, message: string): void => {
    problems.push({ offset: node.offset, message });
  };
  const version = findNodeAtLocation(root, ['version']);
  if (version !== undefined && version.value !== PROJECT_FILE_VERSION) {
    complain(version, `"version" is ${String(PROJECT_FILE_VERSION)}. This file was made for another Asyncscope, and is read as far as this one understands it.`);
  }
  const config: ProjectConfig = { hide: readHide(root, complain), origin: readOrigin(root, complain) };
  const located = problems.sort((a, b) => a.offset - b.offset).map(({ offset, message }) => ({ message, ...position(text, offset) }));
  return { config, problems: located };
}

/**
 * The text with one more entry at the end of `hide`.
 * @param text the file's; undefined or empty when there is none yet.
 * @throws {ProjectFileError}
 */
export function addHideEntries(text: string | undefined, entries: readonly HideEntry[]): string {
  const base = text === undefined || text.trim() === '' ? `{\n  "version": ${String(PROJECT_FILE_VERSION)},\n  "hide": []\n}\n` : text;
  const style = styleOf(base);
  let result = base;
  for (const entry of entries) {
    const root = writableRoot(result);
    const hide = findNodeAtLocation(root, ['hide']);
    if (hide === undefined) result = append(result, root, `"hide": [\n${indented(JSON.stringify(entry, undefined, style.indent), style.indent)}\n]`, 1, style);
    else if (hide.type === 'array') result = append(result, hide, JSON.stringify(entry, undefined, style.indent), 2, style);
    else throw damaged('"hide" is not a list', position(result, hide.offset));
  }
  return result;
}

/**
 * The text without those entries of `hide`.
 * @throws {ProjectFileError} `not there` when one of them is gone
 */
export function removeHideEntries(text: string, entries: readonly HideEntry[]): string {
  let result = text;
  for (const entry of entries) {
    const items = findNodeAtLocation(writableRoot(result), ['hide'])?.children ?? [];
    const index = items.findIndex((item) => sameEntry(readEntry(item, () => undefined), entry));
    if (index < 0) throw new ProjectFileError('not there', `${PROJECT_FILE} does not hide this any more.`);
    result = without(result, items, index);
  }
  return result;
}

export function sameEntry(a: HideEntry | undefined, b: HideEntry): boolean {
  return a !== undefined && a.file === b.file && a.function === b.function && a.kind === b.kind && a.line === b.line && a.reason === b.reason;
}

function rootOf(text: string): Node | ProjectProblem {
  if (text.length > PROJECT_FILE_LENGTH_LIMIT) {
    return { message: `The file is longer than ${String(PROJECT_FILE_LENGTH_LIMIT)} characters, and is not read.`, line: 1, column: 1 };
  }
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) return { message: `This is not JSON: ${inWords(printParseErrorCode(error.error))}.`, ...position(text, error.offset) };
  if (root?.type !== 'object') return { message: 'The file holds one object: { "version": 1, "hide": [] }.', ...position(text, root?.offset ?? 0) };
  return root;
}

/** `CommaExpected` as `comma expected`. */
function inWords(code: string): string {
  return code.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

type Complain = (node: Node, message: string) => void;

function readHide(root: Node, complain: Complain): readonly HideEntry[] {
  const hide = findNodeAtLocation(root, ['hide']);
  if (hide === undefined) return [];
  if (hide.type !== 'array') {
    complain(hide, '"hide" is a list of entries: [{ "file": "src/a.ts", "function": "f", "kind": "promise", "reason": "…" }].');
    return [];
  }
  const items = hide.children ?? [];
  const beyond = items[HIDE_ENTRY_LIMIT];
  if (beyond !== undefined) complain(beyond, `Only the first ${String(HIDE_ENTRY_LIMIT)} entries are read.`);
  return items.slice(0, HIDE_ENTRY_LIMIT).flatMap((item) => readEntry(item, complain) ?? []);
}

function readEntry(item: Node, complain: Complain): HideEntry | undefined {
  if (item.type !== 'object') {
    complain(item, 'An entry of "hide" is an object: { "file": "src/a.ts", "function": "f", "kind": "promise", "reason": "…" }.');
    return undefined;
  }
  const entry: { -readonly [K in keyof HideEntry]: HideEntry[K] } = { reason: '' };
  let faults = 0;
  const take = (key: string, expected: string, accept: (value: unknown) => boolean): void => {
    const node = findNodeAtLocation(item, [key]);
    if (node === undefined) return;
    const value: unknown = getNodeValue(node);
    if (accept(value)) return;
    complain(node, `"${key}" is ${expected}. This entry hides nothing.`);
    faults++;
  };
  take('file', 'a path', (value) => typeof value === 'string' && value !== '' && ((entry.file = value), true));
  take('function', 'a name, or null for a function without one', (value) => (typeof value === 'string' || value === null) && ((entry.function = value), true));
  take('kind', `one of ${TASK_KINDS.join(', ')}`, (value) => {
    const kind = TASK_KINDS.find((each) => each === value);
    if (kind !== undefined) entry.kind = kind;
    return kind !== undefined;
  });
  take('line', 'a line number from 1', (value) => typeof value === 'number' && Number.isInteger(value) && value > 0 && ((entry.line = value), true));
  take('reason', 'a text', (value) => typeof value === 'string' && ((entry.reason = value), true));
  if (faults === 0 && entry.file === undefined && (entry.function ?? null) === null) {
    complain(item, 'An entry names a "file" or a "function". This one would hide everything, and hides nothing.');
    faults++;
  }
  return faults === 0 ? entry : undefined;
}

const ORIGINS: readonly Origin[] = ['app', 'dependency', 'node'];

function readOrigin(root: Node, complain: Complain): ProjectConfig['origin'] {
  const origin = findNodeAtLocation(root, ['origin']);
  if (origin === undefined) return {};
  if (origin.type !== 'object') {
    complain(origin, '"origin" is an object: { "app": ["packages/**"], "dependency": ["vendor/**"] }.');
    return {};
  }
  const globs: Partial<Record<Origin, readonly string[]>> = {};
  for (const each of ORIGINS) {
    const node = findNodeAtLocation(origin, [each]);
    if (node === undefined) continue;
    const value: unknown = getNodeValue(node);
    if (Array.isArray(value) && value.every((glob): glob is string => typeof glob === 'string')) {
      globs[each] = value;
      for (const glob of unusableGlobs({ [each]: value })) complain(node.children?.[value.indexOf(glob)] ?? node, unusableGlobText(glob));
    } else complain(node, `"${each}" is a list of globs: ["vendor/**"].`);
  }
  return globs;
}

function writableRoot(text: string): Node {
  const root = rootOf(text);
  if ('message' in root) throw damaged(root.message.replace(/\.$/, ''), root);
  const version: unknown = findNodeAtLocation(root, ['version'])?.value;
  if (version !== undefined && version !== PROJECT_FILE_VERSION) {
    throw new ProjectFileError('newer', `${PROJECT_FILE} was made for another version of Asyncscope, and is left as it is. Update Asyncscope, or edit the file.`);
  }
  return root;
}

function damaged(what: string, { line, column }: { readonly line: number; readonly column: number }): ProjectFileError {
  return new ProjectFileError('damaged', `${PROJECT_FILE} is left as it is, because it has to be put right first. Line ${String(line)}, column ${String(column)}: ${what}.`);
}

/** How the rest of the file is written. */
interface Style {
  /** One step. */
  readonly indent: string;
  readonly eol: string;
}

function styleOf(text: string): Style {
  return { indent: /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ', eol: text.includes('\r\n') ? '\r\n' : '\n' };
}

function indented(text: string, indent: string): string {
  return text.replace(/^/gm, indent);
}

/** The text with one more child, of lines that end in `\n`, at the end of a list or object that stands `depth - 1` steps deep. */
function append(text: string, parent: Node, child: string, depth: number, { indent, eol }: Style): string {
  const lines = `\n${indented(child, indent.repeat(depth))}`.replaceAll('\n', eol);
  const last = parent.children?.at(-1);
  if (last !== undefined) {
    // A comment at the end of the last child's line is about that one, and stays with it.
    const [tail, comma] = /^([ \t]*,)?[ \t]*\/\/[^\r\n]*/.exec(text.slice(end(last))) ?? [];
    // Without it, a comma that follows the last child now follows the new one.
    if (tail === undefined) return splice(text, end(last), 0, `,${lines}`);
    const result = splice(text, end(last) + tail.length, 0, comma === undefined ? lines : `${lines},`);
    return comma === undefined ? splice(result, end(last), 0, ',') : result;
  }
  const inside = text.slice(parent.offset + 1, end(parent) - 1);
  return inside.trim() === ''
    ? splice(text, parent.offset + 1, inside.length, `${lines}${eol}${indent.repeat(depth - 1)}`)
    : splice(text, end(parent) - 1, 0, `${lines.slice(eol.length).trimStart()}${eol}${indent.repeat(depth - 1)}`);
}

/** The text without one child, its comma, and the line that it stood on alone. */
function without(text: string, children: readonly Node[], index: number): string {
  const child = children[index];
  if (child === undefined) return text;
  const previous = children[index - 1];
  const following = commaAfter(text, end(child));
  const preceding = following === undefined && previous !== undefined ? commaAfter(text, end(previous)) : undefined;
  const before = /(?:\r?\n)?[ \t]*$/.exec(text.slice(0, child.offset))?.[0].length ?? 0;
  // From the back to the front, so that the places in front stay what they are.
  let result = following === undefined ? text : splice(text, following, 1, '');
  result = splice(result, child.offset - before, before + child.length, '');
  return preceding === undefined ? result : splice(result, preceding, 1, '');
}

/** Kind of a comma as `jsonc-parser` numbers tokens; its enumeration is a type only. */
const COMMA_TOKEN = 5;

/** Where the next token begins, if it is a comma: there may be comments before it. */
function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  return (scanner.scan() as number) === COMMA_TOKEN ? scanner.getTokenOffset() : undefined;
}

function end({ offset, length }: Node): number {
  return offset + length;
}

function splice(text: string, at: number, deleted: number, inserted: string): string {
  return text.slice(0, at) + inserted + text.slice(at + deleted);
}

function position(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
