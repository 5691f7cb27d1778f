/**
 * Positions in running scripts as positions in the sources they were made from. The script is read from this machine's
 * disk; a target on another machine, a script without a map and a map that cannot be used all give the script's own
 * position. Nothing here throws: a bad map costs precision, never the picture.
 */
import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { LEAST_UPPER_BOUND, TraceMap, originalPositionFor } from '@jridgewell/trace-mapping';
import { originOfScript } from '../core/model/origin';
import type { MappedPosition, PositionMapper } from '../core/model/placement';
import { pathOfFileUrl, pathOfScript } from './paths';

/** Scripts and maps larger than this are not read, in bytes; their positions stay as they are. */
export const SOURCE_FILE_LIMIT_BYTES = 64 * 1024 * 1024;

/** Scripts whose maps are remembered. Frames are mapped when first seen, so an older map is rarely asked for again. */
export const SOURCE_MAP_CACHE_ENTRIES = 512;

/** Text of maps that is remembered, in UTF-16 units. The least recently used maps go first. */
export const SOURCE_MAP_CACHE_UNITS = 64 * 1024 * 1024;

/**
 * Bundlers name sources by URLs of their own, relative to a directory that the map does not tell. It is looked for in
 * this many directories, from the map upwards, by this many sources.
 */
const BUNDLE_ROOT_LEVELS = 6;
const BUNDLE_ROOT_PROBES = 8;

export interface SourceFiles {
  /** Reads a regular file of at most {@link SOURCE_FILE_LIMIT_BYTES}; rejects for everything else. */
  read(path: string): Promise<string>;
  /** Whether there is a regular file. Never rejects. */
  exists(path: string): Promise<boolean>;
}

const disk: SourceFiles = {
  read: readSource,
  exists: (path) =>
    regularFile(path).then(
      () => true,
      () => false,
    ),
};

/** Maps positions; {@link prepare} reads what {@link lookup} then answers from memory. */
export interface PositionSource {
  /** Reads the maps of scripts. Never rejects. */
  prepare(scripts: Iterable<string>): Promise<void>;
  readonly lookup: PositionMapper;
}

interface LoadedMap {
  readonly map: TraceMap;
  /** Directory that relative sources belong to. */
  readonly directory: string;
  /** Directory that the bundler's own URLs belong to, when it could be found. */
  readonly bundleRoot: string | undefined;
  readonly units: number;
}

/**
 * The maps of one session's scripts. A process keeps running the code that it loaded, so what was read once is kept,
 * even if the file is built anew; make another one for another process.
 */
export function createSourceMaps(files: SourceFiles = disk): PositionSource {
  // A Map lists its keys in the order of insertion: the first one is the least recently used.
  const loaded = new Map<string, LoadedMap | null>();
  let units = 0;

  const remember = (script: string, map: LoadedMap | null): void => {
    loaded.set(script, map);
    units += map?.units ?? 0;
    for (const [oldest, old] of loaded) {
      if (loaded.size <= SOURCE_MAP_CACHE_ENTRIES && units <= SOURCE_MAP_CACHE_UNITS) break;
      if (oldest === script) continue;
      loaded.delete(oldest);
      units -= old?.units ?? 0;
    }
  };

  return {
    async prepare(scripts) {
      for (const script of new Set(scripts)) {
        const known = loaded.get(script);
        if (known !== undefined) {
          loaded.delete(script);
          loaded.set(script, known);
          continue;
        }
        // A dependency's own files exist; the sources they were compiled from are seldom shipped.
        const path = originOfScript(script) === 'app' ? pathOfScript(script) : undefined;
        remember(script, path === undefined ? null : await loadMap(path, files));
      }
    },
    lookup(script, line, column) {
      const generated = { file: pathOfScript(script) ?? script, line, column };
      const map = loaded.get(script);
      return (map && originalPosition(map, line, column)) ?? generated;
    },
  };
}

/** The map that a script names, or null when it has none that can be used. */
async function loadMap(path: string, files: SourceFiles): Promise<LoadedMap | null> {
  try {
    const url = sourceMapUrl(await files.read(path));
    if (url === undefined) return null;
    const inline = inlineMap(url);
    if (inline !== undefined) return await traceMap(inline, dirname(path), files);
    const mapPath = resolveMapPath(url, path);
    return mapPath === undefined ? null : await traceMap(await files.read(mapPath), dirname(mapPath), files);
  } catch {
    return null;
  }
}

async function traceMap(text: string, directory: string, files: SourceFiles): Promise<LoadedMap> {
  // Maps may begin with a line that keeps browsers from running them as a script.
  const json = text.startsWith(")]}'") ? text.slice(text.indexOf('\n') + 1) : text;
  const map = new TraceMap(json);
  // Mappings are decoded at the first look-up: do it here, where a malformed map is caught.
  originalPositionFor(map, { line: 1, column: 0 });
  return { map, directory, bundleRoot: await findBundleRoot(map, directory, files), units: json.length };
}

async function findBundleRoot(map: TraceMap, directory: string, files: SourceFiles): Promise<string | undefined> {
  const probes = map.resolvedSources
    .flatMap((source) => bundlerPath(source) ?? [])
    .filter((path) => originOfScript(path) === 'app')
    .slice(0, BUNDLE_ROOT_PROBES);
  let root = directory;
  for (let level = 0; level < BUNDLE_ROOT_LEVELS; level++) {
    for (const probe of probes) if (await files.exists(join(root, probe))) return root;
    const parent = dirname(root);
    if (parent === root) return undefined;
    root = parent;
  }
  return undefined;
}

/** The path in a bundler's URL such as `webpack://orders/./src/app.ts`; undefined for its own runtime. */
function bundlerPath(source: string): string | undefined {
  const path = /^(?:webpack|rspack|turbopack):\/\/[^/]*\/(?:\.\/)*(.+)$/i.exec(source)?.[1];
  return path === undefined || /^(?:webpack|rspack)\//.test(path) ? undefined : decodePath(path.replace(/\?.*$/, ''));
}

/** What the last `sourceMappingURL` comment of a script says. */
export function sourceMapUrl(source: string): string | undefined {
  let url: string | undefined;
  // Comments of this kind stand at the end of their line; the last one counts.
  for (const match of source.matchAll(/\/[/*][#@][ \t]+sourceMappingURL=([^\s'"*]+)[ \t]*(?:\*\/)?[ \t]*(?=\r?\n|\r|$)/g)) {
    url = match[1];
  }
  return url;
}

function inlineMap(url: string): string | undefined {
  const match = /^data:(?:application|text)\/json(?:;[^,;]*)*?(;base64)?,/i.exec(url);
  if (!match) return undefined;
  const data = url.slice(match[0].length);
  return match[1] ? Buffer.from(data, 'base64').toString('utf8') : decodeURIComponent(data);
}

function resolveMapPath(url: string, script: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]+:/i.test(url) && !/^[a-z]:[\\/]/i.test(url)) return pathOfFileUrl(url);
  return resolve(dirname(script), decodePath(url.replace(/[?#].*$/, '')));
}

function originalPosition(loaded: LoadedMap, line: number, column: number): MappedPosition | undefined {
  if (line < 1) return undefined;
  try {
    const needle = { line, column: Math.max(0, column - 1) };
    let found = originalPositionFor(loaded.map, needle);
    // Generators differ in where on a call they put a segment: take the next one when none comes before.
    if (found.source === null) found = originalPositionFor(loaded.map, { ...needle, bias: LEAST_UPPER_BOUND });
    // The specification allows sources without a name.
    if (found.source === null || found.source === '') return undefined;
    const file = sourcePath(found.source, loaded);
    return file === undefined ? undefined : { file, line: found.line, column: found.column + 1 };
  } catch {
    return undefined;
  }
}

/** The path of a source, which the map names relative to itself, absolutely, or by a URL of its bundler. */
function sourcePath(source: string, { directory, bundleRoot }: LoadedMap): string | undefined {
  if (/^[a-z]:[\\/]/i.test(source) || isAbsolute(source)) return pathOfScript(source);
  if (/^file:/i.test(source)) return pathOfFileUrl(source);
  if (/^[a-z][a-z0-9+.-]+:/i.test(source)) {
    const path = bundlerPath(source);
    return path === undefined || bundleRoot === undefined ? undefined : join(bundleRoot, path);
  }
  return join(directory, decodePath(source));
}

function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Reads a script or a map. Devices and pipes, which a target could name, are refused before they are opened: reading
 * them may never end.
 */
async function readSource(path: string): Promise<string> {
  const { size } = await regularFile(path);
  if (size > SOURCE_FILE_LIMIT_BYTES) throw new Error(`${basename(path)} is too large`);
  const file = await open(path, 'r');
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

async function regularFile(path: string): Promise<Stats> {
  const stats = await stat(path);
  if (!stats.isFile()) throw new Error(`${basename(path)} is not a regular file`);
  return stats;
}
