import type { RawText } from '../heap/heapAnalysis';
import { assertNever } from '../base/assertNever';
import type { WaitsForKind } from '../model/dump';
import type { VerdictRule } from './verdictRule';

/** The program's own data holds the function that would settle it, and nothing in flight is known to call it. */
export const stuck: VerdictRule = {
  verdict: 'stuck',
  applies: ({ settlers }) => settlers === 'held',
  why: ({ holder, waitsFor }) => {
    const { held, missing, advice } = wording(waitsFor.kind);
    const by = holder ?? NOBODY_KNOWN;
    return [`${held} is held by `, ...by, `, and ${missing}. ${advice}`];
  },
};

const NOBODY_KNOWN: RawText = ["the program's own data alone"];

interface Wording {
  readonly held: string;
  readonly missing: string;
  readonly advice: string;
}

function wording(kind: WaitsForKind): Wording {
  switch (kind) {
    case 'event':
      return { held: 'The listener that it waits with', missing: 'no timer, socket or request is known to emit the event', advice: 'Look for the code that should emit it.' };
    case 'stream':
      return {
        held: 'The callback that it waits with',
        missing: 'nothing in flight is known to move this stream on',
        advice: 'Look for the code that should write to it, read from it, end or destroy it.',
      };
    case 'combinator':
      return { held: 'What settles its inputs', missing: 'no timer, socket or request is known to call it', advice: 'Look at the chains of the inputs.' };
    case 'timer':
    case 'socket':
    case 'http request':
    case 'fs':
    case 'child process':
    case 'worker':
    case 'app promise':
    case 'native':
    case 'cycle':
    case 'nothing':
      return {
        held: 'The function that settles this promise',
        missing: 'no timer, socket or request is known to call it',
        advice: 'Look for the code that should take it from there and call it.',
      };
    default:
      return assertNever(kind);
  }
}
