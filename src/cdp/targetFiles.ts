/** What a target can read and keeps that this machine may not have: files, and source maps of what it runs. */
import * as v from 'valibot';
import { evaluateValue } from './agent/agentCalls';
import type { Connection } from './connection';
import { LOAD, PROCESS } from './primordials';
import type { TargetFile } from './target';

/** A source map larger than this is not taken out of a target, in UTF-16 units; lines are shown as they run then. */
const SOURCE_MAP_LIMIT_UNITS = 32 * 1024 * 1024;
/** Files larger than this are not read out of a target, in bytes. */
export const TARGET_FILE_LIMIT_BYTES = 4 * 1024 * 1024;

const targetFile = v.union([v.object({ text: v.string() }), v.object({ code: v.string() })]);

interface TargetModules {
  readonly findSourceMap?: (script: string) => { readonly payload: object } | undefined;
}

/** Runs in the target. `findSourceMap` is there since Node 13, and knows maps only while the program has them kept. */
function keptSourceMaps(scripts: readonly string[], limit: number, { findSourceMap }: TargetModules): (string | null)[] {
  return scripts.map((script) => {
    try {
      const map = findSourceMap?.(script);
      const json = map === undefined ? undefined : JSON.stringify(map.payload);
      return json !== undefined && json.length <= limit ? json : null;
    } catch {
      return null;
    }
  });
}

interface TargetFileSystem {
  statSync(path: string): { isFile(): boolean; readonly size: number };
  readFileSync(path: string, encoding: 'utf8'): string;
}

/**
 * The source maps that Node has kept of scripts, as JSON; null where there is none. One evaluation.
 * @throws {TargetError}
 */
export async function askForSourceMaps(connection: Connection, scripts: readonly string[]): Promise<readonly (string | null)[]> {
  const value = await evaluateValue(
    connection,
    `(${keptSourceMaps.toString()})(${JSON.stringify(scripts)}, ${SOURCE_MAP_LIMIT_UNITS}, ${LOAD}(${PROCESS}, 'module'))`,
  );
  return v.parse(v.fallback(v.array(v.fallback(v.nullable(v.string()), null)), []), value);
}

/** Runs in the target. What is no regular file is not opened: reading it might never end. */
function readTextFile(path: string, limit: number, fs: TargetFileSystem): unknown {
  try {
    const stats = fs.statSync(path);
    if (!stats.isFile()) return { code: 'no file' };
    if (stats.size > limit) return { code: 'too large' };
    return { text: fs.readFileSync(path, 'utf8') };
  } catch (error) {
    return { code: String((error as { code?: unknown } | undefined)?.code) };
  }
}

/**
 * The text of a file that the target can read, or Node's code of the error; `unknown` where the answer has another form.
 * @param path as the target has it
 * @throws {TargetError}
 */
export async function readTargetFile(connection: Connection, path: string): Promise<TargetFile> {
  const value = await evaluateValue(connection, `(${readTextFile.toString()})(${JSON.stringify(path)}, ${TARGET_FILE_LIMIT_BYTES}, ${LOAD}(${PROCESS}, 'fs'))`);
  return v.parse(v.fallback(targetFile, { code: 'unknown' }), value);
}
