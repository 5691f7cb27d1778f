/**
 * Positions in running scripts as positions in the sources they were made from. The script is read from this machine's
 * disk; a target on another machine, a script without a map and a map that cannot be used all give the script's own
 * position. Nothing here throws: a bad map costs precision, never the picture.
 */
import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { createOrigins } from '../core/model/origin';
import type { OriginRules } from '../core/model/origin';
import type { PositionMapper } from '../core/model/placement';
import type { Origin } from '../core/model/task';
import type { ScriptOrigins } from '../protocol/agent';
import { pathOfFileUrl, pathOfScript } from './paths';
import { createScriptMap, decodePath } from './scriptMap';
import type { ScriptMap } from './scriptMap';

/** Scripts and maps larger than this are not read, in bytes; their positions stay as they are. */
export const SOURCE_FILE_LIMIT_BYTES = 64 * 1024 * 1024;

/** Scripts whose maps are remembered. Frames are mapped when first seen, so an older map is rarely asked for again. */
export const SOURCE_MAP_CACHE_ENTRIES = 512;

/** Text of maps that is remembered, in UTF-16 units. The least recently used maps go first. */
export const SOURCE_MAP_CACHE_UNITS = 64 * 1024 * 1024;

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
  /** Whose code stands where in a prepared script; undefined when that would be too much to tell. */
  origins(script: string): ScriptOrigins | undefined;
}

/**
 * The maps of one session's scripts. A process keeps running the code that it loaded, so what was read once is kept,
 * even if the file is built anew; make another one for another process.
 */
export function createSourceMaps(files: SourceFiles = disk, rules?: OriginRules): PositionSource {
  const origins = createOrigins(rules);
  // A Map lists its keys in the order of insertion: the first one is the least recently used.
  const loaded = new Map<string, ScriptMap | null>();
  let units = 0;

  const remember = (script: string, map: ScriptMap | null): void => {
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
        const path = origins.of(script) === 'app' ? pathOfScript(script) : undefined;
        remember(script, path === undefined ? null : await loadMap(path, files, (source) => origins.ofSource(script, source)));
      }
    },
    lookup(script, line, column) {
      const generated = { file: pathOfScript(script) ?? script, line, column };
      const found = line < 1 ? undefined : loaded.get(script)?.locate(line, column);
      return found === 'helper' ? { ...generated, helper: true } : (found ?? generated);
    },
    origins: (script) => {
      const map = loaded.get(script);
      return map ? map.origins : [];
    },
  };
}

/** The map that a script names, or null when it has none that can be used. */
async function loadMap(path: string, files: SourceFiles, originOf: (source: string) => Origin): Promise<ScriptMap | null> {
  try {
    const script = await files.read(path);
    const url = sourceMapUrl(script);
    if (url === undefined) return null;
    const inline = inlineMap(url);
    if (inline !== undefined) return await createScriptMap(inline, dirname(path), script, (file) => files.exists(file), originOf);
    const mapPath = resolveMapPath(url, path);
    return mapPath === undefined ? null : await createScriptMap(await files.read(mapPath), dirname(mapPath), script, (file) => files.exists(file), originOf);
  } catch {
    return null;
  }
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
