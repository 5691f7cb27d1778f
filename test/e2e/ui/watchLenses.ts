/** Whether code lenses blink. */
import type { Workbench } from '../workbench.ts';
import type { PageElement } from './pageTypes.ts';

export interface LensesSeen {
  /** Lines from 1 that had a lens. */
  readonly lines: readonly number[];
  /** Those of them that had none in a later frame. */
  readonly lost: readonly number[];
  /** How often the watched line went from having live tasks to having none. */
  readonly timesWithoutTasks: number;
}

/** How often the tasks of the watched line have to go before that is enough. */
const ENOUGH = 3;

/** Looks at every frame that the browser draws until the tasks of `line` in the active editor have gone often enough. */
export async function watchLenses(workbench: Workbench, line: number, limitMs: number): Promise<LensesSeen> {
  return workbench.editor().evaluate(watch, { line, limitMs, enough: ENOUGH });
}

/** Runs in the page. */
function watch(editor: PageElement, { line, limitMs, enough }: { line: number; limitMs: number; enough: number }): Promise<LensesSeen> {
  const top = (element: PageElement): number => Math.round(element.getBoundingClientRect().top);
  const numbers = (): PageElement[] => [...editor.querySelectorAll('.line-numbers')];
  const linesWithLens = (): number[] =>
    [...editor.querySelectorAll('.codelens-decoration')]
      .filter((lens) => getComputedStyle(lens).visibility === 'visible' && lens.textContent !== '')
      .map((lens) => {
        const below = numbers().filter((number) => top(number) > top(lens)).sort((a, b) => top(a) - top(b));
        return Number(below[0]?.textContent);
      });
  const textAtEnd = (): string => {
    const number = numbers().find((each) => Number(each.textContent) === line);
    if (number === undefined) return '';
    const code = [...editor.querySelectorAll('.view-lines .view-line')].find((each) => top(each) === top(number));
    const texts = [...(code?.querySelectorAll('span') ?? [])].map((span) => getComputedStyle(span, '::after').content);
    return texts.filter((text) => text.startsWith('"')).join('');
  };
  return new Promise((resolve) => {
    const had = new Set<number>();
    const lost = new Set<number>();
    const end = performance.now() + limitMs;
    let timesWithoutTasks = 0;
    let last = textAtEnd();
    const look = (): void => {
      const now = new Set(linesWithLens());
      for (const each of had) if (!now.has(each)) lost.add(each);
      for (const each of now) had.add(each);
      const text = textAtEnd();
      if (text === '' && last !== '') timesWithoutTasks += 1;
      last = text;
      if (timesWithoutTasks >= enough || performance.now() > end) resolve({ lines: [...had], lost: [...lost], timesWithoutTasks });
      else requestAnimationFrame(look);
    };
    look();
  });
}
