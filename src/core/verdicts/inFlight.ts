import type { VerdictRule } from './verdictRule';

/** Something live settles it: a timer, a socket, a request. */
export const inFlight: VerdictRule = {
  verdict: 'in flight',
  applies: ({ settlers }) => settlers === 'in flight',
  why: ({ waitsFor }) => ['It goes on when this happens: ', ...waitsFor.text, '.'],
};
