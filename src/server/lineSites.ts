/** Which sites stand on which line of an open document, edits accounted for. What lenses, marks and hovers show. */
import { SITE_LINGER_MS } from '../core/model/sessionModel';
import type { Site } from '../core/model/task';
import type { OpenDocument } from './documents';
import type { Session } from './session';

/** A site of the user's own code in one document. */
export interface DocumentSite {
  readonly session: Session;
  readonly site: Site;
}

/**
 * The sites in a document that have rows. A session without a process has no live tasks, but keeps its lines as long as a
 * site keeps its row, so that nothing jumps while a process is restarted.
 * @param now on the clock of {@link Session.emptySince}.
 */
export function documentSites(document: OpenDocument, sessions: Iterable<Session>, now: number): readonly DocumentSite[] {
  const found: DocumentSite[] = [];
  for (const session of sessions) {
    const { emptySince } = session;
    if (emptySince !== undefined && now - emptySince >= SITE_LINGER_MS) continue;
    for (const path of document.paths) {
      for (const site of session.sitesInFile(path)) {
        if (site.origin === 'app') found.push({ session, site: emptySince === undefined ? site : emptied(site) });
      }
    }
  }
  return found;
}

/** Groups sites by the line that they are on now. Sites whose line was deleted are left out. */
export function byLine(document: OpenDocument, sites: readonly DocumentSite[]): ReadonlyMap<number, readonly DocumentSite[]> {
  const lines = new Map<number, DocumentSite[]>();
  for (const each of sites) {
    const line = lineOf(document, each);
    if (line === null) continue;
    const onLine = lines.get(line);
    if (onLine) onLine.push(each);
    else lines.set(line, [each]);
  }
  return lines;
}

/** 0-based line of a site in the document as it is now; null when it is not there any more. */
export function lineOf(document: OpenDocument, { session, site }: DocumentSite): number | null {
  if (site.line < 1) return null;
  const position = { line: site.line - 1, character: Math.max(0, site.column - 1) };
  const located = document.locate(position, session.model.processStartedAt ?? Infinity);
  return located !== null && located.line < document.lineCount ? located.line : null;
}

/** Whether some process that runs these sites began before the file was written: see {@link OpenDocument.changedSince}. */
export function hasChanged(document: OpenDocument, sites: readonly DocumentSite[]): boolean {
  return sites.some(({ session }) => document.changedSince(session.model.processStartedAt ?? Infinity));
}

function emptied(site: Site): Site {
  return { ...site, count: 0, oldestMs: 0, ratePerSec: 0, endedPerSec: 0 };
}
