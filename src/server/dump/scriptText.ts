/**
 * What the texts of scripts tell that a heap does not: where a function stands that can be suspended in one place only, which needs no
 * look-up then, which would stop the process; and where functions get their names and a file its variables, so that a source map can
 * tell what they are called in the sources. A text is that of the file on this machine, so the file must not have been touched since
 * before the process began, and every function that the heap names must stand in it where V8 says.
 */
import { stat } from 'node:fs/promises';
import { parse } from 'acorn';
import type { Node, Options } from 'acorn';
import type { HeapAnalysis, RawText } from '../../core/heap/heapAnalysis';
import type { ScriptPosition } from '../../core/heap/heapGraph';
import { originOfScript } from '../../core/model/origin';
import { pathOfScript } from '../paths';
import { readSource } from '../sourceMaps';

/** Scripts larger than this are not parsed, in UTF-16 units: a million takes 150 ms, in which nobody else is served. */
export const PARSED_SCRIPT_LIMIT = 1_000_000;
/** Text that is parsed for one dump, in UTF-16 units. Functions of scripts beyond it are looked up, and keep their names. */
export const PARSED_TEXT_LIMIT = 4_000_000;

/** Where the functions that are declared at a place stand, by {@link declarationKey}. */
export type SingleAwaits = ReadonlyMap<string, ScriptPosition>;

export interface ScriptTexts {
  readonly singles: SingleAwaits;
  /** What functions are named by, by {@link declarationKey}. */
  readonly names: ReadonlyMap<string, FunctionName>;
  /** Where a file's own variables are declared, by {@link variableKey}. */
  readonly variables: ReadonlyMap<string, ScriptPosition>;
}

/** What a function gets its name from, and the name of the class that it is a method of. */
export interface FunctionName {
  readonly own: Identifier;
  readonly class: Identifier | null;
}

export interface Identifier {
  readonly name: string;
  readonly at: ScriptPosition;
}

export const NO_SCRIPT_TEXTS: ScriptTexts = { singles: new Map(), names: new Map(), variables: new Map() };

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

export function variableKey(scriptId: number, name: string): string {
  return `${scriptId}:${name}`;
}

/** What is asked of one script. */
interface Wanted {
  /** Async functions, by their keys. */
  readonly suspended: Map<string, ScriptPosition>;
  /** All functions. */
  readonly functions: Map<string, ScriptPosition>;
  readonly variables: Set<string>;
}

/**
 * Never rejects: what cannot be read is left out.
 * @param startedAt when the process began, milliseconds since the epoch: files that were changed later are left out
 */
export async function readScriptTexts(analysis: Pick<HeapAnalysis, 'groups' | 'resources' | 'scripts'>, startedAt: number, files: ScriptFiles = disk): Promise<ScriptTexts> {
  const singles = new Map<string, ScriptPosition>();
  const names = new Map<string, FunctionName>();
  const variables = new Map<string, ScriptPosition>();
  let units = 0;
  // what spares look-ups first
  const inOrder = [...wantedOf(analysis)].sort(([, a], [, b]) => Number(b.suspended.size > 0) - Number(a.suspended.size > 0));
  for (const [scriptId, wanted] of inOrder) {
    const script = analysis.scripts.get(scriptId) ?? '';
    const path = pathOfScript(script);
    const sparesLookUps = wanted.suspended.size > 0;
    if (path === undefined || (!sparesLookUps && originOfScript(script) !== 'app')) continue;
    try {
      if ((await files.changedAt(path)) >= startedAt) continue;
      const text = await files.read(path);
      // Node takes a byte order mark off, which moves the first line
      if (text.length > PARSED_SCRIPT_LIMIT || units + text.length > PARSED_TEXT_LIMIT || text.startsWith('\ufeff')) continue;
      // names are those of the source where no map says otherwise
      if (!sparesLookUps && !text.includes('sourceMappingURL=')) continue;
      units += text.length;
      const found = readScriptText(text, scriptId, wanted);
      for (const [key, at] of found?.singles ?? []) singles.set(key, at);
      for (const [key, name] of found?.names ?? []) names.set(key, name);
      for (const [key, at] of found?.variables ?? []) variables.set(key, at);
    } catch {
      // no such file, or no JavaScript: TypeScript that Node strips, a module of Node's own
    }
  }
  return { singles, names, variables };
}

function wantedOf({ groups, resources }: Pick<HeapAnalysis, 'groups' | 'resources'>): ReadonlyMap<number, Wanted> {
  const wanted = new Map<number, Wanted>();
  const of = (scriptId: number): Wanted => {
    let known = wanted.get(scriptId);
    if (known === undefined) wanted.set(scriptId, (known = { suspended: new Map(), functions: new Map(), variables: new Set() }));
    return known;
  };
  const addNames = (text: RawText): void => {
    for (const part of text) {
      if (typeof part === 'string') continue;
      if ('variable' in part) of(part.script).variables.add(part.variable);
      else if ('function' in part) of(part.declared.scriptId).functions.set(declarationKey(part.declared), part.declared);
    }
  };
  for (const { chain, waitsFor, why, heldBy } of groups) {
    for (const { kind, declared } of chain) {
      if (declared === null) continue;
      const { suspended, functions } = of(declared.scriptId);
      functions.set(declarationKey(declared), declared);
      if (kind === 'async function') suspended.set(declarationKey(declared), declared);
    }
    for (const text of [waitsFor.text, why, ...heldBy.map(({ path }) => path)]) addNames(text);
  }
  for (const list of [resources.timers, resources.handles, resources.requests]) for (const { text } of list) addNames(text);
  return wanted;
}

/**
 * Undefined where the text cannot be what V8 has loaded.
 * @throws {SyntaxError} when it is no JavaScript
 */
export function readScriptText(text: string, scriptId: number, wanted: Wanted): ScriptTexts | undefined {
  const lines = lineStarts(text);
  const place = (offset: number): ScriptPosition => ({ scriptId, ...positionOf(offset, lines) });
  const program: Program = { functions: [], variables: new Map([...wanted.variables].map((name) => [name, []])) };
  collect(parseScript(text), { within: undefined, depth: 0, name: undefined, class: undefined }, program);
  const at = ({ line, column }: ScriptPosition): FoundFunction | undefined => {
    const start = lines[line];
    const offset = start === undefined ? -1 : start + column;
    // V8 has a function begin at its parameters; of functions within parameters the innermost is meant
    return program.functions.filter(({ head }) => head[0] <= offset && offset <= head[1]).sort((a, b) => b.head[0] - a.head[0])[0];
  };
  const identifier = ({ text: name, start }: Name): Identifier => ({ name, at: place(start) });
  const singles = new Map<string, ScriptPosition>();
  for (const [key, position] of wanted.suspended) {
    const match = at(position);
    if (match?.isAsync !== true) return undefined;
    if (match.waits === 1 && match.awaitAt !== undefined) singles.set(key, place(match.awaitAt));
  }
  const names = new Map<string, FunctionName>();
  for (const [key, position] of wanted.functions) {
    const match = at(position);
    if (match?.name !== undefined) names.set(key, { own: identifier(match.name), class: match.class === undefined ? null : identifier(match.class) });
  }
  const variables = new Map<string, ScriptPosition>();
  for (const name of wanted.variables) {
    const declared = outermost(program.variables.get(name) ?? []);
    if (declared !== undefined) variables.set(variableKey(scriptId, name), place(declared.start));
  }
  return { singles, names, variables };
}

/** A file's own variable is declared outside of all functions, or in the one that a bundler has put around everything; not where that is several. */
function outermost(declared: readonly Declaration[]): Declaration | undefined {
  const depth = Math.min(...declared.map((each) => each.depth));
  const [first, second] = declared.filter((each) => each.depth === depth);
  return second === undefined ? first : undefined;
}

interface Name {
  readonly text: string;
  readonly start: number;
}

/** A function or method that may be what the heap names. */
interface FoundFunction {
  /** Offsets from its first character to where its body begins. */
  readonly head: readonly [number, number];
  /** Neither a generator nor without `await`. */
  readonly isAsync: boolean;
  readonly name: Name | undefined;
  readonly class: Name | undefined;
  /** Places where it can be suspended; several for what waits more than once by itself. */
  waits: number;
  awaitAt: number | undefined;
}

interface Declaration {
  readonly start: number;
  /** Of the functions around it. */
  readonly depth: number;
}

interface Program {
  readonly functions: FoundFunction[];
  /** Those that are wanted. */
  readonly variables: ReadonlyMap<string, Declaration[]>;
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
  readonly computed?: boolean;
  readonly id?: Node | null;
  readonly left?: Node;
  readonly key?: Node;
  readonly value?: unknown;
  readonly name?: string;
}

/** Where a node is. */
interface Around {
  /** The async function that an `await` here belongs to; undefined elsewhere. */
  readonly within: FoundFunction | undefined;
  /** How many functions there are around it. */
  readonly depth: number;
  /** What a function or class without a name of its own is called here. */
  readonly name: Name | undefined;
  /** Of the class whose member this is. */
  readonly class: Name | undefined;
}

function collect(root: Node, around: Around, program: Program): void {
  const node: AnyNode = root;
  let { within, depth } = around;
  let name: Name | undefined;
  let inClass: Name | undefined;
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression': {
      if (node.type === 'FunctionDeclaration') declare(node.id, depth, program);
      const found: FoundFunction = {
        head: [node.start, node.body?.start ?? node.end],
        isAsync: node.async === true && node.generator !== true,
        name: nameOf(node.id) ?? around.name,
        class: around.class,
        waits: 0,
        awaitAt: undefined,
      };
      program.functions.push(found);
      within = found.isAsync ? found : undefined;
      depth++;
      break;
    }
    case 'ClassDeclaration':
    case 'ClassExpression':
      if (node.type === 'ClassDeclaration') declare(node.id, depth, program);
      inClass = nameOf(node.id) ?? around.name;
      break;
    case 'ClassBody':
      inClass = around.class;
      break;
    case 'MethodDefinition':
    case 'PropertyDefinition':
    case 'Property':
      name = node.computed === true ? undefined : nameOf(node.key);
      inClass = around.class;
      break;
    case 'VariableDeclarator':
      declare(node.id, depth, program);
      name = nameOf(node.id);
      break;
    case 'AssignmentExpression':
    case 'AssignmentPattern':
      name = nameOf(node.left);
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
  const inside: Around = { within, depth, name, class: inClass };
  for (const value of Object.values(node) as readonly unknown[]) {
    for (const child of Array.isArray(value) ? (value as readonly unknown[]) : [value]) if (isNode(child)) collect(child, inside, program);
  }
}

function nameOf(node: AnyNode | null | undefined): Name | undefined {
  return node?.type === 'Identifier' && node.name !== undefined ? { text: node.name, start: node.start } : undefined;
}

function declare(node: Node | null | undefined, depth: number, { variables }: Program): void {
  const name = nameOf(node);
  if (name !== undefined) variables.get(name.text)?.push({ start: name.start, depth });
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
