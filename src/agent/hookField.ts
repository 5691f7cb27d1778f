/** What Node counts of hooks: one of its `async_hook_fields` (node: lib/internal/async_hooks.js). */
export interface HookField {
  value: number;
}

/**
 * @param fields `async_hook_fields`, which only a debugger can reach
 * @param index of the field, as Node names it, such as `kAfter`
 * @returns undefined where this Node has none such
 */
export function hookField(fields: unknown, index: unknown): HookField | undefined {
  if (typeof fields !== 'object' || fields === null || typeof index !== 'number') return undefined;
  const all = fields as Record<number, unknown>;
  if (typeof all[index] !== 'number') return undefined;
  return {
    get value() {
      return all[index] as number;
    },
    set value(next) {
      all[index] = next;
    },
  };
}
