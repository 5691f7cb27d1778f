/**
 * Keeps polls and hooks apart. What a debugger sends is run by V8 as an interrupt, at the next function call or loop of
 * whatever runs: also in the middle of a hook, when the agent's tables are half changed. What comes then waits until the
 * hook is done, some microseconds later.
 */
export interface Gate {
  /** A hook begins to change something. */
  enter(): void;
  /** It is done. */
  leave(): void;
  /** Runs `work` now, or at the end of the hook that is under way; returns whether it ran now. Must not throw. */
  pass(work: () => void): boolean;
}

export function createGate(): Gate {
  let busy = false;
  let waiting: (() => void)[] = [];
  return {
    enter() {
      busy = true;
    },
    leave() {
      busy = false;
      if (waiting.length === 0) return;
      const all = waiting;
      waiting = [];
      for (let i = 0; i < all.length; i++) (all[i] as () => void)();
    },
    pass(work) {
      if (busy) {
        waiting[waiting.length] = work;
        return false;
      }
      work();
      return true;
    },
  };
}
