/**
 * The pictures of the marks: the shape tells the kind, the tint the heat. Written by `test/unit/host/markSvg.test.ts` into
 * `media/gutter` when `UPDATE_MARKS` is set, and otherwise held against what is there. Pure.
 */
import type { Verdict } from '../../core/model/dump';
import type { TaskKind } from '../../core/model/task';
import type { Heat } from '../../protocol/lsp';

export type Background = 'light' | 'dark';

export const BACKGROUNDS: readonly Background[] = ['light', 'dark'];
export const HEATS: readonly Heat[] = [1, 2, 3, 4];

/**
 * From cool to hot. Each step is also darker (on light) or more saturated (on dark) than the last, so that the order
 * survives colour blindness; against VS Code's own light and dark backgrounds every one has a contrast of at least 3.
 */
const TINTS: Readonly<Record<Background, Readonly<Record<Heat, string>>>> = {
  dark: { 1: '#79b8e8', 2: '#e3c04d', 3: '#f59342', 4: '#ff5f66' },
  light: { 1: '#3d7eb3', 2: '#94700a', 3: '#bb5209', 4: '#c1142c' },
};

export function tint(background: Background, heat: Heat): string {
  return TINTS[background][heat];
}

/** On a field of 16 by 16; `C` stands for the tint. */
const SHAPES: Readonly<Record<TaskKind, string>> = {
  // A ring that is still open: something is to come.
  promise: '<path d="M12.9 5.2A5.6 5.6 0 1 1 10.8 3.1" fill="none" stroke="C" stroke-width="1.9" stroke-linecap="round"/><circle cx="8" cy="8" r="2.1" fill="C"/>',
  // An hourglass.
  timeout: '<path d="M3.5 2h9M3.5 14h9" stroke="C" stroke-width="1.8" stroke-linecap="round"/><path d="M4.6 2.6h6.8L8 8zM8 8l3.4 5.4H4.6z" fill="C"/>',
  // Round and round.
  interval: '<path d="M13 6.4A5.3 5.3 0 0 0 3.3 5.6M3 9.6a5.3 5.3 0 0 0 9.7.8" fill="none" stroke="C" stroke-width="1.8" stroke-linecap="round"/><path d="M14.4 2.6v4.6H9.8zM1.6 13.4V8.8h4.6z" fill="C"/>',
  // A flash.
  immediate: '<path d="M9.6 1.2 3.4 9h3.8l-.9 5.8L12.6 7H8.7z" fill="C"/>',
  // A plug.
  handle: '<path d="M5.4 1.8v3M10.6 1.8v3M8 11.4v3" stroke="C" stroke-width="1.9" stroke-linecap="round"/><path d="M3.2 5h9.6v2.4a4.8 4.8 0 0 1-9.6 0z" fill="C"/>',
  // There and back.
  request: '<path d="M2.2 5.2h8.6M13.8 10.8H5.2" stroke="C" stroke-width="1.9" stroke-linecap="round"/><path d="M9.6 1.8 14 5.2 9.6 8.6zM6.4 7.4 2 10.8l4.4 3.4z" fill="C"/>',
};

export function markSvg(kind: TaskKind, heat: Heat, background: Background): string {
  const shape = SHAPES[kind].replaceAll('"C"', `"${tint(background, heat)}"`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${shape}</svg>\n`;
}

/** Relative to the extension's folder. */
export function markFile(kind: TaskKind, heat: Heat, background: Background): string {
  return `media/gutter/${background}/${kind}-${String(heat)}.svg`;
}

/** Tints of the verdicts of a dump, the same as those of its rows; with a contrast of at least 3 as well. */
const VERDICT_TINTS: Readonly<Record<Background, Readonly<Record<Verdict | 'none', string>>>> = {
  dark: { orphan: '#ff6b70', cycle: '#d98cff', crowd: '#f59342', stuck: '#e3c04d', 'in flight': '#6fb7ea', none: '#b0b0b0' },
  light: { orphan: '#c1142c', cycle: '#8a2bc2', crowd: '#b54d06', stuck: '#8a6800', 'in flight': '#2f74ad', none: '#6b6b6b' },
};

export function verdictTint(background: Background, verdict: Verdict | null): string {
  return VERDICT_TINTS[background][verdict ?? 'none'];
}

/** A frame with rounded corners, which no kind of task has, tells what stands still; what is in it tells the verdict. */
const SUSPENDED_FRAME = '<rect x="1.6" y="1.6" width="12.8" height="12.8" rx="3.4" fill="none" stroke="C" stroke-width="1.6"/>';
const VERDICT_SHAPES: Readonly<Record<Verdict | 'none', string>> = {
  // Crossed out.
  orphan: '<path d="M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6" stroke="C" stroke-width="1.9" stroke-linecap="round"/>',
  // A ring that closes on itself.
  cycle: '<path d="M10.9 7.2A3 3 0 1 0 10.6 9.6" fill="none" stroke="C" stroke-width="1.6" stroke-linecap="round"/><path d="M12.6 6.2l-1.4 2.9-2.4-2.2z" fill="C"/>',
  // Many.
  crowd: '<path d="M5 5.4h0M8 5.4h0M11 5.4h0M5 8h0M8 8h0M11 8h0M5 10.6h0M8 10.6h0M11 10.6h0" stroke="C" stroke-width="2" stroke-linecap="round"/>',
  // A pause that does not end.
  stuck: '<path d="M6 5v6M10 5v6" stroke="C" stroke-width="2.2" stroke-linecap="round"/>',
  // Under way.
  'in flight': '<path d="M4.8 8h5.2" stroke="C" stroke-width="1.9" stroke-linecap="round"/><path d="M8.4 4.9 11.8 8l-3.4 3.1z" fill="C"/>',
  none: '<path d="M5.4 8h0M8 8h0M10.6 8h0" stroke="C" stroke-width="2" stroke-linecap="round"/>',
};

/** The mark of a line where functions stood suspended. */
export function suspendedSvg(verdict: Verdict | null, background: Background): string {
  const shape = `${SUSPENDED_FRAME}${VERDICT_SHAPES[verdict ?? 'none']}`.replaceAll('"C"', `"${verdictTint(background, verdict)}"`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${shape}</svg>\n`;
}

/** Relative to the extension's folder. */
export function suspendedFile(verdict: Verdict | null, background: Background): string {
  return `media/gutter/${background}/suspended-${(verdict ?? 'none').replaceAll(' ', '-')}.svg`;
}
