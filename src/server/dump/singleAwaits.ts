/**
 * Functions that can be suspended in one place only, out of the text of their script: where such a function stands needs no look-up,
 * which would stop the process. The text is that of the file on this machine, so the file must not have been touched since before the
 * process began, and every function that the heap names must stand in it where V8 says.
 */
import { stat } from 'node:fs/promises';
import { parse } from 'acorn';
import type { Node, Options } from 'acorn';
import type { RawGroup } from '../../core/heap/heapAnalysis';
import type { ScriptPosition } from '../../core/heap/heapGraph';
import { pathOfScript } from '../paths';
import { readSource } from '../sourceMaps';

/** Scripts larger than this are not parsed, in UTF-16 units: a million takes 150 ms, in which nobody else is served. */
export const PARSED_SCRIPT_LIMIT = 1_000_000;
/** Text that is parsed for one dump, in UTF-16 units. Functions of scripts beyond it are looked up. */
export const PARSED_TEXT_LIMIT = 4_000_000;

/** Where the functions that are declared at a place stand, by {@link declarationKey}. */
export type SingleAwaits = ReadonlyMap<string, ScriptPosition>;

export interface ScriptFiles {
  /** Rejects where there is no such text. */
  read(path: string): Promise<string>;
  /** When the file, or anything about it, was changed last: milliseconds since the epoch. */
  changedAt(path: string): Promise<number>;
}

const disk: ScriptFiles = {
  read: readSource,
  // the time of the last change of the inode, which no tool sets back
  changedAt: async (path) => (await stat(path)).ctimeMs,
};

export function declarationKey({ scriptId, line, column }: ScriptPosition): string {
  return `${scriptId}:${line}:${column}`;
}

/**
 * Never rejects: what cannot be read is left out.
 * @param scripts names of scripts by their ids
 * @param startedAt when the process began, milliseconds since the epoch: files that were changed later are left out
 */
export async function findSingleAwaits(groups: readonly RawGroup[], scripts: ReadonlyMap<number, string>, startedAt: number, files: ScriptFiles = disk): Promise<SingleAwaits> {
  const declared = new Map<number, Map<string, ScriptPosition>>();
  for (const { chain } of groups) {
    for (const frame of chain) {
      if (frame.kind !== 'async function' || frame.declared === null) continue;
      const inScript = declared.get(frame.declared.scriptId) ?? new Map<string, ScriptPosition>();
      declared.set(frame.declared.scriptId, inScript);
      inScript.set(declarationKey(frame.declared), frame.declared);
    }
  }
  const found = new Map<string, ScriptPosition>();
  let units = 0;
  for (const [scriptId, positions] of declared) {
    const path = pathOfScript(scripts.get(scriptId) ?? '');
    if (path === undefined) continue;
    try {
      if ((await files.changedAt(path)) >= startedAt) continue;
      const text = await files.read(path);
      // Node takes a byte order mark off, which moves the first line
      if (text.length > PARSED_SCRIPT_LIMIT || units + text.length > PARSED_TEXT_LIMIT || text.startsWith('\ufeff')) continue;
      units += text.length;
      for (const [key, at] of singleAwaitsIn(text, [...positions.values()])) found.set(key, { scriptId, ...at });
    } catch {
      // no such file, or no JavaScript: TypeScript that Node strips, a module of Node's own
    }
  }
  return found;
}

/**
 * The functions of a script with exactly one `await`, by their declarations; empty where the text cannot be what V8 has loaded.
 * @throws {SyntaxError} when it is no JavaScript
 */
export function singleAwaitsIn(text: string, declared: readonly ScriptPosition[]): ReadonlyMap<string, Omit<ScriptPosition, 'scriptId'>> {
  const lines = lineStarts(text);
  const functions: AsyncFunction[] = [];
  collect(parseScript(text), undefined, functions);
  const found = new Map<string, Omit<ScriptPosition, 'scriptId'>>();
  for (const position of declared) {
    const start = lines[position.line];
    const offset = start === undefined ? -1 : start + position.column;
    // V8 has a function begin at its parameters; of functions within parameters the innermost is meant
    const [match] = functions.filter(({ head }) => head[0] <= offset && offset <= head[1]).sort((a, b) => b.head[0] - a.head[0]);
    if (match === undefined) return new Map();
    if (match.waits === 1 && match.awaitAt !== undefined) found.set(declarationKey(position), positionOf(match.awaitAt, lines));
  }
  return found;
}

interface AsyncFunction {
  /** Offsets from its first character to where its body begins. */
  readonly head: readonly [number, number];
  /** Places where it can be suspended; several for what waits more than once by itself. */
  waits: number;
  awaitAt: number | undefined;
}

const OPTIONS: Options = { ecmaVersion: 'latest', allowHashBang: true, allowReturnOutsideFunction: true };

function parseScript(text: string): Node {
  try {
    return parse(text, { ...OPTIONS, sourceType: 'module' });
  } catch {
    return parse(text, { ...OPTIONS, sourceType: 'script' });
  }
}

/** Fields of the nodes of ESTree that are read here. */
interface AnyNode extends Node {
  readonly async?: boolean;
  readonly generator?: boolean;
  readonly body?: Node;
  readonly await?: boolean;
  readonly kind?: string;
}

/** @param within the async function that an `await` here belongs to; undefined elsewhere */
function collect(root: Node, within: AsyncFunction | undefined, functions: AsyncFunction[]): void {
  const node: AnyNode = root;
  let inside = within;
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      inside = undefined;
      if (node.async === true && node.generator !== true && node.body !== undefined) {
        inside = { head: [node.start, node.body.start], waits: 0, awaitAt: undefined };
        functions.push(inside);
      }
      break;
    case 'AwaitExpression':
      if (within !== undefined) {
        within.waits++;
        within.awaitAt = node.start;
      }
      break;
    case 'ForOfStatement':
      // waits for each value, and for the end of the loop
      if (within !== undefined && node.await === true) within.waits += 2;
      break;
    case 'VariableDeclaration':
      if (within !== undefined && node.kind === 'await using') within.waits += 2;
      break;
    default:
  }
  for (const value of Object.values(node) as readonly unknown[]) {
    for (const child of Array.isArray(value) ? (value as readonly unknown[]) : [value]) if (isNode(child)) collect(child, inside, functions);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** Offsets of the first characters of lines, as V8 counts them (ECMA-262, LineTerminator). */
function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (const { index, 0: end } of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) starts.push(index + end.length);
  return starts;
}

function positionOf(offset: number, lines: readonly number[]): { readonly line: number; readonly column: number } {
  let line = 0;
  let high = lines.length - 1;
  while (line < high) {
    const middle = (line + high + 1) >> 1;
    if ((lines[middle] ?? Infinity) <= offset) line = middle;
    else high = middle - 1;
  }
  return { line, column: offset - (lines[line] ?? 0) };
}
