/**
 * The resource whose callback is running. Once anybody has asked for it, Node makes every callback by way of a JavaScript function, for
 * the rest of the process's life (node: `kUsesExecutionAsyncResource` in InternalMakeCallback, src/api/callback.cc), and a request to
 * a server has several. So whoever only looks in passing has to put that back, and what it stands in Node keeps to itself.
 */

export interface Running {
  /**
   * Takes what Node keeps: nothing is told before.
   * @param hookFields `async_hook_fields` (node: lib/internal/async_hooks.js)
   * @param usesResource `kUsesExecutionAsyncResource`, the index of the field
   */
  reveal(hookFields: unknown, usesResource: unknown): void;
  /** Undefined where it cannot be looked at without leaving a trace. */
  resource(): unknown;
}

export function createRunning(executionAsyncResource: (() => unknown) | undefined): Running {
  let fields: Record<number, unknown> | undefined;
  let index = 0;
  return {
    reveal(hookFields, usesResource) {
      if (typeof hookFields !== 'object' || hookFields === null || typeof usesResource !== 'number') return;
      if (typeof (hookFields as Record<number, unknown>)[usesResource] !== 'number') return;
      fields = hookFields as Record<number, unknown>;
      index = usesResource;
    },
    resource() {
      if (fields === undefined || executionAsyncResource === undefined) return undefined;
      const before = fields[index];
      try {
        return executionAsyncResource();
      } finally {
        fields[index] = before;
      }
    },
  };
}
