/** Which groups of a dump a line of text asks for. Pure. */
import { frameName, verdictText, waitsForText } from '../../core/format/dumpText';
import type { DumpGroup } from '../../core/model/dump';

/** All groups where the text is blank; else those that have each of its words somewhere, whatever the case. */
export function filterGroups(groups: readonly DumpGroup[], filter: string): readonly DumpGroup[] {
  const words = filter.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return words.length === 0 ? groups : groups.filter((group) => {
    const text = textOf(group);
    return words.every((word) => text.includes(word));
  });
}

/** Functions and the lines where they are, what is waited for, the verdict, and what holds it. */
function textOf({ chain, waitsFor, verdict, heldBy }: DumpGroup): string {
  const frames = chain.flatMap((frame) => [frameName(frame), ...[frame.awaiting, frame.declared].flatMap((at) => (at === null ? [] : [`${at.file}:${String(at.line)}`]))]);
  return [...frames, waitsForText(waitsFor), verdictText(verdict).name, ...heldBy.map(({ path }) => path)].join('\n').toLowerCase();
}
