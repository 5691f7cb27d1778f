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
import { pathOfFileUrl, pathOfScript } from './paths';

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

export interface ScriptMap {
  /** Where a position of the script was written; undefined where the map names no source that could be opened. */
  locate(line: number, column: number): MappedPosition | 'helper' | undefined;
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
    readonly reason: 'malformed' | 'wrong build',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * @param json the map
 * @param directory that relative sources belong to
 * @param script the text of the script
 * @param exists whether there is a regular file; never rejects
 * @param originOf whose code a source is, a path or as the map names it
 * @throws {SourceMapError}
 */
export async function createScriptMap(
  json: string,
  directory: string,
  script: string,
  exists: (path: string) => Promise<boolean>,
  originOf: (source: string) => Origin = originOfScript,
): Promise<ScriptMap> {
  const map = parse(json);
  const lines = script.split(/\r\n|[\n\r\u2028\u2029]/);
  const segments = decoded(map);
  if (!fits(segments, lines, map)) throw new SourceMapError('wrong build', 'has a source map of another build');
  const names = map.resolvedSources.map((name) => (typeof name === 'string' ? name : ''));
  const root = await findBundleRoot(names, directory, exists);
  const sources: Source[] = [];
  for (const name of names) sources.push(await sourceOf(name, directory, root, exists, originOf));
  return {
    origins: rangesOf(segments, sources, lines),
    units: json.length,
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

function parse(text: string): TraceMap {
  // Maps may begin with a line that keeps browsers from running them as a script.
  const json = text.startsWith(")]}'") ? text.slice(text.indexOf('\n') + 1) : text;
  try {
    const parsed = JSON.parse(json) as { readonly version?: unknown; readonly sources?: unknown; readonly sections?: unknown } | null;
    if (parsed?.version !== 3 || !(Array.isArray(parsed.sources) || Array.isArray(parsed.sections))) {
      throw new Error('not a version 3 source map');
    }
    return new AnyMap(parsed as never);
  } catch (error) {
    throw new SourceMapError('malformed', 'has a source map that cannot be read', { cause: error });
  }
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
function fits(segments: Lines, lines: readonly string[], map: TraceMap): boolean {
  if (segments.length > lines.length && segments.slice(lines.length).some((line) => line.length > 0)) return false;
  const lengths = map.resolvedSources.map((_, index) => {
    const content = map.sourcesContent?.[index];
    return typeof content === 'string' ? content.split(/\r\n|[\n\r\u2028\u2029]/).length : Infinity;
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
function rangesOf(segments: Lines, sources: readonly Source[], lines: readonly string[]): ScriptOrigins | undefined {
  const ranges: number[] = [];
  let current = -1;
  const begin = (line: number, column: number, origin: number): void => {
    if (origin === current) return;
    current = origin;
    ranges.push(line + 1, column, origin);
  };
  for (let line = 0; line < lines.length; line++) {
    const onLine = segments[line] ?? [];
    if (onLine.length === 0 && mayHoldCode(lines[line] ?? '')) begin(line, 1, ORIGIN_HELPER);
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
): Promise<Source> {
  const file = await pathOfSource(name, directory, bundleRoot, exists);
  const foreign = originOf(file ?? name) !== 'app';
  const helper = name === '' || isBundlerRuntime(name);
  return { file, name, origin: helper ? ORIGIN_HELPER : foreign ? ORIGIN_DEPENDENCY : ORIGIN_APP };
}

async function pathOfSource(
  name: string,
  directory: string,
  bundleRoot: string | undefined,
  exists: (path: string) => Promise<boolean>,
): Promise<string | undefined> {
  // The specification allows sources without a name.
  if (name === '') return undefined;
  if (/^[a-z]:[\\/]/i.test(name) || isAbsolute(name)) return pathOfScript(name);
  if (/^file:/i.test(name)) return pathOfFileUrl(name);
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
