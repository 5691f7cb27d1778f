/**
 * Code lenses: one above each line that spawns live tasks. A lens shifts the text below it, so a line that has one keeps
 * it while its site has a row, and what it says is taken from a picture that is renewed at most every
 * {@link LENS_TEXT_INTERVAL_MS}, or a few times sooner where it contradicts what stands at the end of the line; where it stands
 * follows every edit.
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

/**
 * Except where a lens says what is plainly wrong by now: more than {@link LENS_FAR_FACTOR} times as many tasks as there are, or so
 * many times fewer, or none where there are some. Then it is renewed after so many milliseconds.
 */
export const LENS_FAR_INTERVAL_MS = 1000;
export const LENS_FAR_FACTOR = 2;
/**
 * So many times in a row; one more is earned in each {@link LENS_TEXT_INTERVAL_MS}. Lenses of a line that goes up and down all the
 * time keep to the slower step beyond it, as each renewal has the client ask for all lenses again and may make the text jump.
 */
export const LENS_FAR_LIMIT = 4;

/** How a new picture of a document differs from the one before; `far`: so that it contradicts it. */
export type LensChange = (typeof LENS_CHANGES)[number];
/** What outweighs what, the least first. */
const LENS_CHANGES = ['none', 'texts', 'far', 'lines'] as const;

export function greaterChange(a: LensChange, b: LensChange): LensChange {
  return LENS_CHANGES.indexOf(a) >= LENS_CHANGES.indexOf(b) ? a : b;
}

/** The pictures that lenses are made from, by document. */
export class LensBoard {
  readonly #pictures = new Map<string, readonly DocumentSite[]>();
  /** Those that the client has asked for: what it draws. */
  readonly #told = new Map<string, readonly DocumentSite[]>();

  /** How showing `sites` would change what the document's lenses say; new lines outweigh new texts. */
  compare(document: OpenDocument, sites: readonly DocumentSite[]): LensChange {
    const before = this.#shown(document);
    const known = new Set(before.map(position));
    if (sites.some((each) => !known.has(position(each)))) return 'lines';
    if (this.#texts(document, before) === this.#texts(document, sites)) return 'none';
    const counts = countsOf(document, before);
    return [...countsOf(document, sites)].some(([line, count]) => isFar(counts.get(line) ?? 0, count)) ? 'far' : 'texts';
  }

  show(document: OpenDocument, sites: readonly DocumentSite[]): void {
    this.#pictures.set(document.uri, sites);
  }

  /** What the lenses are made of that the client has. */
  told(document: OpenDocument): readonly DocumentSite[] {
    return this.#told.get(document.uri) ?? [];
  }

  forget(uri: string): void {
    this.#pictures.delete(uri);
    this.#told.delete(uri);
  }

  /** For the client: from now on it has been {@link told} them. */
  lenses(document: OpenDocument): CodeLens[] {
    const sites = this.#shown(document);
    this.#told.set(document.uri, sites);
    return lensesOf(document, sites);
  }

  #shown(document: OpenDocument): readonly DocumentSite[] {
    return this.#pictures.get(document.uri) ?? [];
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

/** Live tasks by line. */
function countsOf(document: OpenDocument, sites: readonly DocumentSite[]): ReadonlyMap<number, number> {
  return new Map([...byLine(document, sites)].map(([line, onLine]) => [line, onLine.reduce((sum, { site }) => sum + site.count, 0)]));
}

function isFar(shown: number, count: number): boolean {
  return Math.max(shown, count) > LENS_FAR_FACTOR * Math.min(shown, count);
}

function titleOf(document: OpenDocument, sites: readonly DocumentSite[]): string {
  const title = lensTitle(sites);
  return hasChanged(document, sites) ? `⚠ ${title} · file changed since it was loaded` : title;
}

// The line in the running text: another session of the same program has the same lines.
function position({ site }: DocumentSite): string {
  return `${site.line}`;
}
