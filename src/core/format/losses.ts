/** What is missing from a session's figures, in words for people. Every place that shows the figures shows these. */
import type { Losses } from '../model/task';
import { counted } from './quantity';
import { formatTaskCount } from './taskKind';

/** One sentence each, without a full stop; none when nothing is missing. */
export function lossTexts({ dropped, lostPolls, restarts, stacks, beforeMissed }: Losses): readonly string[] {
  const texts: string[] = [];
  if (dropped > 0) texts.push(`${formatTaskCount(dropped)} not counted: a limit was reached, so the figures are too low`);
  if (lostPolls > 0) {
    texts.push(`${counted(lostPolls, 'answer')} of the process lost: sites may be missing, and figures may be too low`);
  }
  if (restarts > 0) texts.push('The process was out of reach for long: tasks from before that are not counted');
  if (beforeMissed) texts.push('What was there before the attach could not all be looked at: figures may be too low');
  if (stacks === 'cut') texts.push('The program has fixed Error.stackTraceLimit: what that hides stands under "(unknown line)"');
  if (stacks === 'none') texts.push('The program has frozen Error, so no stack can be taken: tasks stand under "(unknown line)"');
  return texts;
}
