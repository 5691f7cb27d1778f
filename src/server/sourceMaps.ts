/**
 * Positions in running scripts as positions in the sources they were made from. The script is read from this machine's
 * disk; a target on another machine, a script without a map and a map that cannot be used all give the script's own
 * position. Nothing here throws: a bad map costs precision, never the picture.
 */
import type { Stats } from 'node:fs';
import { constants, open, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { NO_PATH_MAPPINGS, createPathMapper } from '../core/base/pathMapping';
import type { PathMappings } from '../core/base/pathMapping';
import { createOrigins } from '../core/model/origin';
import type { OriginRules } from '../core/model/origin';
import { displayName } from '../core/format/text';
import type { PositionMapper } from '../core/model/placement';
import type { Origin } from '../core/model/task';
import type { ScriptOrigins } from '../protocol/agent';
import { localPathOf, pathOfFileUrl, pathOfScript } from './paths';
import { SourceMapError, createScriptMap, decodePath, sourceContent } from './scriptMap';
import type { ScriptMap } from './scriptMap';

/** Scripts and maps larger than this are not read, in bytes; their positions stay as they are. */
export const SOURCE_FILE_LIMIT_BYTES = 64 * 1024 * 1024;

/** Scripts whose maps are remembered. Frames are mapped when first seen, so an older map is rarely asked for again. */
export const SOURCE_MAP_CACHE_ENTRIES = 512;

/** Text of maps that is remembered, in UTF-16 units. The least recently used maps go first. */
export const SOURCE_MAP_CACHE_UNITS = 64 * 1024 * 1024;

/** Windows knows neither the flag nor pipes among its files. */
const NONBLOCK = (constants as { readonly O_NONBLOCK?: number }).O_NONBLOCK ?? 0;

/** Problems with maps that are told of in one session. */
export const SOURCE_MAP_PROBLEMS = 20;

/** What Node does not run as it stands on the disk: if it was not Node that took the types out, something else transformed it. */
const TRANSFORMED = /\.(?:[cm]?tsx?|jsx)$/i;

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

/** The maps, as JSON, of scripts that were transformed as they were loaded. */
export type AskForMaps = (scripts: readonly string[]) => Promise<readonly (string | null)[]>;

/** Maps positions; {@link prepare} reads what {@link lookup} then answers from memory. */
export interface PositionSource {
  /**
   * Reads the maps of scripts. Never rejects.
   * @param ask gives the maps that only the process itself has; never rejects
   */
  prepare(scripts: Iterable<string>, ask?: AskForMaps): Promise<void>;
  readonly lookup: PositionMapper;
  /** What the source calls what begins exactly there in a prepared script; undefined where no map tells. */
  nameAt(script: string, line: number, column: number): string | undefined;
  /** The file that all of a prepared script was made of, which is the script itself where it has no map; undefined where it was made of several. */
  onlySource(script: string): string | undefined;
  /** Whose code stands where in a prepared script; undefined when that would be too much to tell. */
  origins(script: string): ScriptOrigins | undefined;
  /**
   * The text of a file as the map holds it that led to the file; undefined where none does. Maps are read again for it: nobody
   * looks at most of the sources. Never rejects.
   */
  content(file: string, ask?: AskForMaps): Promise<string | undefined>;
  /** What a shown file is in the process's own file system; undefined when it is no file there. */
  pathInProcess(file: string): string | undefined;
}

/**
 * The maps of one session's scripts. A process keeps running the code that it loaded, so what was read once is kept,
 * even if the file is built anew; make another one for another process.
 */
export function createSourceMaps(
  files: SourceFiles = disk,
  rules?: OriginRules,
  onProblem: (message: string) => void = () => undefined,
  mappings: PathMappings = NO_PATH_MAPPINGS,
): PositionSource {
  const mapPath = createPathMapper(mappings);
  // a mapping is written by hand: `..` and slashes in it must not keep files from being those that are open
  const mapped = (script: string): string | undefined => {
    const path = mapPath(script);
    return path === undefined ? undefined : localPathOf(path);
  };
  const localPath = (script: string): string | undefined => mapped(script) ?? pathOfScript(script);
  const origins = createOrigins(rules);
  // A Map lists its keys in the order of insertion: the first one is the least recently used.
  const loaded = new Map<string, ScriptMap | null>();
  let units = 0;

  let problems = 0;

  const tell = (script: string, error: unknown): void => {
    if (!(error instanceof SourceMapError) || problems++ >= SOURCE_MAP_PROBLEMS) return;
    onProblem(`${displayName(basename(script))} ${displayName(error.message)}. Its lines are shown as they run.`);
    if (problems === SOURCE_MAP_PROBLEMS) onProblem('Other source maps cannot be used either; they are not listed.');
  };

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
    async prepare(scripts, ask) {
      const unknown: string[] = [];
      for (const script of new Set(scripts)) {
        const known = loaded.get(script);
        if (known !== undefined) {
          loaded.delete(script);
          loaded.set(script, known);
          continue;
        }
        // A dependency's own files exist; the sources they were compiled from are seldom shipped.
        const path = origins.of(script) === 'app' ? localPath(script) : undefined;
        if (path === undefined) {
          remember(script, null);
          continue;
        }
        try {
          const map = await loadMap(path, files, (source) => origins.ofSource(script, source), localPath);
          if (map === undefined && (TRANSFORMED.test(path) || !(await files.exists(path)))) unknown.push(script);
          remember(script, map ?? null);
        } catch (error) {
          remember(script, null);
          tell(script, error);
        }
      }
      if (unknown.length === 0 || ask === undefined) return;
      const maps = await ask(unknown);
      for (const [index, script] of unknown.entries()) {
        const json = maps[index];
        if (typeof json !== 'string') continue;
        try {
          remember(script, await createScriptMap(json, dirname(localPath(script) ?? ''), undefined, (file) => files.exists(file), (source) => origins.ofSource(script, source), localPath));
        } catch (error) {
          tell(script, error);
        }
      }
    },
    lookup(script, line, column) {
      const generated = { file: localPath(script) ?? script, line, column };
      const found = line < 1 ? undefined : loaded.get(script)?.locate(line, column);
      return found === 'helper' ? { ...generated, helper: true } : (found ?? generated);
    },
    nameAt: (script, line, column) => loaded.get(script)?.nameAt(line, column),
    onlySource(script) {
      const map = loaded.get(script);
      return map ? map.onlySource : (localPath(script) ?? script);
    },
    async content(file, ask) {
      for (const [script, map] of loaded) {
        const index = map?.sourceIndex(file);
        const path = localPath(script);
        if (index === undefined || path === undefined) continue;
        try {
          const json = (await readMap(path, files))?.json ?? (await ask?.([script]))?.[0];
          const text = typeof json === 'string' ? sourceContent(json, index) : undefined;
          if (text !== undefined) return text;
        } catch (error) {
          tell(script, error);
        }
      }
      return undefined;
    },
    pathInProcess(file) {
      for (const script of loaded.keys()) if (mapped(script) === file) return pathInName(script);
      return pathInName(file);
    },
    origins: (script) => {
      const map = loaded.get(script);
      return map ? map.origins : [];
    },
  };
}

/** The path in a script's name as the process has it, which may run on another system than this one. */
function pathInName(script: string): string | undefined {
  return pathOfScript(script) ?? (/^(?:[a-z]:[\\/]|\/)/i.test(script) ? script : undefined);
}

interface MapText {
  readonly json: string;
  /** What relative sources are relative to. */
  readonly directory: string;
  /** The script's own text. */
  readonly script: string;
}

/** The map that a script names; undefined when it names none. Throws what is wrong with it. */
async function loadMap(path: string, files: SourceFiles, originOf: (source: string) => Origin, pathOf: (source: string) => string | undefined): Promise<ScriptMap | undefined> {
  const text = await readMap(path, files);
  return text && createScriptMap(text.json, text.directory, text.script, (file) => files.exists(file), originOf, pathOf);
}

async function readMap(path: string, files: SourceFiles): Promise<MapText | undefined> {
  const script = await files.read(path).catch(() => undefined);
  const url = script === undefined ? undefined : sourceMapUrl(script);
  if (script === undefined || url === undefined) return undefined;
  if (/^data:/i.test(url)) {
    const inline = inlineMap(url);
    if (inline === undefined) throw new SourceMapError('malformed', 'has a source map that cannot be read');
    return { json: inline, directory: dirname(path), script };
  }
  const mapPath = resolveMapPath(url, path);
  if (mapPath === undefined) throw new SourceMapError('elsewhere', 'has a source map that is not on this machine, and nothing is fetched');
  const json = await files.read(mapPath).catch((error: unknown) => {
    if (error instanceof SourceMapError) throw error;
    throw new SourceMapError('missing', `names the source map ${basename(mapPath)}, which cannot be read`, { cause: error });
  });
  return { json, directory: dirname(mapPath), script };
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
 * Reads a script or a map. Devices and pipes, which a target could name, are refused before they are opened, and once more
 * after: reading them may never end. No more is read than the size says, as some files of the system have none and no end.
 */
export async function readSource(path: string): Promise<string> {
  await regularFile(path);
  const file = await open(path, constants.O_RDONLY | NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error(`${basename(path)} is not a regular file`);
    if (stats.size > SOURCE_FILE_LIMIT_BYTES) {
      throw new SourceMapError('too large', `or its source map is larger than ${SOURCE_FILE_LIMIT_BYTES / 1024 / 1024} MB`);
    }
    const bytes = Buffer.alloc(stats.size);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}

async function regularFile(path: string): Promise<Stats> {
  const stats = await stat(path);
  if (!stats.isFile()) throw new Error(`${basename(path)} is not a regular file`);
  return stats;
}
