import type { VerdictRule } from './verdictRule';

/** The chain comes back to itself, and nothing outside of it can settle it. */
export const cycle: VerdictRule = {
  verdict: 'cycle',
  applies: ({ loop, cannotSettle }) => loop && cannotSettle,
  why: () => ['Each of these waits for the next, and the last for the first, so none can go on. Break the circle: do not await a promise in the code that has to settle it.'],
};
