/** What is ours belongs to nothing that the program does. */
import { AGENT_TIMER } from '../core/base/agentTimer';
import { readOwn } from './host';

/** What a timer of ours is to call. A method, as its name is there also where a bundle has dropped the names of functions. */
export function agentTimer(work: () => void): () => void {
  const named = {
    asyncscopeTimer() {
      try {
        work();
      } catch {
        // what a program has patched to throw must not end it
      }
    },
  };
  return named[AGENT_TIMER];
}

/** Whether a timer is that of an agent, be it another Asyncscope's. */
export function isAgentTimer(isProxy: (value: unknown) => boolean, timer: object): boolean {
  return readOwn(isProxy, readOwn(isProxy, timer, '_onTimeout'), 'name') === AGENT_TIMER;
}

/**
 * Takes off a timer or handle of ours what it carries of the program. An attach comes in the middle of whatever the program
 * does, a request for instance; Node passes on the store of that request to what is made there, under symbols, either one for
 * each `AsyncLocalStorage` or one for all (node: lib/internal/async_local_storage/), and it would live as long as we watch.
 *
 * @returns whether there was something
 */
export function carryNothing(own: object): boolean {
  let carried = false;
  const symbols = getOwnPropertySymbols(own);
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] as symbol;
    const property = getOwnPropertyDescriptor(own, symbol);
    const value: unknown = property?.value;
    // Node's own are numbers and flags, and what a handle belongs to
    if (typeof value !== 'object' || value === null || property?.writable !== true || symbol.description === 'owner_symbol') continue;
    (own as Record<symbol, unknown>)[symbol] = undefined;
    carried = true;
  }
  return carried;
}

const { getOwnPropertyDescriptor, getOwnPropertySymbols } = Object;
