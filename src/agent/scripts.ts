/**
 * The scripts of the program, and whose code stands where in them. The name of a script tells that only as long as it is one
 * file of the user's: a bundle holds libraries too, and its source map, which only the client can read, tells them apart. So
 * a script that may be the user's is unsure until the client has said what it is.
 */
import { matchesGlob, scriptPath } from '../core/base/scriptGlob';
import type { AgentConfig, ScriptOrigins } from '../protocol/agent';
import { STRING_LIMIT, cutText } from './bounds';
import type { CallSite } from './host';

/** `helper`: made by a compiler, between the lines of its sources. `native`: a builtin of V8. */
export type FrameOrigin = 'app' | 'dependency' | 'node' | 'helper' | 'native';

/** As in protocol/agent.ts, which the agent may only import types from. */
const RANGE_SIZE = 3;
const ORIGINS: readonly FrameOrigin[] = ['app', 'dependency', 'helper'];

/** Scripts that stand between a creation and the code that asked for it, and say nothing about it. */
const PLUMBING = /^node:(?:internal\/(?:async_hooks|promise_hooks|timers$)|timers$)/;

/** Names that say where a script is: a path, or a URL. All others (`evalmachine.<anonymous>`) may belong to many scripts. */
const LOCATED = /^(?:[\\/]|[A-Za-z][A-Za-z0-9+.-]*:)/;
const UNNAMED_SCRIPT = '<anonymous>';
/** For the number that tells scripts of one name apart. */
const NUMBER_ROOM = 12;
/**
 * A program may evaluate new texts for as long as it runs, and each would be kept, at half a kilobyte. From so many scripts on, those that
 * have no place of their own share one for each name, where equal offsets are one position: whose code it is, the name says alone.
 */
const MAX_SCRIPTS = 10_000;
/** From so many on, all new ones share one for whose code it is, by their names. Only names made up by a program are that many. */
const MAX_NAMES = 2 * MAX_SCRIPTS;
const MORE_SCRIPTS = '<more scripts>';

export interface Script {
  readonly id: number;
  readonly name: string;
  readonly plumbing: boolean;
  /** Whose code it is by its name, and by what the user says of it. */
  readonly origin: FrameOrigin;
  /** Frames by offset in the source. */
  readonly byPosition: Map<number, number>;
  /** The client has not said yet what is in it. */
  unsure: boolean;
  /** As the client said; null when it is one and the same everywhere. */
  origins: ScriptOrigins | null;
}

export interface Scripts {
  /** The script of a frame; null for builtins of V8. */
  of(site: CallSite): Script | null;
  byId(id: number): Script | undefined;
  /** Scripts that the client has to say something about, until the next call. */
  unsure(): readonly Script[];
}

type OriginPattern = AgentConfig['origins'][number];

export function createScripts(patterns: readonly OriginPattern[]): Scripts {
  const byName = new Map<string, Script>();
  /** How many scripts have a name that does not say where they are. */
  const namesakes = new Map<string, number>();
  const list: Script[] = [];
  /** Those that the client had not told of when it was last asked for them, and those that have come since. */
  let waiting: Script[] = [];

  function add(key: string, name: string, plumbing: boolean, origin: FrameOrigin, unsure: boolean): Script {
    const script: Script = { id: list.length, name, plumbing, origin, byPosition: new Map(), unsure, origins: null };
    list[script.id] = script;
    byName.set(key, script);
    if (unsure) waiting[waiting.length] = script;
    return script;
  }

  /** The script of a text that is met for the first time, or of one that had to share. */
  function meet(key: string, fullName: string, located: boolean): Script {
    const ofName = !located && list.length >= MAX_SCRIPTS;
    const shared = ofName ? `${fullName}\0` : key;
    const known = byName.get(shared);
    if (known !== undefined) return known;
    let name = cutText(fullName);
    const plumbing = PLUMBING.test(name);
    const origin = originByName(name, patterns);
    if (list.length >= MAX_NAMES) {
      const rest = `\0${origin} ${plumbing}`;
      return byName.get(rest) ?? add(rest, MORE_SCRIPTS, plumbing, origin, false);
    }
    if (!located) {
      const count = (namesakes.get(name) ?? 0) + 1;
      namesakes.set(name, count);
      if (count > 1) name = `${name.slice(0, STRING_LIMIT - NUMBER_ROOM)} #${count}`;
    }
    return add(shared, name, plumbing, origin, origin === 'app' && !ofName);
  }

  return {
    of(site) {
      let name = site.getScriptNameOrSourceURL() ?? '';
      // evaluated code may have no name, builtins have no position either
      if (name === '' && site.getLineNumber() !== null) name = site.getEvalOrigin() ?? UNNAMED_SCRIPT;
      if (name === '') return null;
      const located = LOCATED.test(name);
      const key = located ? name : `${name}\0${site.getScriptHash?.() ?? ''}`;
      return byName.get(key) ?? meet(key, name, located);
    },
    byId: (id) => list[id],
    unsure() {
      const found: Script[] = [];
      for (let i = 0; i < waiting.length; i++) {
        const script = waiting[i] as Script;
        if (script.unsure) found[found.length] = script;
      }
      waiting = found;
      return found;
    },
  };
}

/** Whose code stands at a position: lines and columns are 1-based. */
export function originAt({ origin, origins }: Script, line: number, column: number): FrameOrigin {
  if (origins === null) return origin;
  // The last range that begins at or before the position.
  let low = 0;
  let high = origins.length / RANGE_SIZE;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = middle * RANGE_SIZE;
    const startLine = origins[at] as number;
    if (startLine < line || (startLine === line && (origins[at + 1] as number) <= column)) low = middle + 1;
    else high = middle;
  }
  return (low === 0 ? undefined : ORIGINS[origins[(low - 1) * RANGE_SIZE + 2] as number]) ?? origin;
}

function originByName(script: string, patterns: readonly OriginPattern[]): FrameOrigin {
  if (script.startsWith('node:')) return 'node';
  // compiled code is a library's as a rule, and has no lines; whose it is, its callers tell
  if (script.startsWith('wasm:')) return 'native';
  if (patterns.length > 0) {
    const path = scriptPath(script);
    for (let i = 0; i < patterns.length; i++) {
      const pattern = patterns[i] as OriginPattern;
      if (matchesGlob(pattern, path)) return pattern.origin;
    }
  }
  return /[\\/]node_modules[\\/]/.test(script) ? 'dependency' : 'app';
}
