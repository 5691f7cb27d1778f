/**
 * Timers of our own, on Node's own clock. Tests put a clock of theirs in the place of Node's timers for a while (`mock.timers` of
 * `node:test`, `@sinonjs/fake-timers`): these replace functions of the module `timers`. There a timer of ours would come when the test
 * says so, would be one that the test finds, and could not be told from Node's when it is to be cleared.
 */
import { readHidden, readOwn } from './host';
import { agentTimer, carryNothing } from './outside';

/** As Node makes it (node: lib/internal/timers.js). */
interface NodeTimer {
  close(): unknown;
  unref(): unknown;
  refresh(): unknown;
}
type NodeTimerClass = new (callback: () => void, ms: number, args: undefined, repeats: boolean, refs: boolean) => NodeTimer;

export interface OwnTimer {
  /** Node's own object. */
  readonly timer: object;
  /** It carried something of the program: what Node keeps with it where only a handle reaches may be there, too. */
  readonly carried: boolean;
  stop(): void;
}

/** Begins to call `work` every `ms` milliseconds; does not keep the process alive. */
export type StartOwnTimer = (work: () => void, ms: number) => OwnTimer;

/** @param load gives a builtin module of Node by its name */
export function createOwnTimers(isProxy: (value: unknown) => boolean, load: (name: string) => unknown): StartOwnTimer {
  // taken once: what stands in the module later may be a test's
  const { setInterval, clearInterval } = load('timers') as {
    setInterval(callback: () => void, ms: number): NodeTimer;
    clearInterval(timer: NodeTimer): void;
  };
  let ofNode: NodeTimerClass | undefined;

  function make(callback: () => void, ms: number): NodeTimer {
    if (ofNode === undefined) {
      const timer = setInterval(callback, ms);
      if (isOfNode(isProxy, timer)) return timer;
      ofNode = nodeTimerClass(isProxy, load);
      if (ofNode === undefined) return timer;
      clearInterval(timer);
    }
    const timer = new ofNode(callback, ms, undefined, true, false);
    // that is what puts it into Node's lists
    timer.refresh();
    return timer;
  }

  return (work, ms) => {
    const timer = make(agentTimer(work), ms);
    timer.unref();
    // only Node's own has one that does not depend on what stands in the module
    const close = isOfNode(isProxy, timer) ? timer.close : undefined;
    return {
      timer,
      carried: carryNothing(timer),
      stop() {
        if (close === undefined) clearInterval(timer);
        else apply(close, timer, []);
      },
    };
  };
}

function isOfNode(isProxy: (value: unknown) => boolean, timer: object): boolean {
  return typeof readHidden(isProxy, timer, 'asyncId') === 'number';
}

/** Out of what Node makes without its module `timers`: the timeout of a socket. */
function nodeTimerClass(isProxy: (value: unknown) => boolean, load: (name: string) => unknown): NodeTimerClass | undefined {
  try {
    const { Socket } = load('net') as { Socket: new () => { setTimeout(ms: number): void } };
    const socket = new Socket();
    socket.setTimeout(SOME_MS);
    const timer = readHidden(isProxy, socket, 'timeout');
    socket.setTimeout(0);
    if (typeof timer !== 'object' || timer === null || !isOfNode(isProxy, timer)) return undefined;
    return readOwn(isProxy, getPrototypeOf(timer), 'constructor') as NodeTimerClass | undefined;
  } catch {
    // what a program has patched to throw
    return undefined;
  }
}

/** Never gets to its end. */
const SOME_MS = 60_000;
const { getPrototypeOf } = Object;
const { apply } = Reflect;
