/**
 * Where functions of the target stand, by the debugger's own knowledge: V8 shows a function's position as an internal property
 * of it, and its script as a number. The names of the scripts come with the coverage that V8 has anyway: `Debugger.enable`,
 * which lists them too, would slow the target down and disturb a debugger that holds it.
 *
 * Nothing here runs in the target, and nothing is compiled there.
 */
import * as v from 'valibot';
import type { AgentPoll } from '../protocol/agent';
import type { Connection } from './connection';
import { getProperties, propertyIds } from './remoteProperties';

/** Positions that are asked for at a time, so that the target gets to its own work in between: 64 take it 3 ms. */
const LOOKUPS_AT_ONCE = 64;
/** A bound function stands for another, which may be bound too. */
const BOUND_LIMIT = 4;
/** A function of Node's that calls the program's, which may be wrapped itself. */
const WRAPPER_LIMIT = 3;
/** What Node calls the program's function where it wraps one (node: lib/fs.js, lib/child_process.js). */
const WRAPPED_NAMES = ['cb', 'callback', 'listener'] as const;
/** Our own code in the target, and that of other Asyncscopes. */
const OWN_SCRIPTS = 'node:internal/asyncscope/';

/** Positions by the numbers that the agent gave to functions; a function that is not here has none, such as a builtin. */
export type CallbackPositions = ReadonlyMap<number, Position>;

interface Position {
  readonly script: string;
  readonly line: number;
  readonly column: number;
}

interface Numbered {
  readonly number: number;
  readonly objectId: string;
}

const location = v.object({ scriptId: v.string(), lineNumber: v.number(), columnNumber: v.optional(v.number(), 0) });
const coverage = v.object({ result: v.array(v.object({ scriptId: v.string(), url: v.string() })) });

/**
 * @param holder an object of functions, by their numbers
 * @throws {TargetError} as {@link Connection.send} does
 */
export async function findCallbacks(connection: Connection, holder: string): Promise<CallbackPositions> {
  const positions = new Map<number, Position>();
  let scripts: ReadonlyMap<string, string> | undefined;
  let pending = (await getProperties(connection, holder)).result.flatMap(({ name, value }): Numbered[] =>
    /^\d+$/.test(name) && value?.objectId !== undefined ? [{ number: Number(name), objectId: value.objectId }] : [],
  );
  for (let depth = 0; depth < WRAPPER_LIMIT && pending.length > 0; depth++) {
    const wrapped: Numbered[] = [];
    for (let i = 0; i < pending.length; i += LOOKUPS_AT_ONCE) {
      const group = pending.slice(i, i + LOOKUPS_AT_ONCE);
      const located = await Promise.all(group.map(({ objectId }) => locate(connection, objectId)));
      if (located.some((each) => each !== undefined)) scripts ??= await nameScripts(connection);
      for (const [index, { number }] of group.entries()) {
        const found = located[index];
        const script = found && scripts?.get(found.at.scriptId);
        if (found === undefined || script === undefined) continue;
        positions.set(number, { script, line: found.at.lineNumber + 1, column: found.at.columnNumber + 1 });
        if (!script.startsWith('node:') || found.scopes === undefined) continue;
        const inside = await wrappedFunction(connection, found.scopes);
        if (inside !== undefined) wrapped.push({ number, objectId: inside });
      }
    }
    pending = wrapped;
  }
  return positions;
}

/** Puts positions into a poll that describes sites from before the attach; sites of observers are left out. */
export function placeCallbacks(poll: AgentPoll, positions: CallbackPositions): AgentPoll {
  if (poll.sites.every(({ before }) => before === undefined)) return poll;
  const frames = [...poll.frames];
  const sites = poll.sites.filter(({ before, frames: [frame = -1] }) => {
    const position = before && positionOf(before, positions);
    if (position === undefined) return true;
    if (position.script.startsWith(OWN_SCRIPTS)) return false;
    const index = frame - poll.firstFrame;
    const old = frames[index];
    if (old !== undefined) frames[index] = [old[0], position.script, position.line, position.column, 0];
    return true;
  });
  return { ...poll, frames, sites };
}

/** The first function that is not Node's own, else the first there is. */
function positionOf({ callbacks, estimated }: NonNullable<AgentPoll['sites'][number]['before']>, positions: CallbackPositions): Position | undefined {
  const found = callbacks.flatMap((number) => positions.get(number) ?? []);
  const first = found.find(({ script }) => !script.startsWith('node:')) ?? found[0];
  if (!estimated || first === undefined) return first;
  const same = found.every(({ script, line, column }) => script === first.script && line === first.line && column === first.column);
  return same ? first : undefined;
}

interface Located {
  readonly at: v.InferOutput<typeof location>;
  readonly scopes: string | undefined;
}

async function locate(connection: Connection, objectId: string): Promise<Located | undefined> {
  let current = objectId;
  for (let i = 0; i < BOUND_LIMIT; i++) {
    const { internalProperties } = await getProperties(connection, current);
    const at = internalProperties.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value;
    if (at !== undefined) {
      const checked = v.safeParse(location, at);
      const scopes = internalProperties.find(({ name }) => name === '[[Scopes]]')?.value?.objectId;
      return checked.success ? { at: checked.output, scopes } : undefined;
    }
    const target = internalProperties.find(({ name }) => name === '[[TargetFunction]]')?.value?.objectId;
    if (target === undefined) return undefined;
    current = target;
  }
  return undefined;
}

/** The program's function inside one of Node's that calls it, such as that which `fs.stat` makes of its callback. */
async function wrappedFunction(connection: Connection, scopes: string): Promise<string | undefined> {
  const innermost = (await propertyIds(connection, scopes)).get('0');
  if (innermost === undefined) return undefined;
  const variables = (await getProperties(connection, innermost)).result;
  for (const wanted of WRAPPED_NAMES) {
    const found = variables.find(({ name, value }) => name === wanted && value?.type === 'function');
    if (found?.value?.objectId !== undefined) return found.value.objectId;
  }
  return undefined;
}

/**
 * Walks the heap of the target: 0.4 ms for each megabyte that is in use. Of a script none of whose functions has run since V8 let go of
 * what it knew of them, as it does with what was not used for some collections, no name is told.
 */
async function nameScripts(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const answer = v.safeParse(coverage, await connection.send('Profiler.getBestEffortCoverage'));
  return new Map(answer.success ? answer.output.result.map(({ scriptId, url }) => [scriptId, url]) : []);
}
