/**
 * The resource whose callback is running. Once anybody has asked for it, Node makes every callback by way of a JavaScript function, for
 * the rest of the process's life (node: `kUsesExecutionAsyncResource` in InternalMakeCallback, src/api/callback.cc), and a request to
 * a server has several. So whoever only looks in passing has to put that back, and what it stands in Node keeps to itself.
 */
import type { HookField } from './hookField';

export interface Running {
  /** Takes `kUsesExecutionAsyncResource`: nothing is told before. */
  reveal(usesResource: HookField | undefined): void;
  /** Undefined where it cannot be looked at without leaving a trace. */
  resource(): unknown;
}

export function createRunning(executionAsyncResource: (() => unknown) | undefined): Running {
  let uses: HookField | undefined;
  return {
    reveal(usesResource) {
      uses = usesResource;
    },
    resource() {
      if (uses === undefined || executionAsyncResource === undefined) return undefined;
      const before = uses.value;
      try {
        return executionAsyncResource();
      } finally {
        uses.value = before;
      }
    },
  };
}
