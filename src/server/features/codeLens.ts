/**
 * Code lenses: one above each line that spawns live tasks. A lens shifts the text below it, so a line that has one keeps
 * it while its site has a row, and what it says is taken from a picture that is renewed at most every
 * {@link LENS_TEXT_INTERVAL_MS}; where it stands follows every edit.
 */
import type { CodeLens } from 'vscode-languageserver';
import { REVEAL_SITE_COMMAND } from '../../protocol/lsp';
import type { RevealSiteArguments } from '../../protocol/lsp';
import type { OpenDocument } from '../documents';
import { byLine, hasChanged } from '../lineSites';
import type { DocumentSite } from '../lineSites';
import { leadingSite, lensTitle } from './lineSummary';

/** Texts of lenses change at most this often, in milliseconds. */
export const LENS_TEXT_INTERVAL_MS = 5000;

/** How a new picture of a document differs from the one before. */
export type LensChange = 'none' | 'texts' | 'lines';

/** The pictures that lenses are made from, by document. */
export class LensBoard {
  readonly #pictures = new Map<string, readonly DocumentSite[]>();

  /** How showing `sites` would change what the document's lenses say; new lines outweigh new texts. */
  compare(document: OpenDocument, sites: readonly DocumentSite[]): LensChange {
    const before = this.#pictures.get(document.uri) ?? [];
    const known = new Set(before.map(position));
    if (sites.some((each) => !known.has(position(each)))) return 'lines';
    return this.#texts(document, before) === this.#texts(document, sites) ? 'none' : 'texts';
  }

  show(document: OpenDocument, sites: readonly DocumentSite[]): void {
    this.#pictures.set(document.uri, sites);
  }

  forget(uri: string): void {
    this.#pictures.delete(uri);
  }

  lenses(document: OpenDocument): CodeLens[] {
    return lensesOf(document, this.#pictures.get(document.uri) ?? []);
  }

  #texts(document: OpenDocument, sites: readonly DocumentSite[]): string {
    return JSON.stringify(lensesOf(document, sites));
  }
}

function lensesOf(document: OpenDocument, sites: readonly DocumentSite[]): CodeLens[] {
  const lenses: CodeLens[] = [];
  for (const [line, onLine] of byLine(document, sites)) {
    const leading = leadingSite(onLine);
    if (!leading) continue;
    const reveal: RevealSiteArguments = { sessionId: leading.session.id, siteId: leading.site.id };
    lenses.push({
      range: { start: { line, character: 0 }, end: { line, character: 0 } },
      command: { title: titleOf(document, onLine), command: REVEAL_SITE_COMMAND, arguments: [reveal] },
    });
  }
  return lenses.sort((a, b) => a.range.start.line - b.range.start.line);
}

function titleOf(document: OpenDocument, sites: readonly DocumentSite[]): string {
  const title = lensTitle(sites);
  return hasChanged(document, sites) ? `⚠ ${title} · file changed since it was loaded` : title;
}

// The line in the running text: another session of the same program has the same lines.
function position({ site }: DocumentSite): string {
  return `${site.line}`;
}
