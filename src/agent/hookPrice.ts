/**
 * What calls of a hook cost at the moment, V8's or Node's way into it included, which no clock of the agent's sees.
 *
 * V8 calls a promise hook out of the machine code of `await` as long as nobody else is to be told; while a debugger keeps asynchronous
 * stacks (`Debugger.setAsyncCallStackDepth`, which VS Code and DevTools send) it goes by its C++ for each promise, several times as dear
 * (v8: Isolate::RunAllPromiseHooks in src/execution/isolate.cc). No API says whether there is such a debugger. But Node then has a hook
 * with `after` for it (node: lib/internal/inspector_async_hook.js), and keeps count of those. Other tools have one too: promises of their
 * programs are dear as well.
 *
 * Machines and programs differ by a factor of two and more from the usual prices below. Where hooks are on in some slots of time only, the
 * comparison of slots (`trial.ts`) tells what a call costs here, with what it does to the processor's caches.
 */
import type { HookCost } from './duty';
import type { HookField } from './hookField';

export interface UsualPrices {
  /** Of one call, in milliseconds. */
  readonly alone: HookCost;
  /** The same beside a debugger with asynchronous stacks. */
  readonly besideDebugger: HookCost;
}

/**
 * Of the promise hooks. Node 24, 10 million awaits that find all in the processor's caches: 10 ns for `init` with the promise that V8
 * makes for it alone, 9 ns for `settled` with its look into a WeakMap. In an Express service, where the caches hold other things, 45 ns on
 * a machine that is slower by half. Beside a debugger: 32 to 61 ns for hooks that do nothing, on Node 22 to 26 (`npm run bench -- hooks`),
 * and 50 to 150 in that service.
 */
export const PROMISE_HOOKS: UsualPrices = { alone: { begin: 20e-6, end: 20e-6 }, besideDebugger: { begin: 100e-6, end: 100e-6 } };

const RESOURCE_HOOK: HookCost = { begin: 180e-6, end: 110e-6 };
/**
 * Of the hook for timers, handles and requests, with what Node queues for it. Node 24, HTTP services with eight to ten resources a
 * request: 160 ns, half of it for hooks that do nothing; 220 and 350 on the slower machine.
 */
export const RESOURCE_HOOKS: UsualPrices = { alone: RESOURCE_HOOK, besideDebugger: RESOURCE_HOOK };

/**
 * A call may be so many times as dear as usual: beyond that something else is the reason. Below, a load that hooks are always on for by one
 * price could be too dear for that by the other, and they would be switched to and fro (`TOO_DEAR` and `CHEAP` in duty.ts).
 */
const TIMES_RANGE = [0.5, 8] as const;
/** How far the usual price is from the true one, mostly, as a share of it: what was measured no better than that changes little. */
const USUAL_ERROR = 1;

/** Standard deviations of a 95 % interval, to each side. */
export const Z95 = 1.96;

/** A call of the hook for beginnings, measured. */
export interface CallCost {
  readonly ms: number;
  /** Half width of the 95 % interval. Milliseconds. */
  readonly error: number;
}

export interface HookPrice {
  /** Takes `kAfter`, the number of hooks with `after`, of which ours have none: nothing is dear before. */
  reveal(after: HookField | undefined): void;
  /**
   * Null where hooks are always on, so that nothing is compared: what was measured last holds, unless it is below what is usual. A load that
   * is dear by it would else be taken for one that hooks can always be on for, and nothing would ever correct that.
   */
  measured(call: CallCost | null): void;
  now(): HookCost;
}

export function createHookPrice({ alone, besideDebugger }: UsualPrices): HookPrice {
  let hooksWithAfter: HookField | undefined;
  let times = 1;
  /** What `times` is of: it says nothing of the calls once a debugger has come or gone. */
  let measuredBeside: HookCost = alone;
  const usual = (): HookCost => (hooksWithAfter !== undefined && hooksWithAfter.value > 0 ? besideDebugger : alone);
  return {
    reveal(after) {
      hooksWithAfter = after;
    },
    measured(call) {
      if (call === null) times = max(1, times);
      else {
        measuredBeside = usual();
        times = timesUsual(call, measuredBeside.begin);
      }
    },
    now() {
      const price = usual();
      return price === measuredBeside ? { begin: times * price.begin, end: times * price.end } : price;
    },
  };
}

/** The mean of what was measured and of what is usual, each by its certainty. */
function timesUsual({ ms, error }: CallCost, usual: number): number {
  const certainty = (Z95 * USUAL_ERROR * usual) / error;
  const weight = certainty * certainty;
  // one that is perfectly certain
  const times = weight === Infinity ? ms / usual : (1 + weight * (ms / usual)) / (1 + weight);
  const [least, most] = TIMES_RANGE;
  return max(least, min(times, most));
}

const { max, min } = Math;
