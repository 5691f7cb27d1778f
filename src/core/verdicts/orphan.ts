import type { VerdictRule } from './verdictRule';

/** Nothing is left that could settle what the chain hangs on. */
export const orphan: VerdictRule = {
  verdict: 'orphan',
  applies: ({ cannotSettle }) => cannotSettle,
  why: () => [
    'Nothing that is alive can settle this promise: its resolve and reject functions are gone. ',
    'Unless native code holds it, everything in this chain waits for ever. Settle it on every path, with a timeout, or when what should have settled it is dropped.',
  ],
};
