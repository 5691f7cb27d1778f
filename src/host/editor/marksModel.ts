/** The marks of open documents as the server last sent them. Pure. */
import type { LineMark, MarksUpdate, RevealSiteArguments, SuspendedMark } from '../../protocol/lsp';
import type { Disposable } from '../base/disposable';
import { Emitter } from '../base/emitter';

export interface DocumentMarks {
  readonly version: number;
  readonly marks: readonly LineMark[];
  readonly suspended: readonly SuspendedMark[];
}

export class MarksModel implements Disposable {
  readonly #documents = new Map<string, DocumentMarks>();
  readonly #changed = new Emitter<void>();

  /** The marks of some document changed. */
  readonly onDidChange = this.#changed.event;

  /** @param uri as `Uri.toString()` writes it. */
  get(uri: string): DocumentMarks | undefined {
    return this.#documents.get(uri);
  }

  apply(uri: string, { version, marks, suspended }: Pick<MarksUpdate, keyof DocumentMarks>): void {
    if (marks.length === 0 && suspended.length === 0) this.#documents.delete(uri);
    else this.#documents.set(uri, { version, marks, suspended });
    this.#changed.fire();
  }

  /** Where a site stands in an open document, edits accounted for. 0-based. */
  lineOf(uri: string, { sessionId, siteId }: RevealSiteArguments): number | undefined {
    return this.#documents
      .get(uri)
      ?.marks.find((mark) => mark.sites.some((site) => site.sessionId === sessionId && site.siteId === siteId))?.line;
  }

  /** The site with the most tasks of a line of an open document. 0-based. */
  siteAt(uri: string, line: number): RevealSiteArguments | undefined {
    return this.#documents.get(uri)?.marks.find((mark) => mark.line === line)?.sites[0];
  }

  /** Where a group of a dump stands suspended in an open document, edits accounted for. 0-based, top down. */
  suspendedLines(uri: string, dumpId: string, groupId: string): readonly number[] {
    const marks = this.#documents.get(uri)?.suspended ?? [];
    return marks.flatMap((mark) => (mark.groups.some((group) => group.dumpId === dumpId && group.groupId === groupId) ? [mark.line] : [])).sort((a, b) => a - b);
  }

  delete(uri: string): void {
    if (this.#documents.delete(uri)) this.#changed.fire();
  }

  clear(): void {
    this.#documents.clear();
    this.#changed.fire();
  }

  dispose(): void {
    this.#documents.clear();
    this.#changed.dispose();
  }
}
