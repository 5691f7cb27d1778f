/**
 * Reads what a program of the dump's corpus must show from its own lines, and what a dump shows of it, as lines of text that can be
 * compared. The notation is that of test/fixtures/dump/README.md.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Dump, DumpFrame, DumpGroup, DumpPosition } from '../../src/core/model/dump.ts';
import { readHeadComment } from './headComment.ts';
import type { NodeVersion } from './nodes.ts';

export const DUMP_PROGRAMS = join(import.meta.dirname, '../fixtures/dump');
const PROGRAM = /\.(?:cjs|mjs|ts)$/;

export interface DumpProgram {
  /** File name, which is what people call it. */
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** The first sentence of its head comment. */
  readonly covers: string;
  readonly nodes: readonly NodeVersion[];
  /** Options of Node. */
  readonly flags: readonly string[];
  /** TypeScript that Node runs as it is: not compiled first. */
  readonly stripped: boolean;
  /** Suspended calls of the program's own functions, and of Node's below them. */
  readonly suspended: (version: NodeVersion) => number;
  /** Node has pending promises of its own, whose groups are not compared as long as none is called an orphan or a cycle. */
  readonly besides: boolean;
  readonly groups: readonly ExpectedGroup[];
  /** Whether it can settle what waits: `globalThis.settle()`. */
  readonly settles: boolean;
}

export interface ExpectedGroup {
  readonly count: number;
  readonly chain: readonly string[];
  readonly waitsFor: string;
  readonly details: Readonly<Record<string, string>>;
  readonly verdict: string | null;
}

/** All programs of the corpus, by name. */
export function readDumpPrograms(): readonly DumpProgram[] {
  return readdirSync(DUMP_PROGRAMS)
    .filter((name) => PROGRAM.test(name))
    .sort()
    .map((name) => readDumpProgram(join(DUMP_PROGRAMS, name)));
}

/** @throws {Error} when its head comment is not in the notation, or names a mark that the program does not have */
export function readDumpProgram(file: string): DumpProgram {
  const source = readFileSync(file, 'utf8');
  const { lines, covers, nodes, flags, stripped, files, directive } = readHeadComment(file, source, ['suspended', 'besides', "node's own"], '.:');
  const fail = (why: string): never => {
    throw new Error(`${basename(file)}: ${why}`);
  };
  const places = readPlaces(files);
  const own = ownSuspended(directive("node's own"), fail);
  const app = Number(directive('suspended') ?? fail('does not say how many calls are suspended.'));
  return {
    name: basename(file),
    file,
    covers,
    nodes,
    flags,
    stripped,
    suspended: (version) => app + own(version),
    besides: directive('besides') !== undefined,
    groups: lines.flatMap((line) => (line.startsWith('//= ') ? [parseGroup(line.slice('//= '.length), places, fail)] : [])),
    settles: files.some((name) => /globalThis\.settle = |\bsettle: \(/.test(readFileSync(name, 'utf8'))),
  };
}

/** `2 - why` for all versions, or `20=1 24=2 - why`. */
function ownSuspended(text: string | undefined, fail: (why: string) => never): (version: NodeVersion) => number {
  const numbers = text?.split(' - ')[0]?.trim();
  if (numbers === undefined) return () => 0;
  if (/^\d+$/.test(numbers)) return () => Number(numbers);
  const byVersion = new Map(numbers.split(' ').map((part) => part.split('=').map(Number) as [number, number]));
  return (version) => byVersion.get(version) ?? fail(`does not say how many calls of Node's own are suspended in ${version}.`);
}

interface Place {
  readonly file: string;
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

interface Places {
  readonly main: string;
  /** By mark: `//< mark` and `/*<mark>*\/`. */
  readonly awaits: ReadonlyMap<string, Place>;
  /** By mark (`//: mark`) or by name of the function. */
  readonly declarations: ReadonlyMap<string, Place>;
}

function readPlaces(files: readonly string[]): Places {
  const awaits = new Map<string, Place>();
  const declarations = new Map<string, Place>();
  const once = (map: Map<string, Place>, key: string, place: Place): void => {
    if (map.has(key)) throw new Error(`${basename(place.file)}:${place.line}: ${key} is marked twice.`);
    map.set(key, place);
  };
  for (const file of files) {
    readFileSync(file, 'utf8')
      .split('\n')
      .forEach((text, index) => {
        const line = index + 1;
        if (/^\s*\/\//.test(text)) return;
        for (const [, mark = ''] of text.matchAll(/\/\/< (\S+)/g)) once(awaits, mark, { file, line, column: awaitColumn(text) });
        for (const match of text.matchAll(/\/\*<(\S+)>\*\/ ?/g)) once(awaits, match[1] ?? '', { file, line, column: match.index + match[0].length + 1 });
        for (const [, mark = ''] of text.matchAll(/\/\/: (\S+)/g)) once(declarations, `:${mark}`, { file, line, column: 0 });
        for (const [, name = ''] of text.matchAll(/\b(?:function\*? |(?:const |let )?(?=\w+ = async\b))(\w+)/g)) {
          // the first one counts: what is declared again needs a mark
          if (!declarations.has(name)) declarations.set(name, { file, line, column: 0 });
        }
        const method = /^\s+(?:public |private |static )*(?:async )\*?(\w+)(?:<.*?>)?\(/.exec(text)?.[1];
        if (method !== undefined && method !== 'function' && !declarations.has(method)) declarations.set(method, { file, line, column: 0 });
      });
  }
  return { main: files[0] ?? '', awaits, declarations };
}

/**
 * Where V8 has a function stand that waits at this line: at its `await`, `yield` or `return`; in a loop at the loop's variable, at
 * `break` when the loop waits for the iterator to return, and for `await using` at what the variable is given.
 * https://chromium.googlesource.com/v8/v8/+/refs/heads/main/src/interpreter/bytecode-generator.cc
 */
function awaitColumn(text: string): number {
  const code = text.replace(/\/\/.*$/, '');
  for (const pattern of [/for await \((?:const |let |var )?/, /await using \w+ = /]) {
    const found = pattern.exec(code);
    if (found) return found.index + found[0].length + 1;
  }
  for (const word of [/\bawait\b/, /\byield\b/, /\breturn\b/, /\bbreak\b/]) {
    const found = word.exec(code);
    if (found) return found.index + 1;
  }
  throw new Error(`Nothing waits at this line: ${text}`);
}

const GROUP = /^(\d+) x (.+) waits for ([a-z ]+?)(?: \((.+)\))?(?:, (orphan|cycle|crowd|stuck|in flight))?$/;

function parseGroup(text: string, places: Places, fail: (why: string) => never): ExpectedGroup {
  const [, count, chain = '', waitsFor = '', details, verdict] = GROUP.exec(text) ?? fail(`not in the notation: ${text}`);
  return {
    count: Number(count),
    chain: chain === '-' ? [] : chain.split(' > ').map((frame) => parseFrame(frame, places, fail)),
    waitsFor,
    details: Object.fromEntries((details?.split(', ') ?? []).map((part) => parseDetail(part))),
    verdict: verdict ?? null,
  };
}

function parseDetail(text: string): [string, string] {
  const space = text.indexOf(' ');
  return [text.slice(0, space), text.slice(space + 1)];
}

const FRAME = /^(?:(generator|then) |(module)(?=@))?(?:("(?:[^"\\]|\\.)*"|[^@: ]+))?(?::(\w+))?(?:@(\w+))?(?: x (\d+))?$/;

function parseFrame(text: string, places: Places, fail: (why: string) => never): string {
  if (/^Promise\.\w+$/.test(text)) return text;
  const [, word, module, quoted, declaredMark, awaitMark, repeats] = FRAME.exec(text) ?? fail(`no frame: ${text}`);
  const prefix = word ?? module;
  const name = quoted?.startsWith('"') === true ? (JSON.parse(quoted) as string) : quoted;
  const kind = prefix === undefined ? 'async function' : prefix === 'generator' ? 'async generator' : prefix;
  const key = declaredMark === undefined ? (name?.split('.').at(-1) ?? '') : `:${declaredMark}`;
  const declared = kind === 'module' ? undefined : (places.declarations.get(key) ?? fail(`${text}: where is it declared?`));
  const awaiting = awaitMark === undefined ? undefined : (places.awaits.get(awaitMark) ?? fail(`no mark ${awaitMark}`));
  return renderFrame({
    kind,
    name: name === '(anonymous)' || name === undefined ? null : name,
    declared: declared === undefined ? null : renderLine(declared, places.main),
    awaiting: awaiting === undefined ? null : renderPlace(awaiting, places.main),
    repeats: Number(repeats ?? 1),
  });
}

interface FrameText {
  readonly kind: string;
  readonly name: string | null;
  readonly declared: string | null;
  readonly awaiting: string | null;
  readonly repeats: number;
}

function renderFrame({ kind, name, declared, awaiting, repeats }: FrameText): string {
  const shownName = kind === 'module' ? '' : ` ${name === null ? '(anonymous)' : JSON.stringify(name).slice(1, -1)}`;
  return `${kind}${shownName}${declared === null ? '' : ` (${declared})`}${awaiting === null ? '' : ` at ${awaiting}`}${repeats === 1 ? '' : ` x ${repeats}`}`;
}

function renderLine({ file, line }: DumpPosition, main: string): string {
  return file === main ? String(line) : `${basename(file)}:${line}`;
}

function renderPlace(position: DumpPosition, main: string): string {
  return `${renderLine(position, main)}:${position.column}`;
}

/** What the program must show, as {@link shownRows} shows it. */
export function expectedRows(program: DumpProgram, version: NodeVersion): readonly string[] {
  return [...program.groups.map((group) => renderGroup(group)).sort(), `suspended: ${program.suspended(version)}`];
}

/**
 * What a dump shows of the program: one line for each group, without frames of Node's own, and the number of suspended calls. Of the
 * details those that the program speaks of for that kind of wait.
 */
export function shownRows(program: DumpProgram, dump: Dump): readonly string[] {
  const merged = new Map<string, ExpectedGroup>();
  for (const group of dump.groups) {
    const chain = group.chain.filter(({ kind, origin }) => origin !== 'node' || kind === 'combinator').map((frame) => shownFrame(frame, program));
    const ours = group.chain.some(({ origin }) => origin === 'app');
    if (!ours && program.besides && group.verdict !== 'orphan' && group.verdict !== 'cycle') continue;
    const shown = { count: group.count, chain, waitsFor: group.waitsFor.kind, details: shownDetails(program, group, chain), verdict: group.verdict };
    const key = renderGroup({ ...shown, count: 0 });
    merged.set(key, { ...shown, count: shown.count + (merged.get(key)?.count ?? 0) });
  }
  return [...[...merged.values()].map((group) => renderGroup(group)).sort(), `suspended: ${dump.totals.suspended}`];
}

function shownFrame(frame: DumpFrame, program: DumpProgram): string {
  if (frame.kind === 'combinator') return frame.detail ?? 'combinator';
  return renderFrame({
    kind: frame.kind,
    name: frame.function,
    declared: frame.declared === null || frame.kind === 'module' ? null : renderLine(frame.declared, program.file),
    awaiting: frame.awaiting === null ? null : renderPlace(frame.awaiting, program.file),
    repeats: frame.repeats,
  });
}

/** Those that the program speaks of for this chain, or else for this kind of wait. */
function shownDetails(program: DumpProgram, { waitsFor }: DumpGroup, chain: readonly string[]): ExpectedGroup['details'] {
  const alike = program.groups.filter((group) => group.waitsFor === waitsFor.kind);
  const same = alike.filter((group) => group.chain.join() === chain.join());
  const named = new Set((same.length > 0 ? same : alike).flatMap(({ details }) => Object.keys(details)));
  return Object.fromEntries(Object.entries(waitsFor.details).flatMap(([key, value]) => (named.has(key) ? [[key, String(value)]] : [])));
}

function renderGroup({ count, chain, waitsFor, details, verdict }: ExpectedGroup): string {
  const facts = Object.keys(details)
    .sort()
    .map((key) => `${key} ${details[key] ?? ''}`);
  return `${count} x ${chain.length === 0 ? '-' : chain.join(' > ')} waits for ${waitsFor}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}${verdict === null ? '' : `, ${verdict}`}`;
}
