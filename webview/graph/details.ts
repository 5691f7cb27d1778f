/** What is known of the selected box: its groups, each with verdict, reason, holders and functions. */
import { formatCount } from '../../src/core/format/quantity';
import { chainText, frameName, groupCount, NO_CHAIN, taskCount, verdictText, waitsForText } from '../../src/core/format/dumpText';
import { stripControls } from '../../src/core/format/text';
import { canBeOpened } from '../../src/core/model/dumpLine';
import type { GraphGroup } from '../../src/protocol/webview';
import { button, element, verdictClass } from './dom';
import type { Box, GraphDump } from './model';
import { leafLabel, placeText, verdictCounts } from './model';

/** Groups of a box that are told in full; more are counted. */
const GROUP_LIMIT = 12;

export interface DetailsEvents {
  readonly onOpenFrame: (group: GraphGroup, frame: number, line: 'awaiting' | 'declared') => void;
  readonly onOpenLeaf: (group: GraphGroup) => void;
  readonly onReveal: (groups: readonly GraphGroup[]) => void;
  readonly onVariables: (group: GraphGroup, frame: number) => void;
  readonly onUnfold: () => void;
  readonly onClose: () => void;
}

/** The content of the panel; nothing of it is kept between two boxes. */
export function detailsOf(dump: GraphDump, box: Box, canLookUp: boolean, events: DetailsEvents): readonly Node[] {
  const groups = box.groups.flatMap((index) => dump.groups[index] ?? []);
  const title = titleOf(box);
  return [
    element('div', { class: 'details-head' }, element('h2', {}, title), button('×', { class: 'icon', 'aria-label': 'Close details', title: 'Close details (Escape)' }, events.onClose)),
    element('p', { class: 'sum' }, `${taskCount(box.count)} in ${groupCount(groups.length)}`, ...verdictCounts(dump, box.groups).map(({ verdict, count }) => element('span', { class: `chip ${verdictClass(verdict)}` }, `${formatCount(count)} ${verdictText(verdict).name}`))),
    element(
      'p',
      { class: 'actions' },
      ...(box.type === 'more' ? [button('Unfold Some', { class: 'secondary' }, events.onUnfold)] : []),
      button(groups.length === 1 ? 'Show in Tree' : 'Show First in Tree', { class: 'secondary' }, () => { events.onReveal(groups); }),
    ),
    ...groups.slice(0, GROUP_LIMIT).map((group) => groupCard(dump, group, canLookUp, groups.length === 1, events)),
    ...(groups.length > GROUP_LIMIT ? [element('p', { class: 'dim' }, `${formatCount(groups.length - GROUP_LIMIT)} more groups pass through here. The tree lists all of them.`)] : []),
  ];
}

function titleOf(box: Box): string {
  switch (box.type) {
    case 'frames':
      return chainText(box.frames.map(({ frame }) => frame));
    case 'leaf':
      return leafLabel(box.waitsFor);
    case 'more':
      return `${groupCount(box.groups.length)} not drawn`;
  }
}

function groupCard(dump: GraphDump, group: GraphGroup, canLookUp: boolean, alone: boolean, events: DetailsEvents): HTMLElement {
  const { verdict, why, waitsFor, heldBy } = group;
  const frames = group.chain.flatMap((each) => dump.frames[each] ?? []);
  const meaning = verdictText(verdict).meaning;
  const card = element('section', { class: `card ${verdictClass(verdict)}`, 'aria-label': frames.length === 0 ? NO_CHAIN : chainText(frames) });
  card.append(
    // Of a single group the head of the panel has said so.
    element('p', { class: 'card-head', hidden: alone }, element('span', { class: 'count' }, taskCount(group.count)), element('span', { class: 'chip' }, verdictText(verdict).name)),
    element('p', { class: 'why' }, why === '' ? `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.` : stripControls(why)),
  );
  const list = element('ol', { class: 'chain' });
  for (const [index, frame] of frames.entries()) {
    const place = placeText(frame);
    const links: HTMLElement[] = [];
    if (canBeOpened(frame.awaiting ?? frame.declared)) links.push(button(place, { class: 'link', title: frame.awaiting === null ? 'Open where it is declared' : 'Open the line where it waits' }, () => { events.onOpenFrame(group, index, 'awaiting'); }));
    else if (place !== '') links.push(element('span', { class: 'dim' }, place));
    if (frame.awaiting !== null && canBeOpened(frame.declared)) links.push(button('declaration', { class: 'link', title: 'Open where it is declared' }, () => { events.onOpenFrame(group, index, 'declared'); }));
    if (canLookUp && (frame.kind === 'async function' || frame.kind === 'async generator')) links.push(button('variables', { class: 'link', title: 'Show its variables in the tree' }, () => { events.onVariables(group, index); }));
    const entry = element('li', {}, element('span', { class: `name${frame.origin === 'app' ? '' : ' dim'}` }, frameName(frame)));
    if (links.length > 0) entry.append(element('div', { class: 'links' }, ...links));
    list.append(entry);
  }
  if (frames.length > 0) card.append(list);
  const waits = element('p', { class: 'waits' }, element('span', { class: 'label' }, 'Waits for '), waitsForText(waitsFor));
  if (canBeOpened(waitsFor.at)) waits.append(' ', button('open', { class: 'link', title: 'Open its line' }, () => { events.onOpenLeaf(group); }));
  card.append(waits);
  for (const { count, path } of heldBy) card.append(element('p', { class: 'held' }, element('span', { class: 'label' }, `Held by (${formatCount(count)} of ${formatCount(group.count)}) `), stripControls(path)));
  return card;
}
