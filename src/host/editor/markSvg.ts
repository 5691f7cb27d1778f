/**
 * The pictures of the marks: the shape tells the kind, the tint the heat. Written by `test/unit/host/markSvg.test.ts` into
 * `media/gutter` when `UPDATE_MARKS` is set, and otherwise held against what is there. Pure.
 */
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
