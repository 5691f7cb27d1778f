/** What the status bar says. Pure. */
import { assertNever } from '../../core/base/assertNever';
import { formatCost, formatCounting } from '../../core/format/overhead';
import { lossTexts } from '../../core/format/losses';
import { formatBytes, formatMebibytes, formatMilliseconds, formatPercent } from '../../core/format/quantity';
import { formatTaskCount } from '../../core/format/taskKind';
import type { Session } from '../sessions/sessionStore';
import { displayName, isExact, isLive } from '../sessions/sessionStore';
import { escapeMarkdown, totalsText } from '../tree/siteText';

export interface StatusText {
  readonly text: string;
  /** Markdown, escaped. */
  readonly tooltip: string;
  readonly spoken: string;
  readonly severity: 'normal' | 'warning';
}

/** Stands behind a count that is too low. */
const LOSSY = ' $(warning)';
/** Characters of a session's name that fit; longer ones are cut. */
const NAME_LIMIT = 24;

/**
 * Describes the session that the user is most likely to think of; the others are in the tooltip.
 * @returns undefined when there is nothing to say.
 */
export function statusText(sessions: readonly Session[], preferred: readonly (string | undefined)[]): StatusText | undefined {
  const session = focusedSession(sessions, preferred);
  if (session === undefined) return undefined;
  const others = sessions.filter((other) => other !== session && isLive(other)).length;
  const name = `${shorten(displayName(session))}${others > 0 ? ` +${String(others)}` : ''}`;
  const { icon, text, severity } = face(session);
  return {
    text: `$(${icon}) ${plain(name)} ${text}`,
    tooltip: sessions.map(tooltip).join('\n\n---\n\n'),
    spoken: `Asyncscope: ${name} ${text.replace(LOSSY, ', something could not be counted')}`,
    severity,
  };
}

/** The first of the preferred sessions that is live, else the youngest live one, else the youngest of all. */
export function focusedSession(sessions: readonly Session[], preferred: readonly (string | undefined)[]): Session | undefined {
  const live = sessions.filter(isLive);
  for (const id of preferred) {
    const match = live.find((session) => session.id === id || (id !== undefined && session.debugSessionId === id));
    if (match !== undefined) return match;
  }
  return live.at(-1) ?? sessions.at(-1);
}

function face(session: Session): { readonly icon: string; readonly text: string; readonly severity: StatusText['severity'] } {
  const lossy = lossTexts(session.losses).length > 0;
  const tasks = `${formatTaskCount(session.origins.app, isExact(session))}${lossy ? LOSSY : ''}`;
  switch (session.status) {
    case 'attaching':
      return { icon: 'loading~spin', text: 'attaching…', severity: 'normal' };
    case 'waiting':
      return { icon: 'sync~spin', text: session.wait?.for === 'first line' ? 'waits before its first line' : 'waiting for it to come back', severity: 'normal' };
    case 'attached':
      return { icon: 'pulse', text: [tasks, ...figures(session)].join(' · '), severity: 'normal' };
    case 'paused':
      return { icon: 'debug-pause', text: `paused · ${tasks}`, severity: 'normal' };
    case 'unresponsive':
      return { icon: 'warning', text: 'not responding', severity: 'warning' };
    case 'ended':
      return { icon: 'circle-slash', text: 'ended', severity: 'normal' };
    default:
      return assertNever(session.status);
  }
}

function figures({ process, overhead }: Session): readonly string[] {
  if (process === undefined) return [];
  const watching: string[] = [];
  if (overhead !== undefined && overhead.percent !== null) watching.push(`cost ${formatPercent(overhead.percent)}`);
  if (overhead !== undefined && overhead.counting !== 'exact') watching.push(overhead.counting);
  return [
    `${formatMebibytes(process.heap.used)}/${formatMebibytes(process.heap.limit)} MB`,
    `loop ${formatMilliseconds(process.loop.delayP50Ms)}`,
    ...(watching.length === 0 ? [] : [watching.join(', ')]),
  ];
}

function tooltip(session: Session): string {
  const lines = [`**${escapeMarkdown(displayName(session))}**${session.target === undefined ? '' : ` — pid ${String(session.target.pid)}, Node ${escapeMarkdown(session.target.node)}`}`];
  if (session.end !== undefined) lines.push(escapeMarkdown(session.end.message));
  if (session.wait !== undefined) lines.push(escapeMarkdown(session.wait.message));
  if (session.processRestarts > 0) lines.push(`Restarted ${String(session.processRestarts)} × since the attach`);
  if (isLive(session)) {
    const totals = totalsText(session.totals, isExact(session));
    lines.push(totals === '' ? 'No live tasks of your own code' : totals);
    const internal = session.origins.dependency + session.origins.node;
    if (internal > 0) lines.push(`${formatTaskCount(internal, isExact(session))} of dependencies and Node`);
    const { process, overhead } = session;
    if (process !== undefined) {
      lines.push(
        `Heap ${formatBytes(process.heap.used)} of ${formatBytes(process.heap.limit)}, RSS ${formatBytes(process.heap.rss)}`,
        `Event loop delay p50 ${formatMilliseconds(process.loop.delayP50Ms)}, p99 ${formatMilliseconds(process.loop.delayP99Ms)}`,
      );
    }
    if (overhead !== undefined) lines.push(`Cost of watching ${formatCost(overhead) ?? 'not known yet'} · ${formatCounting(overhead)}`);
    for (const text of lossTexts(session.losses)) lines.push(`**${text}**`);
  }
  return lines.join('\n\n');
}

function shorten(name: string): string {
  return name.length > NAME_LIMIT ? `${name.slice(0, NAME_LIMIT - 1)}…` : name;
}

/** A name from elsewhere must not turn into one of the status bar's icons. */
function plain(text: string): string {
  return text.replaceAll('$(', '$ (');
}
