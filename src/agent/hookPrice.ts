/**
 * What calls of V8's promise hooks cost at the moment. V8 calls a hook out of the machine code of `await` as long as nobody else is to
 * be told; while a debugger keeps asynchronous stacks (`Debugger.setAsyncCallStackDepth`, which VS Code and DevTools send) it goes by
 * its C++ for each promise, several times as dear (v8: Isolate::RunAllPromiseHooks in src/execution/isolate.cc).
 *
 * No API says whether there is such a debugger. But Node then has a hook with `after` for it (node:
 * lib/internal/inspector_async_hook.js), and keeps count of those. Other tools have one too: promises of their programs are dear as well.
 */
import type { HookCost } from './duty';
import type { HookField } from './hookField';

/**
 * Of one call, V8's way into it and the promise that V8 makes for it alone included. Milliseconds. Node 24, 10 million awaits: 10 ns
 * for `init`, 9 ns for `settled` with its look into a WeakMap.
 */
const ALONE: HookCost = { begin: 12e-6, end: 12e-6 };
/**
 * The same beside a debugger with asynchronous stacks: 32 to 61 ns for hooks that do nothing, on Node 22 to 26 (`npm run bench -- hooks`).
 */
const BESIDE_DEBUGGER: HookCost = { begin: 40e-6, end: 40e-6 };

export interface HookPrice {
  /** Takes `kAfter`, the number of hooks with `after`, of which ours have none: nothing is dear before. */
  reveal(after: HookField | undefined): void;
  now(): HookCost;
}

export function createHookPrice(): HookPrice {
  let hooksWithAfter: HookField | undefined;
  return {
    reveal(after) {
      hooksWithAfter = after;
    },
    now: () => (hooksWithAfter !== undefined && hooksWithAfter.value > 0 ? BESIDE_DEBUGGER : ALONE),
  };
}
