/**
 * Keeps polls and hooks apart. What a debugger sends is run by V8 as an interrupt, at the next function call or loop of
 * whatever runs: also in the middle of a hook, when the agent's tables are half changed. What comes then waits until the
 * hook is done, some microseconds later.
 */
export interface Gate {
  /**
   * A hook is under way; it sets this itself, as a call could fail where the stack is used up. What is made meanwhile comes
   * from functions of the program that our own code ran into, such as a patched `Array.prototype.push`: a hook that looked
   * at that would never come to an end.
   */
  busy: boolean;
  /** The hook is done. */
  leave(): void;
  /** Changes the tables now, or at the end of the hook that is under way. */
  change(work: () => void): void;
  /** Runs `work` now, or at the end of the hook that is under way; returns whether it ran now. Must not throw. */
  pass(work: () => void): boolean;
}

export function createGate(): Gate {
  let waiting: (() => void)[] = [];
  const gate: Gate = {
    busy: false,
    leave() {
      gate.busy = false;
      if (waiting.length === 0) return;
      const all = waiting;
      waiting = [];
      for (let i = 0; i < all.length; i++) (all[i] as () => void)();
    },
    change(work) {
      if (gate.busy) {
        waiting[waiting.length] = work;
        return;
      }
      gate.busy = true;
      try {
        work();
        gate.leave();
      } finally {
        gate.busy = false;
      }
    },
    pass(work) {
      if (gate.busy) {
        waiting[waiting.length] = work;
        return false;
      }
      work();
      return true;
    },
  };
  return gate;
}
