/** Properties of a value of the target, as the inspector tells them: V8's own, such as the scopes of a function, too. */
import * as v from 'valibot';
import type { Connection } from './connection';
import { remoteValue } from './remoteValue';
import type { RemoteValue } from './remoteValue';

const property = v.object({ name: v.string(), value: v.optional(remoteValue), get: v.optional(remoteValue) });
const properties = v.object({ result: v.array(property), internalProperties: v.optional(v.array(property), []) });

export type RemoteProperties = v.InferOutput<typeof properties>;

const NONE: RemoteProperties = { result: [], internalProperties: [] };

export interface PropertyOptions {
  /** Has the inspector describe what is in the values. Default false. */
  readonly previews?: boolean;
  /** As of {@link Connection.send}. */
  readonly timeoutMs?: number;
}

/**
 * The value's own properties; none of what is no object, or where the answer has another form.
 * @throws {TargetError} as {@link Connection.send} does
 */
export async function getProperties(connection: Connection, objectId: string | undefined, { previews = false, timeoutMs }: PropertyOptions = {}): Promise<RemoteProperties> {
  if (objectId === undefined) return NONE;
  const asked = { objectId, ownProperties: true, ...(previews && { generatePreview: true }) };
  const answer = v.safeParse(properties, await connection.send('Runtime.getProperties', asked, timeoutMs));
  return answer.success ? answer.output : NONE;
}

/**
 * What the inspector calls the value's own properties, by their names: those of a primitive value it calls nothing.
 * @throws {TargetError} as {@link Connection.send} does
 */
export async function propertyIds(connection: Connection, objectId: string | undefined): Promise<ReadonlyMap<string, string>> {
  const { result } = await getProperties(connection, objectId);
  return new Map(result.flatMap(({ name, value }) => (value?.objectId === undefined ? [] : [[name, value.objectId] as const])));
}

/**
 * Variables in the scopes of a function, each as in the nearest one that has it, in the order of `names`; undefined where none has it.
 * @throws {TargetError} as {@link Connection.send} does
 */
export async function scopeVariables(connection: Connection, functionId: string | undefined, names: readonly string[]): Promise<readonly (RemoteValue | undefined)[]> {
  const { internalProperties } = await getProperties(connection, functionId);
  const scopes = internalProperties.find(({ name }) => name === '[[Scopes]]')?.value;
  const values = names.map((): RemoteValue | undefined => undefined);
  for (const scope of (await getProperties(connection, scopes?.objectId)).result) {
    const { result } = await getProperties(connection, scope.value?.objectId);
    for (const [i, wanted] of names.entries()) values[i] ??= result.find(({ name }) => name === wanted)?.value;
    if (!values.includes(undefined)) break;
  }
  return values;
}
