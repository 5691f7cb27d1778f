/** Hovers: everything that is known of the tasks that a line spawned. */
import type { Hover, Position } from 'vscode-languageserver';
import { formatEstimate, formatOldest, formatRate, formatSiteCount } from '../../core/format/figures';
import { lossTexts } from '../../core/format/losses';
import { frameFunction } from '../../core/format/functionName';
import { formatCount } from '../../core/format/quantity';
import { kindNoun } from '../../core/format/taskKind';
import type { Origin, StackFrame } from '../../core/model/task';
import type { OpenDocument } from '../documents';
import { byLine, hasChanged } from '../lineSites';
import type { DocumentSite } from '../lineSites';
import { escapeMarkdown, positionLink } from '../markdown';

/** Sites that one hover tells in full; the rest is counted. */
export const HOVER_SITE_LIMIT = 8;

/** The hover of a line; null where nothing was spawned. */
export function hoverAt(document: OpenDocument, sites: readonly DocumentSite[], position: Position): Hover | null {
  const onLine = byLine(document, sites).get(position.line);
  if (!onLine) return null;
  const sorted = [...onLine].sort((a, b) => b.site.count - a.site.count);
  const severalSessions = new Set(sorted.map(({ session }) => session.id)).size > 1;
  const parts = sorted.slice(0, HOVER_SITE_LIMIT).map((each) => siteText(each, severalSessions));
  const more = sorted.length - HOVER_SITE_LIMIT;
  if (more > 0) parts.push(`${formatCount(more)} more of this line ${more === 1 ? 'is' : 'are'} in Live Tasks.`);
  if (hasChanged(document, sorted)) {
    parts.push('⚠ This file was written after the process began. Lines may have moved; restart the process to be sure.');
  }
  return {
    contents: { kind: 'markdown', value: parts.join('\n\n---\n\n') },
    range: { start: { line: position.line, character: 0 }, end: { line: position.line + 1, character: 0 } },
  };
}

function siteText({ session, site }: DocumentSite, nameSession: boolean): string {
  const head = [`**${formatSiteCount(site)}**`];
  if (site.function !== null) head.push(escapeMarkdown(site.function));
  if (nameSession) head.push(`in ${escapeMarkdown(session.name)}`);
  const figures = [
    site.count > 0 ? `oldest ${formatOldest(site)}` : 'none alive',
    `${formatRate(site.ratePerSec)} started`,
    `${formatRate(site.endedPerSec)} ended`,
    ...(site.since === 'before' ? [] : [`${formatEstimate({ count: site.started, exact: site.exact, error: 0 })} since the attach`]),
  ];
  const lines = [head.join(' — '), figures.join(' · ')];
  if (site.abandoned > 0) {
    lines.push(
      `${formatCount(site.abandoned, site.exact)} ${kindNoun(site.kind, site.abandoned)} collected while pending: nothing could settle them any more.`,
    );
  }
  lines.push(exactnessText(site));
  if (session.end) lines.push(`Ended: ${escapeMarkdown(session.end.message)}`);
  for (const text of lossTexts(session.model.losses)) lines.push(`⚠ ${escapeMarkdown(text)}.`);
  if (site.since === 'before') lines.push('They began before the attach: where is not known. This is the function that they will call.');
  if (site.since === 'attach' && site.stack.length > 0) {
    const origins = session.model.stackOrigins(site.id);
    lines.push(['Started from', '', ...site.stack.map((frame, index) => `- ${frameText(frame, origins[index] ?? null)}`)].join('\n'));
  }
  return lines.join('\n\n');
}

function exactnessText({ since, exact, error }: DocumentSite['site']): string {
  if (exact) return 'Exact: every one was counted.';
  return since === 'before' ? 'An estimate: there were too many to look up each.' : `Sampled: ±${formatCount(error)} with 95 % confidence.`;
}

function frameText(frame: StackFrame, origin: Origin | null): string {
  const name = escapeMarkdown(frameFunction(frame));
  if (frame.file === null) return `${name} — builtin`;
  const position = positionLink(frame.file, frame.line, frame.column);
  return origin === 'app' ? `${name} — ${position}` : `*${name}* — ${position} (${origin ?? 'builtin'})`;
}
