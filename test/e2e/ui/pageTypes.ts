/** What functions that run in the page use of the DOM: the rest of this program is checked without its types. */

export interface PageElement {
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  getBoundingClientRect(): { readonly top: number; readonly bottom: number };
  querySelectorAll(selector: string): Iterable<PageElement>;
}

export interface PageStyle {
  readonly backgroundImage: string;
  readonly content: string;
  readonly visibility: string;
}

declare global {
  function getComputedStyle(element: PageElement, pseudoElement?: string): PageStyle;
  function requestAnimationFrame(draw: () => void): number;
}
