/** A value of the target as the inspector's protocol describes it. Its texts are the process's. */
import * as v from 'valibot';

const preview = v.object({
  overflow: v.optional(v.boolean(), false),
  properties: v.optional(v.array(v.object({ name: v.string(), type: v.string(), subtype: v.optional(v.string()), value: v.optional(v.string()) })), []),
  entries: v.optional(
    v.array(
      v.object({
        key: v.optional(v.object({ type: v.string(), subtype: v.optional(v.string()), description: v.optional(v.string()) })),
        value: v.object({ type: v.string(), subtype: v.optional(v.string()), description: v.optional(v.string()) }),
      }),
    ),
    [],
  ),
});
export const remoteValue = v.object({
  type: v.string(),
  subtype: v.optional(v.string()),
  className: v.optional(v.string()),
  description: v.optional(v.string()),
  value: v.optional(v.unknown()),
  unserializableValue: v.optional(v.string()),
  objectId: v.optional(v.string()),
  preview: v.optional(preview),
});
export type RemoteValue = v.InferOutput<typeof remoteValue>;
