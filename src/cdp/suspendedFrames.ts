/**
 * Suspended functions of the target, by the ids that its heap snapshot gives them: where they stand, and their variables. V8 shows
 * both as internal properties of the generator object that an async function is while it is suspended (v8:
 * src/inspector/v8-debugger.cc). Nothing here runs in the target, and the `Debugger` domain is not needed: it works while a
 * debugger holds the target, too.
 *
 * V8 finds an object by its id in a walk over the whole heap, during which the target stands still: 10 to 30 ms for each 50,000
 * objects, measured on Node 20 to 26. Whoever asks for several keeps to a budget, and asks for one at a time: the target gets to its
 * own work in between.
 */
import * as v from 'valibot';
import type { Connection } from './connection';
import { inObjectGroup } from './objectGroup';
import { getProperties } from './remoteProperties';
import type { RemoteProperties } from './remoteProperties';
import type { RemoteValue } from './remoteValue';
import { TargetError } from './target';
import type { RemoteScope, RemoteVariable, SuspendedFrame, SuspendedFrames } from './target';

/** A walk over the heap of a very large process takes seconds. */
const LOOKUP_TIMEOUT_MS = 60_000;
/** What a single look-up holds in the target until it is over. */
const LOOKUP_GROUP = 'asyncscope-lookup';
/** Scopes beyond are not listed; functions are not nested deeper. */
export const SCOPE_LIMIT = 50;
/** Variables of a scope, or properties of a value, beyond this are not listed; a last entry says so. */
const VARIABLE_LIMIT = 200;

const location = v.object({ scriptId: v.pipe(v.string(), v.regex(/^\d+$/)), lineNumber: v.number(), columnNumber: v.optional(v.number(), 0) });
const found = v.object({ result: v.object({ objectId: v.string() }) });

export function createSuspendedFrames(connection: Connection): SuspendedFrames {
  return {
    async locate(id) {
      return inObjectGroup(connection, LOOKUP_GROUP, async (group) => {
        const internal = await generator(id, group);
        return internal && frameOf(internal);
      });
    },

    async isPending(id) {
      return inObjectGroup(connection, LOOKUP_GROUP, async (group) => {
        const objectId = await find(id, group);
        if (objectId === undefined) return false;
        const { internalProperties } = await plain(objectId);
        return valueOf(internalProperties, '[[PromiseState]]')?.value === 'pending';
      });
    },

    async scopes(id, group) {
      const internal = await generator(id, group);
      const frame = internal && frameOf(internal);
      if (internal === undefined || frame === undefined) return undefined;
      const list = valueOf(internal, '[[Scopes]]')?.objectId;
      if (list === undefined) return { frame, scopes: [] };
      const scopes: RemoteScope[] = [];
      for (const { name, value } of (await plain(list)).result.slice(0, SCOPE_LIMIT)) {
        const title = value?.description ?? '';
        // what every function of the process sees is not what is asked for
        if (!/^\d+$/.test(name) || value?.objectId === undefined || title === 'Global') continue;
        scopes.push({ name: title, variables: variablesOf(await withPreviews(value.objectId)) });
      }
      return { frame, scopes };
    },

    async members(objectId) {
      return variablesOf(await withPreviews(objectId));
    },

    async release(group) {
      await connection.send('Runtime.releaseObjectGroup', { objectGroup: group });
    },
  };

  /** Undefined where there is no such object any more. */
  async function find(id: number, objectGroup: string): Promise<string | undefined> {
    try {
      const answer = v.safeParse(found, await connection.send('HeapProfiler.getObjectByHeapObjectId', { objectId: String(id), objectGroup }, LOOKUP_TIMEOUT_MS));
      return answer.success ? answer.output.result.objectId : undefined;
    } catch (error) {
      if (error instanceof TargetError && error.reason === 'agent failed') return undefined;
      throw error;
    }
  }

  async function generator(id: number, objectGroup: string): Promise<RemoteProperties['internalProperties'] | undefined> {
    const objectId = await find(id, objectGroup);
    return objectId === undefined ? undefined : (await plain(objectId)).internalProperties;
  }

  function plain(objectId: string): Promise<RemoteProperties> {
    return getProperties(connection, objectId, { timeoutMs: LOOKUP_TIMEOUT_MS });
  }

  function withPreviews(objectId: string): Promise<RemoteProperties> {
    return getProperties(connection, objectId, { previews: true, timeoutMs: LOOKUP_TIMEOUT_MS });
  }
}

function frameOf(internal: RemoteProperties['internalProperties']): SuspendedFrame | undefined {
  if (valueOf(internal, '[[GeneratorState]]')?.value !== 'suspended') return undefined;
  const at = v.safeParse(location, valueOf(internal, '[[GeneratorLocation]]')?.value);
  if (!at.success) return undefined;
  const { scriptId, lineNumber, columnNumber } = at.output;
  return {
    at: { scriptId: Number(scriptId), line: lineNumber, column: columnNumber },
    source: valueOf(internal, '[[GeneratorFunction]]')?.description ?? null,
  };
}

function valueOf(list: RemoteProperties['internalProperties'], wanted: string): RemoteValue | undefined {
  return list.find(({ name }) => name === wanted)?.value;
}

function variablesOf({ result, internalProperties }: RemoteProperties): readonly RemoteVariable[] {
  // what is inside of a Map, a Promise or a bound function is an internal property
  const inside = internalProperties.filter(({ name }) => name !== '[[Prototype]]' && name !== '[[Scopes]]' && name !== '[[FunctionLocation]]');
  const all = [...result.filter(({ name }) => name !== '__proto__'), ...inside];
  const listed = all.slice(0, VARIABLE_LIMIT).map(({ name, value, get }) => ({ name, value: value ?? null, accessor: value === undefined && get !== undefined }));
  return all.length > VARIABLE_LIMIT ? [...listed, { name: `… ${all.length - VARIABLE_LIMIT} more`, value: null, accessor: false }] : listed;
}
