/**
 * Keeps polls and hooks apart. What a debugger sends is run by V8 as an interrupt, at the next function call or loop of
 * whatever runs: also in the middle of a hook, when the agent's tables are half changed. What comes then waits until the
 * hook is done, some microseconds later.
 */
/**
 * What the agent's own calls below a hook need of the stack at most, as arguments of eight bytes: 4 KB. Asking costs 0.16 us
 * (Node 24).
 */
const HOOK_ROOM = 512;
/** The same for a poll: 32 KB. */
const POLL_ROOM = 4096;

export interface Gate {
  /**
   * A hook is under way; it sets this itself, as a call could fail where the stack is used up. What is made meanwhile comes
   * from functions of the program that our own code ran into, such as a patched `Array.prototype.push`: a hook that looked
   * at that would never come to an end. Or it comes from what a debugger has V8 evaluate in the middle of the hook.
   */
  busy: boolean;
  /** Creations at the very end of the stack or in the middle of a hook, where none could be looked at: the sum of their weights. */
  lost: number;
  /**
   * Whether the stack has room for what a hook does to the tables. A call that fails half way through would leave them
   * wrong for good.
   */
  hasRoom(): boolean;
  /** The hook is done. */
  leave(): void;
  /** Changes the tables now, or at the end of the hook that is under way. */
  change(work: () => void): void;
  /** Runs `work` now, or at the end of the hook that is under way; returns whether it ran now. Must not throw. */
  pass(work: () => void): boolean;
}

const { apply } = Reflect;
const HOOK: readonly number[] = new Array<number>(HOOK_ROOM).fill(0);
const POLL: readonly number[] = new Array<number>(POLL_ROOM).fill(0);
const nothing = (): undefined => undefined;

/** V8 looks whether there is room before it lays out the arguments of a call. */
function fits(room: readonly number[]): boolean {
  try {
    apply(nothing, undefined, room);
    return true;
  } catch {
    return false;
  }
}

export function createGate(): Gate {
  let waiting: (() => void)[] = [];
  const gate: Gate = {
    busy: false,
    lost: 0,
    hasRoom: () => fits(HOOK),
    leave() {
      gate.busy = false;
      if (waiting.length === 0 || !fits(POLL)) return;
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
      if (gate.busy || !fits(POLL)) {
        waiting[waiting.length] = work;
        return false;
      }
      // what a hook that failed has left behind comes first
      if (waiting.length > 0) gate.leave();
      work();
      return true;
    },
  };
  return gate;
}
