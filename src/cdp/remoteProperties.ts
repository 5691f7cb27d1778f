/** Properties of a value of the target, as the inspector tells them: V8's own, such as the scopes of a function, too. */
import * as v from 'valibot';
import type { Connection } from './connection';

const remote = v.object({ type: v.optional(v.string()), objectId: v.optional(v.string()), value: v.optional(v.unknown()) });
const property = v.object({ name: v.string(), value: v.optional(remote) });
const properties = v.object({ result: v.array(property), internalProperties: v.optional(v.array(property), []) });

export type RemoteReference = v.InferOutput<typeof remote>;
export type RemoteProperties = v.InferOutput<typeof properties>;

const NONE: RemoteProperties = { result: [], internalProperties: [] };

/**
 * The value's own properties; none of what is no object, or where the answer has another form.
 * @throws {TargetError} as {@link Connection.send} does
 */
export async function getProperties(connection: Connection, objectId: string | undefined): Promise<RemoteProperties> {
  if (objectId === undefined) return NONE;
  const answer = v.safeParse(properties, await connection.send('Runtime.getProperties', { objectId, ownProperties: true }));
  return answer.success ? answer.output : NONE;
}
