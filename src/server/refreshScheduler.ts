/**
 * Decides when anything that is drawn in documents is redrawn: marks shortly after each change, lenses rarely. The only
 * place of the server with timers for drawing; providers answer from what is there.
 */
import type { Clock } from '../core/base/clock';
import type { MarksUpdate, SuspendedMark } from '../protocol/lsp';
import type { OpenDocument } from './documents';
import { LENS_TEXT_INTERVAL_MS } from './features/codeLens';
import type { LensBoard } from './features/codeLens';
import { marksOf } from './features/marks';
import type { DocumentSite } from './lineSites';

/** Changes of several sessions within this many milliseconds are drawn together. */
export const REDRAW_DELAY_MS = 50;

export interface RefreshSchedulerOptions {
  readonly clock: Clock;
  readonly board: LensBoard;
  readonly documents: () => readonly OpenDocument[];
  readonly sitesOf: (document: OpenDocument) => readonly DocumentSite[];
  /** Marks of dumps, which change when {@link RefreshScheduler.changed} is called. */
  readonly suspendedOf: (document: OpenDocument) => readonly SuspendedMark[];
  readonly sendMarks: (update: MarksUpdate) => void;
  /** Asks the client to ask for lenses again. */
  readonly refreshLenses: () => void;
}

export interface RefreshScheduler {
  /** Something that is drawn may have changed. */
  changed(): void;
  /** The document is shown from now on. */
  opened(document: OpenDocument): void;
  closed(uri: string): void;
  dispose(): void;
}

export function createRefreshScheduler(options: RefreshSchedulerOptions): RefreshScheduler {
  const { clock, board } = options;
  const sentMarks = new Map<string, string>();
  let cancelRedraw: (() => void) | undefined;
  let cancelLenses: (() => void) | undefined;
  let lensesShownAt = -Infinity;
  let disposed = false;

  const sendMarks = (document: OpenDocument, sites: readonly DocumentSite[]): void => {
    const marks = marksOf(document, sites);
    const suspended = options.suspendedOf(document);
    const text = JSON.stringify([marks, suspended]);
    if (text === (sentMarks.get(document.uri) ?? '[[],[]]')) return;
    sentMarks.set(document.uri, text);
    options.sendMarks({ uri: document.uri, version: document.version, marks, suspended });
  };

  const showLenses = (): void => {
    cancelLenses?.();
    cancelLenses = undefined;
    let differ = false;
    for (const document of options.documents()) {
      const sites = options.sitesOf(document);
      differ ||= board.compare(document, sites) !== 'none';
      board.show(document, sites);
    }
    if (!differ) return;
    lensesShownAt = clock.now();
    options.refreshLenses();
  };

  const redraw = (): void => {
    cancelRedraw = undefined;
    let appeared = false;
    let differ = false;
    for (const document of options.documents()) {
      const sites = options.sitesOf(document);
      sendMarks(document, sites);
      const change = board.compare(document, sites);
      appeared ||= change === 'lines';
      differ ||= change !== 'none';
    }
    const wait = lensesShownAt + LENS_TEXT_INTERVAL_MS - clock.now();
    if (appeared || (differ && wait <= 0)) showLenses();
    else if (differ) cancelLenses ??= clock.schedule(wait, showLenses);
  };

  return {
    changed() {
      if (!disposed) cancelRedraw ??= clock.schedule(REDRAW_DELAY_MS, redraw);
    },
    opened(document) {
      const sites = options.sitesOf(document);
      board.show(document, sites);
      sendMarks(document, sites);
    },
    closed(uri) {
      sentMarks.delete(uri);
      board.forget(uri);
    },
    dispose() {
      disposed = true;
      cancelRedraw?.();
      cancelLenses?.();
    },
  };
}
