/** What stands above the rows of "Live Tasks". Pure. */
import { counted, formatCount } from '../../core/format/quantity';
import { formatTaskCount } from '../../core/format/taskKind';
import { formatFilter } from '../../core/view/filter';
import type { Session } from '../sessions/sessionStore';
import { isLive } from '../sessions/sessionStore';
import type { TreePicture } from './treeModel';
import type { TreeLook } from './treeState';

/**
 * Empty without a session, whatever there would be to say: VS Code shows the welcome text and its buttons only where there is no message.
 * @param problem something that keeps sites from being hidden as the user wants it
 */
export function treeMessage(sessions: readonly Session[], look: TreeLook, picture: TreePicture, problem: string | undefined): string {
  if (sessions.length === 0) return '';
  const dropped = sessions.filter(isLive).reduce((sum, session) => sum + session.dropped, 0);
  const messages = [
    dropped === 0 ? '' : `⚠ ${formatTaskCount(dropped)} not counted: the figures below are too low.`,
    problem ?? '',
    filterText(look, picture),
  ];
  return messages.filter((message) => message !== '').join(' · ');
}

/** `Filter: kind:promise >30s — 12 of 431 sites`; empty while everything is shown. */
function filterText({ filter, onlyNew }: TreeLook, { shown, total }: TreePicture): string {
  const parts = [onlyNew ? 'new since the baseline' : '', formatFilter(filter)].filter((part) => part !== '');
  return parts.length === 0 ? '' : `Filter: ${parts.join(' ')} — ${formatCount(shown)} of ${counted(total, 'site')}`;
}
