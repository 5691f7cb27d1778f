/**
 * One source map, against the script that names it: where a position of the script was written, and which parts of the script
 * are whose. What a map says is data of somebody else's: nothing here throws but {@link createScriptMap}, and no path in it
 * is read here.
 */
import { dirname, isAbsolute, join } from 'node:path';
import { AnyMap, decodedMappings } from '@jridgewell/trace-mapping';
import type { SourceMapSegment, TraceMap } from '@jridgewell/trace-mapping';
import { originOfScript } from '../core/model/origin';
import type { Origin } from '../core/model/task';
import type { MappedPosition } from '../core/model/placement';
import { ORIGIN_APP, ORIGIN_DEPENDENCY, ORIGIN_HELPER } from '../protocol/agent';
import type { ScriptOrigins } from '../protocol/agent';
import { pathOfScript } from './paths';

/**
 * Ranges of one script that the agent is told of. Beyond it the agent is not told anything: it then keeps whole stacks apart,
 * which is as exact and costs more.
 */
export const ORIGIN_RANGE_LIMIT = 50_000;

/**
 * Bundlers name sources by URLs of their own, relative to a directory that the map does not tell. It is looked for in
 * this many directories, from the map upwards, by this many sources.
 */
const BUNDLE_ROOT_LEVELS = 6;
const BUNDLE_ROOT_PROBES = 8;

/** Names with escapes of which it is looked up which file is meant. Beyond these they are taken for escaped. */
const ESCAPE_PROBES = 1000;

/** Mappings beyond this, in UTF-16 units, are not decoded: each segment takes some 70 bytes then. The map is not used. */
export const MAPPINGS_LIMIT_UNITS = 16 * 1024 * 1024;

/** Lines of a script that is not at hand, as its map has them. Beyond it the map is not used. */
const UNSEEN_LINES_LIMIT = 1_000_000;

/** Sections within sections, which the specification does not know. Beyond it the map is not used. */
const SECTION_DEPTH_LIMIT = 4;

export interface ScriptMap {
  /** Where a position of the script was written; undefined where the map names no source that could be opened. */
  locate(line: number, column: number): MappedPosition | 'helper' | undefined;
  /** What the source calls what begins exactly there; undefined where the map does not tell. */
  nameAt(line: number, column: number): string | undefined;
  /** The file that all of the script was made of; undefined where there are several, or none that could be opened. */
  readonly onlySource: string | undefined;
  /** Which of the map's sources a file is; undefined when it is none. For {@link sourceContent}. */
  sourceIndex(file: string): number | undefined;
  /** Undefined beyond {@link ORIGIN_RANGE_LIMIT}. */
  readonly origins: ScriptOrigins | undefined;
  /** What it holds in memory, about, in UTF-16 units. */
  readonly units: number;
}

interface Source {
  /** Absolute path; undefined when there is none. */
  readonly file: string | undefined;
  /** As the map names it. */
  readonly name: string;
  readonly origin: number;
}

/** A map that cannot be used; `message` goes on after the script's name. */
export class SourceMapError extends Error {
  override readonly name = 'SourceMapError';
  constructor(
    readonly reason: 'missing' | 'elsewhere' | 'malformed' | 'wrong build' | 'too large',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * @param json the map
 * @param directory that relative sources belong to
 * @param script the text of the script, where it is at hand
 * @param exists whether there is a regular file; never rejects
 * @param pathOf the path on this machine of a source that the map names absolutely
 * @param originOf whose code a source is, a path or as the map names it
 * @throws {SourceMapError}
 */
export async function createScriptMap(
  json: string,
  directory: string,
  script: string | undefined,
  exists: (path: string) => Promise<boolean>,
  originOf: (source: string) => Origin = originOfScript,
  pathOf: (source: string) => string | undefined = pathOfScript,
): Promise<ScriptMap> {
  const lines = script?.split(LINE_END);
  const map = parse(json, lines?.length);
  const segments = decoded(map);
  if (!fits(segments, lines, map)) throw new SourceMapError('wrong build', 'has a source map of another build');
  const names = map.resolvedSources.map((name) => (typeof name === 'string' ? name : ''));
  const root = await findBundleRoot(names, directory, exists);
  const sources: Source[] = [];
  let probes = 0;
  const existsEscaped = (path: string): Promise<boolean> => (++probes > ESCAPE_PROBES ? Promise.resolve(false) : exists(path));
  for (const name of names) sources.push(await sourceOf(name, directory, root, existsEscaped, originOf, pathOf));
  return {
    origins: rangesOf(segments, sources, lines),
    units: json.length,
    nameAt(line, column) {
      const segment = segmentAt(segments, line, column);
      const name = segment?.length === 5 && segment[0] === column - 1 ? map.names[segment[4]] : undefined;
      return typeof name === 'string' && name !== '' ? name : undefined;
    },
    onlySource: onlyOf(sources.filter(({ origin }) => origin !== ORIGIN_HELPER))?.file,
    sourceIndex(file) {
      const index = sources.findIndex((source) => source.file === file);
      return index < 0 ? undefined : index;
    },
    locate(line, column) {
      const segment = segmentAt(segments, line, column);
      if (segment?.length === undefined || segment.length === 1) return 'helper';
      const source = sources[segment[1]];
      if (source === undefined || source.origin === ORIGIN_HELPER) return 'helper';
      // what cannot be opened still tells whose it is
      const file = source.file ?? (source.origin === ORIGIN_DEPENDENCY ? source.name : undefined);
      return file === undefined ? undefined : { file, line: segment[2] + 1, column: segment[3] + 1 };
    },
  };
}

/**
 * The text of a source, where its map holds it.
 * @param index see {@link ScriptMap.sourceIndex}
 * @throws {SourceMapError}
 */
export function sourceContent(json: string, index: number): string | undefined {
  const content = parse(json, undefined).sourcesContent?.[index];
  return typeof content === 'string' ? content : undefined;
}

function onlyOf<T>([only, ...others]: readonly T[]): T | undefined {
  return others.length === 0 ? only : undefined;
}

const LINE_END = /\r\n|[\n\r\u2028\u2029]/;

/** @param lines how many the script has */
function parse(text: string, lines: number | undefined): TraceMap {
  // Maps may begin with a line that keeps browsers from running them as a script.
  const json = text.startsWith(")]}'") ? text.slice(text.indexOf('\n') + 1) : text;
  try {
    const parsed: unknown = JSON.parse(json);
    checkSize(parsed, lines ?? UNSEEN_LINES_LIMIT, 0);
    return new AnyMap(parsed as never);
  } catch (error) {
    if (error instanceof SourceMapError) throw error;
    throw new SourceMapError('malformed', 'has a source map that cannot be read', { cause: error });
  }
}

/** Refuses what would take more memory than the script justifies, before it is decoded. */
function checkSize(map: unknown, lines: number, depth: number): void {
  const { version, sources, mappings, sections } = map as Readonly<Record<string, unknown>>;
  if (version !== 3 || depth > SECTION_DEPTH_LIMIT) throw new Error('not a version 3 source map');
  if (Array.isArray(sections)) {
    for (const section of sections as readonly { readonly offset: { readonly line: unknown; readonly column: unknown }; readonly map: unknown }[]) {
      const { line, column } = section.offset;
      if (!isIndex(line) || !isIndex(column)) throw new Error('a section without an offset');
      if (line > lines) throw new SourceMapError('wrong build', 'has a source map of another build');
      checkSize(section.map, lines, depth + 1);
    }
    return;
  }
  if (!Array.isArray(sources) || typeof mappings !== 'string') throw new Error('not a source map');
  if (mappings.length > MAPPINGS_LIMIT_UNITS) throw new SourceMapError('too large', 'has a source map that is too large');
  let ends = 0;
  for (let at = mappings.indexOf(';'); at !== -1; at = mappings.indexOf(';', at + 1)) ends++;
  if (ends > lines) throw new SourceMapError('wrong build', 'has a source map of another build');
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

type Lines = readonly (readonly Readonly<SourceMapSegment>[])[];

function decoded(map: TraceMap): Lines {
  let lines: Lines;
  try {
    lines = decodedMappings(map);
  } catch (error) {
    throw new SourceMapError('malformed', 'has a source map that cannot be read', { cause: error });
  }
  // Deltas may lead below zero, and mappings that are no text are taken as they are.
  const sound = lines.every((line) => line.every((segment) => segment.every((field) => Number.isSafeInteger(field) && field >= 0)));
  if (!sound) throw new SourceMapError('malformed', 'has a source map that cannot be read');
  return lines;
}

/** Whether all that the map speaks of is there: in the script, and in the sources where it holds them. */
function fits(segments: Lines, lines: readonly string[] | undefined, map: TraceMap): boolean {
  if (lines && segments.slice(lines.length).some((line) => line.length > 0)) return false;
  const lengths = map.resolvedSources.map((_, index) => {
    const content = map.sourcesContent?.[index];
    return typeof content === 'string' ? content.split(LINE_END).length : Infinity;
  });
  return segments.every((line) => line.every((segment) => segment.length === 1 || segment[2] < (lengths[segment[1]] ?? 0)));
}

/**
 * The segment that a position belongs to: the last one that begins before it on its line, else the line's first, as
 * generators differ in where on a call they put one.
 */
function segmentAt(segments: Lines, line: number, column: number): Readonly<SourceMapSegment> | undefined {
  const onLine = segments[line - 1];
  if (onLine === undefined) return undefined;
  let low = 0;
  let high = onLine.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((onLine[middle]?.[0] ?? 0) < column) low = middle + 1;
    else high = middle;
  }
  return onLine[Math.max(0, low - 1)];
}

/** Where one origin ends and the next begins, by the rule of {@link segmentAt}. */
function rangesOf(segments: Lines, sources: readonly Source[], lines: readonly string[] | undefined): ScriptOrigins | undefined {
  const ranges: number[] = [];
  let current = -1;
  const begin = (line: number, column: number, origin: number): void => {
    if (origin === current) return;
    current = origin;
    ranges.push(line + 1, column, origin);
  };
  for (let line = 0; line < (lines ?? segments).length; line++) {
    const onLine = segments[line] ?? [];
    if (onLine.length === 0 && (lines === undefined || mayHoldCode(lines[line] ?? ''))) begin(line, 1, ORIGIN_HELPER);
    onLine.forEach((segment, index) => {
      const origin = segment.length === 1 ? ORIGIN_HELPER : (sources[segment[1]]?.origin ?? ORIGIN_HELPER);
      begin(line, index === 0 ? 1 : segment[0] + 1, origin);
    });
    if (ranges.length > 3 * ORIGIN_RANGE_LIMIT) return undefined;
  }
  return ranges.length === 3 && current === ORIGIN_APP ? [] : ranges;
}

/** Whether a line can be on a stack: blank ones, brackets and comments cannot. */
function mayHoldCode(line: string): boolean {
  return /[\w$]/.test(line) && !/^\s*(?:\/\/|\/?\*)/.test(line);
}

/** What a source is. The map names it relative to itself, absolutely, or by a URL of its bundler. */
async function sourceOf(
  name: string,
  directory: string,
  bundleRoot: string | undefined,
  exists: (path: string) => Promise<boolean>,
  originOf: (source: string) => Origin,
  pathOf: (source: string) => string | undefined,
): Promise<Source> {
  const file = await pathOfSource(name, directory, bundleRoot, exists, pathOf);
  const foreign = originOf(file ?? name) !== 'app';
  const helper = name === '' || isBundlerRuntime(name);
  return { file, name, origin: helper ? ORIGIN_HELPER : foreign ? ORIGIN_DEPENDENCY : ORIGIN_APP };
}

async function pathOfSource(
  name: string,
  directory: string,
  bundleRoot: string | undefined,
  exists: (path: string) => Promise<boolean>,
  pathOf: (source: string) => string | undefined,
): Promise<string | undefined> {
  // The specification allows sources without a name.
  if (name === '') return undefined;
  if (/^[a-z]:[\\/]/i.test(name) || isAbsolute(name) || /^file:/i.test(name)) return pathOf(name);
  if (/^[a-z][a-z0-9+.-]+:/i.test(name)) {
    const path = bundlerPath(name);
    return path === undefined || bundleRoot === undefined ? undefined : join(bundleRoot, path);
  }
  // A URL by the specification; not all generators escape what is no URL.
  const literal = join(directory, name);
  return !name.includes('%') || (await exists(literal)) ? literal : join(directory, decodePath(name));
}

async function findBundleRoot(
  names: readonly string[],
  directory: string,
  exists: (path: string) => Promise<boolean>,
): Promise<string | undefined> {
  const probes = names
    .flatMap((name) => bundlerPath(name) ?? [])
    .filter((path) => originOfScript(path) === 'app')
    .slice(0, BUNDLE_ROOT_PROBES);
  if (probes.length === 0) return undefined;
  let root = directory;
  for (let level = 0; level < BUNDLE_ROOT_LEVELS; level++) {
    for (const probe of probes) if (await exists(join(root, probe))) return root;
    const parent = dirname(root);
    if (parent === root) return undefined;
    root = parent;
  }
  return undefined;
}

const BUNDLER_URL = /^(?:webpack|rspack|turbopack):\/\/[^/]*\/(?:\.\/)*(.+)$/i;
const RUNTIME_PATH = /^(?:webpack|rspack)\//;

function isBundlerRuntime(name: string): boolean {
  return RUNTIME_PATH.test(BUNDLER_URL.exec(name)?.[1] ?? '');
}

/** The path in a bundler's URL such as `webpack://orders/./src/app.ts`; undefined for its own runtime. */
function bundlerPath(name: string): string | undefined {
  const path = BUNDLER_URL.exec(name)?.[1];
  return path === undefined || RUNTIME_PATH.test(path) ? undefined : decodePath(path.replace(/\?.*$/, ''));
}

export function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
