import { formatCount } from '../format/quantity';
import type { VerdictRule } from './verdictRule';

/**
 * So many callbacks of one promise that nothing waits for make a crowd. Programs that do well have a handful; a `Promise.race` against
 * a promise that stays pending adds one for each call.
 */
export const CROWD_REACTIONS = 1000;

/** A promise that stays pending collects callbacks, and with them all that they hold. */
export const crowd: VerdictRule = {
  verdict: 'crowd',
  applies: ({ idleReactions }) => idleReactions >= CROWD_REACTIONS,
  why: ({ reactions, idleReactions }) => [
    `${formatCount(reactions)} callbacks are registered on this one promise, and nothing waits for what ${formatCount(idleReactions)} of them give. `,
    'They stay in memory until it settles, with all that they hold: that is how Promise.race with a promise that lives long leaks. ',
    'Race against a promise made for the call, or use an event or an AbortSignal whose listener is removed.',
  ],
};
