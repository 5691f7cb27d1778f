/** Marks of lines: gutter, overview ruler and the fast-changing text at the end of the line. */
import type { Heat, LineMark } from '../../protocol/lsp';
import type { OpenDocument } from '../documents';
import { byLine } from '../lineSites';
import type { DocumentSite } from '../lineSites';
import { kindsOf, markText } from './lineSummary';

/** The marks of a document, top down. Lines without live tasks have none. */
export function marksOf(document: OpenDocument, sites: readonly DocumentSite[]): readonly LineMark[] {
  const marks: LineMark[] = [];
  for (const [line, onLine] of byLine(document, sites)) {
    const live = onLine.filter(({ site }) => site.count > 0).sort((a, b) => b.site.count - a.site.count);
    const kind = kindsOf(live)[0]?.kind;
    if (kind === undefined) continue;
    const count = live.reduce((sum, { site }) => sum + site.count, 0);
    marks.push({
      line,
      kind,
      heat: heatOf(count),
      count,
      text: markText(live),
      sites: live.map(({ session, site }) => ({ sessionId: session.id, siteId: site.id })),
    });
  }
  return marks.sort((a, b) => a.line - b.line);
}

export function heatOf(count: number): Heat {
  if (count < 10) return 1;
  if (count < 100) return 2;
  return count < 1000 ? 3 : 4;
}
