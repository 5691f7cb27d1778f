/**
 * Decides when anything that is drawn in documents is redrawn: marks shortly after each change, lenses rarely. The only
 * place of the server with timers for drawing; providers answer from what is there.
 */
import type { Clock } from '../core/base/clock';
import type { MarksUpdate, SuspendedMark } from '../protocol/lsp';
import type { OpenDocument } from './documents';
import { LENS_FAR_INTERVAL_MS, LENS_FAR_LIMIT, LENS_TEXT_INTERVAL_MS, greaterChange } from './features/codeLens';
import type { LensBoard, LensChange } from './features/codeLens';
import { marksOf } from './features/marks';
import type { DocumentSite } from './lineSites';

/** Changes of several sessions within this many milliseconds are drawn together. */
export const REDRAW_DELAY_MS = 50;

export interface RefreshSchedulerOptions {
  readonly clock: Clock;
  readonly board: LensBoard;
  readonly documents: () => readonly OpenDocument[];
  readonly sitesOf: (document: OpenDocument) => readonly DocumentSite[];
  readonly lensesAreOn: () => boolean;
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

/** What documents show by now, and how that differs from what their lenses say. */
interface Picture {
  readonly drawn: readonly { readonly document: OpenDocument; readonly sites: readonly DocumentSite[] }[];
  readonly change: LensChange;
}

export function createRefreshScheduler(options: RefreshSchedulerOptions): RefreshScheduler {
  const { clock, board } = options;
  const sentMarks = new Map<string, string>();
  let cancelRedraw: (() => void) | undefined;
  /** The renewal of lenses that is to come. */
  let lenses: { readonly at: number; readonly cancel: () => void } | undefined;
  let lensesShownAt = -Infinity;
  /** Renewals before their time that are left, and when that was true. */
  let early = { left: LENS_FAR_LIMIT, at: clock.now() };
  let disposed = false;

  const sendMarks = (document: OpenDocument, sites: readonly DocumentSite[]): void => {
    const marks = marksOf(document, sites, options.lensesAreOn() ? board.told(document) : []);
    const suspended = options.suspendedOf(document);
    const text = JSON.stringify([marks, suspended]);
    if (text === (sentMarks.get(document.uri) ?? '[[],[]]')) return;
    sentMarks.set(document.uri, text);
    options.sendMarks({ uri: document.uri, version: document.version, marks, suspended });
  };

  const look = (): Picture => {
    const drawn = options.documents().map((document) => ({ document, sites: options.sitesOf(document) }));
    return { drawn, change: drawn.reduce<LensChange>((most, { document, sites }) => greaterChange(most, board.compare(document, sites)), 'none') };
  };

  const showLenses = ({ drawn, change }: Picture): void => {
    lenses?.cancel();
    lenses = undefined;
    for (const { document, sites } of drawn) {
      board.show(document, sites);
      sendMarks(document, sites);
    }
    if (change === 'none') return;
    const now = clock.now();
    // new lines are shown whenever they come
    if (change !== 'lines' && now < lensesShownAt + LENS_TEXT_INTERVAL_MS) early = { left: earlyLeft() - 1, at: now };
    lensesShownAt = now;
    options.refreshLenses();
  };

  const earlyLeft = (): number => Math.min(LENS_FAR_LIMIT, early.left + (clock.now() - early.at) / LENS_TEXT_INTERVAL_MS);

  const showLensesAt = (at: number): void => {
    if (lenses !== undefined && lenses.at <= at) return;
    lenses?.cancel();
    lenses = { at, cancel: clock.schedule(at - clock.now(), () => { showLenses(look()); }) };
  };

  const redraw = (): void => {
    cancelRedraw = undefined;
    const picture = look();
    const { drawn, change } = picture;
    const due = lensesShownAt + (change === 'far' && earlyLeft() >= 1 ? LENS_FAR_INTERVAL_MS : LENS_TEXT_INTERVAL_MS);
    if (change === 'lines' || (change !== 'none' && due <= clock.now())) {
      showLenses(picture);
      return;
    }
    for (const { document, sites } of drawn) sendMarks(document, sites);
    if (change !== 'none') showLensesAt(due);
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
      lenses?.cancel();
    },
  };
}
