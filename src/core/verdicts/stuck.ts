import type { VerdictRule } from './verdictRule';

/** The program's own data holds the function that would settle it, and nothing in flight is known to call it. */
export const stuck: VerdictRule = {
  verdict: 'stuck',
  applies: ({ settlers }) => settlers === 'held',
  why: ({ holder }) => [
    ...(holder === null ? ["Only the program's own data holds the function that settles this promise"] : ['The function that settles this promise is held by ', ...holder]),
    ', and no timer, socket or request is known to call it. Look for the code that should take it from there and call it.',
  ],
};
