/** What a person sees of Asyncscope in the workbench: the view, and the line in the editor. */
import type { Locator } from 'playwright-core';
import type { RunnerTestCase } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SAMPLE } from '../../../scripts/lib/paths.ts';
import type { Workbench } from '../workbench.ts';
import type { PageElement } from './pageTypes.ts';

export const VIEW = 'Live Tasks';

/** Milliseconds within which anything has to appear that needs the target, on a busy machine with two cores. */
export const PATIENCE_MS = 60_000;

/** Widths and heights in pixels. */
const ROOMY_SIDE_BAR = 420;

/**
 * The number, from 1, of the only line of a source of the sample that holds `text`.
 * @throws {Error} when none does, or several do
 */
export function lineOf(file: string, text: string): number {
  const lines = readFileSync(join(SAMPLE, 'src', file), 'utf8').split('\n');
  const found = lines.flatMap((line, index) => (line.includes(text) ? [index + 1] : []));
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} lines of ${file} hold "${text}".`);
  return found[0];
}

/** Shows the debug side bar with all its room for Live Tasks, and nothing else around the editor. */
export async function showLiveTasks(workbench: Workbench): Promise<void> {
  await workbench.runCommand('View: Show Run and Debug');
  await workbench.view(VIEW).waitFor();
  for (const title of ['Variables', 'Watch', 'Call Stack', 'Breakpoints']) await workbench.expandView(title, false);
  await workbench.expandView(VIEW, true);
  await workbench.resizeSideBar(ROOMY_SIDE_BAR);
}

/** Attaches by the command, as somebody does who knows the port or another address. */
export async function attachTo(workbench: Workbench, port: number | string): Promise<void> {
  await workbench.runCommand('Asyncscope: Attach to Process…');
  await workbench.quickInput().fill(String(port));
  await workbench.quickPickRow('attach to this address').click();
  await workbench.treeRow(VIEW, /^\s*Process/).waitFor({ timeout: PATIENCE_MS });
}

/** For `afterEach`: leaves behind what was on the screen when a test failed. */
export async function screenshotOfFailure(workbench: Workbench, { name, result }: Readonly<RunnerTestCase>): Promise<void> {
  if (result?.state === 'fail') await workbench.screenshot(`failed-${name.replace(/\W+/g, '-').slice(0, 60)}`);
}

/** The row of a site by where it stands. What began there before the attach has a row of its own, which is not meant. */
export function siteRow(workbench: Workbench, file: string, line: number): Locator {
  return workbench.treeRow(VIEW, `${file}:${String(line)}`).filter({ hasNotText: 'from before the attach' });
}

/** The row that all others stand below. */
export function sessionRow(workbench: Workbench): Locator {
  return workbench.view(VIEW).locator('.monaco-list-row[aria-level="1"]');
}

/** What is drawn beside, in and after one line of the active editor; undefined while the line is not on the screen. */
export interface LineFace {
  /** The code lens above it. */
  readonly lens: string | undefined;
  /** Address of the picture in the gutter. */
  readonly gutter: string | undefined;
  /** The text at its end. */
  readonly text: string | undefined;
}

/** What the lines of the active editor that are on the screen show, by line number from 1. */
export async function lineFaces(workbench: Workbench): Promise<ReadonlyMap<number, LineFace>> {
  return new Map(await workbench.editor().evaluate(readLineFaces));
}

/** Runs in the page. Lines are told apart by where they stand: that is how a person does it. */
function readLineFaces(editor: PageElement): [number, LineFace][] {
  const top = (element: PageElement): number => Math.round(element.getBoundingClientRect().top);
  const at = (elements: Iterable<PageElement>): Map<number, PageElement> => new Map([...elements].map((element) => [top(element), element]));
  const codes = at(editor.querySelectorAll('.view-lines .view-line'));
  const pictures = at(editor.querySelectorAll('.cgmr'));
  const lenses = [...editor.querySelectorAll('.codelens-decoration')].filter((lens) => getComputedStyle(lens).visibility === 'visible');
  const faces: [number, LineFace][] = [];
  const numbers = [...editor.querySelectorAll('.line-numbers')].sort((a, b) => top(a) - top(b));
  for (const [index, number] of numbers.entries()) {
    const y = top(number);
    const previous = numbers[index - 1];
    // A lens stands in the gap between two lines.
    const lens = lenses.find((each) => top(each) < y && (previous === undefined || top(each) > top(previous)));
    const picture = pictures.get(y);
    const texts = [...(codes.get(y)?.querySelectorAll('span') ?? [])].map((span) => getComputedStyle(span, '::after').content).filter((content) => content.startsWith('"'));
    faces.push([
      Number(number.textContent),
      {
        lens: lens?.textContent === '' ? undefined : lens?.textContent ?? undefined,
        gutter: picture === undefined ? undefined : decodeURIComponent(getComputedStyle(picture).backgroundImage),
        text: texts.length === 0 ? undefined : texts.map((text) => JSON.parse(text) as string).join(''),
      },
    ]);
  }
  return faces;
}

/** Clicks the code lens above a line of the active editor. */
export async function clickLens(workbench: Workbench, line: number): Promise<void> {
  const id = await workbench.editor().evaluate(lensIdAbove, line);
  if (id === null) throw new Error(`No lens stands above line ${line}.`);
  await workbench.editor().locator(`.codelens-decoration[widgetid="${id}"] a`).click();
}

/** Runs in the page. */
function lensIdAbove(editor: PageElement, line: number): string | null {
  const top = (element: PageElement): number => element.getBoundingClientRect().top;
  const number = [...editor.querySelectorAll('.line-numbers')].find((each) => Number(each.textContent) === line);
  if (number === undefined) return null;
  const above = [...editor.querySelectorAll('.codelens-decoration')].filter((lens) => getComputedStyle(lens).visibility === 'visible' && top(lens) < top(number));
  return above.sort((a, b) => top(b) - top(a))[0]?.getAttribute('widgetid') ?? null;
}
