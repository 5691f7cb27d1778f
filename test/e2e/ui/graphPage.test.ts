/** The page of the await graph by itself in a browser: very many groups, names that look like markup, the keyboard, and what it asks of the host. */
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DIST } from '../../../scripts/lib/paths.ts';
import { ensureChromium } from '../../../scripts/lib/setup.ts';
import type { DumpGroup } from '../../../src/core/model/dump.ts';
import { dumpMessages } from '../../../src/host/dump/graphMessages.ts';
import type { FromGraph, ToGraph } from '../../../src/protocol/webview.ts';
import { parseFromGraph, WEBVIEW_VERSION } from '../../../src/protocol/webview.ts';
import { manyGroups, readingGroups, sampleDump } from '../../support/sampleDump.ts';
import type { PageElement } from './pageTypes.ts';

/** What the page has in VS Code, and what it has told it. */
interface PageWindow {
  posted: unknown[];
  kept: unknown;
  acquireVsCodeApi: () => object;
  dispatchEvent: (event: object) => void;
}
declare const window: PageWindow;
declare const MessageEvent: new (type: string, init: { data: unknown }) => object;

let browser: Browser;
let page: Page;
const errors: string[] = [];

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: await ensureChromium(), headless: true, args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-gpu'] });
});

afterEach(async () => {
  await page.close();
  expect(errors).toEqual([]);
});

afterAll(() => browser.close());

function messagesOf(groups: readonly DumpGroup[], id = 'd1', name = 'orders'): readonly ToGraph[] {
  return dumpMessages({ id, name, dump: sampleDump('/srv/orders', { groups }), sessionId: '1', processRestarts: 0 }, { text: 'status', full: 'status', canLookUp: true });
}

/** Opens the page, as after a reload with what it had kept. */
async function open(kept?: unknown): Promise<void> {
  page = await browser.newPage({ viewport: { width: 1000, height: 700 } });
  page.on('pageerror', (error) => errors.push(error.message));
  await page.setContent('<!DOCTYPE html><html lang="en"><body class="vscode-dark"></body></html>');
  await page.addStyleTag({ path: join(DIST, 'webview', 'graph.css') });
  await page.evaluate((state) => {
    window.posted = [];
    window.acquireVsCodeApi = () => ({ postMessage: (message: unknown) => window.posted.push(message), getState: () => state, setState: (next: unknown) => { window.kept = next; } });
  }, kept);
  await page.addScriptTag({ path: join(DIST, 'webview', 'graph.js') });
}

/** Milliseconds that the page took for each message. */
async function send(messages: readonly unknown[]): Promise<readonly number[]> {
  return page.evaluate((all) => all.map((data) => {
    const began = performance.now();
    window.dispatchEvent(new MessageEvent('message', { data }));
    return Math.round(performance.now() - began);
  }), messages as unknown[]);
}

/** What the page has asked for; all of it is what a host takes. */
async function posted(): Promise<readonly FromGraph[]> {
  const messages = await page.evaluate(() => window.posted);
  return messages.map((message) => {
    const parsed = parseFromGraph(message);
    if (parsed === undefined) throw new Error(`not a message of the webview: ${JSON.stringify(message)}`);
    return parsed;
  });
}

test('ten thousand groups are drawn as a picture that can be read, and all of them can be found', async () => {
  await open();
  expect(await posted()).toEqual([{ version: WEBVIEW_VERSION, type: 'ready' }]);
  const times = await send(messagesOf(manyGroups(10_000)));
  console.log(`[measured] the page with 10,000 groups, milliseconds for each message: ${times.join(' ')}`);
  const boxes = page.locator('.box');
  expect(await boxes.count()).toBeLessThan(300);
  expect(await page.locator('.box.more').count()).toBeGreaterThan(0);
  await page.locator('.search').fill('level2Step31');
  await page.getByRole('button', { name: /more not drawn/ }).click();
  await page.locator('.box.selected.match', { hasText: 'level2Step31' }).waitFor();
  const before = await boxes.count();
  await page.locator('.box.more').first().dblclick({ force: true });
  await expect.poll(() => boxes.count()).not.toBe(before);
});

test('names of the process are text, whatever they look like', async () => {
  const [group] = sampleDump().groups;
  if (group === undefined) throw new Error('no group');
  const evil = '<img src=x onerror="document.title=1"><b>';
  await open();
  await send(messagesOf([{ ...group, why: evil, chain: group.chain.map((frame) => ({ ...frame, function: evil })), waitsFor: { ...group.waitsFor, text: evil }, heldBy: [{ count: 1, path: evil }] }]));
  await page.locator('.box').first().locator('.head').click();
  await page.locator('.details').getByText(evil).first().waitFor();
  expect(await page.locator('img, b').count()).toBe(0);
});

test('the keyboard goes along the chains, and opens lines', async () => {
  await open();
  await send(messagesOf(sampleDump().groups));
  await page.locator('.box[tabindex="0"]').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await page.locator('.box.leaf:focus').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowLeft');
  await page.locator('.box.frames:focus').waitFor();
  expect(await page.locator('.box[tabindex="0"]').count()).toBe(1);
  await page.keyboard.press('Enter');
  const opened = (await posted()).filter(({ type }) => type === 'open');
  expect(opened).toEqual([{ version: WEBVIEW_VERSION, type: 'open', dumpId: 'd1', groupId: 'lock', place: { of: 'frame', frame: 1, line: 'awaiting' } }]);
  await page.keyboard.press('Escape');
  await page.locator('.details').waitFor({ state: 'hidden' });
});

test('the line of the user opens where Node stands below it, and what stands in Node alone opens nothing', async () => {
  await open();
  await send(messagesOf(readingGroups().filter(({ id }) => id === 'rows')));
  const box = (text: string): Locator => page.locator('.box', { hasText: text }).first();
  await box('PriceList.load').focus();
  await page.keyboard.press('Enter');
  await box('PriceList.load').locator('.head').dblclick();
  const line = { version: WEBVIEW_VERSION, type: 'open', dumpId: 'd1', groupId: 'rows', place: { of: 'frame', frame: 0, line: 'awaiting' } };
  const opened = async (): Promise<readonly FromGraph[]> => (await posted()).filter(({ type }) => type === 'open');
  expect(await opened()).toEqual([line, line]);
  expect(await page.locator('.details .link').allTextContents()).toEqual(['prices.ts:14', 'declaration', 'variables', 'rows/index.js:8', 'declaration', 'variables', 'variables']);
  expect(await page.locator('.details .links .dim').allTextContents()).toEqual(['node:internal/fs/promises:661']);
  await send(messagesOf(readingGroups().filter(({ id }) => id === 'nodes'), 'd2'));
  const nodes = page.locator('.box.frames');
  await nodes.locator('.line', { hasText: 'node:internal/fs/promises:661' }).dblclick();
  await nodes.press('Enter');
  await box('Read of Node').dblclick();
  expect(await opened()).toEqual([line, line]);
});

test('a double click on a line of a box opens that line, and beside the lines the innermost', async () => {
  await open();
  await send(messagesOf(sampleDump().groups));
  const frames = async (): Promise<ReadonlySet<number>> => new Set((await posted()).flatMap((message) => (message.type === 'open' && message.place.of === 'frame' ? [message.place.frame] : [])));
  const box = page.locator('.box.frames', { hasText: 'Catalogue.refresh' });
  await box.locator('.line', { hasText: 'Catalogue.refresh' }).dblclick();
  expect(await frames()).toEqual(new Set([0]));
  await box.locator('.head').dblclick();
  expect(await frames()).toEqual(new Set([0, 1]));
});

test('arrows with Shift move the picture, and with Alt they are left to VS Code', async () => {
  await open();
  await send(messagesOf(manyGroups(200)));
  await page.locator('.box[tabindex="0"]').focus();
  const label = await page.locator('.box:focus').getAttribute('aria-label');
  const before = await page.locator('.stage').getAttribute('style');
  await page.keyboard.press('Alt+ArrowRight');
  await page.keyboard.press('Alt+ArrowDown');
  expect(await page.locator('.stage').getAttribute('style')).toBe(before);
  await page.keyboard.press('Shift+ArrowDown');
  expect(await page.locator('.stage').getAttribute('style')).not.toBe(before);
  await page.keyboard.press('Shift+ArrowUp');
  expect(await page.locator('.stage').getAttribute('style')).toBe(before);
  expect(await page.locator('.box:focus').getAttribute('aria-label')).toBe(label);
});

test('another dump of the process is looked at where the one before was, unless nothing is there; one of another process as at first', async () => {
  const boxesInView = (): Promise<number> => page.locator('.canvas').evaluate((canvas: PageElement) => {
    const room = canvas.getBoundingClientRect();
    return [...canvas.querySelectorAll('.box')].map((box) => box.getBoundingClientRect()).filter(({ top, bottom }) => top < room.bottom && bottom > room.top).length;
  });
  const view = (): Promise<string | null> => page.locator('.stage').getAttribute('style');
  const scrollDown = async (by: number): Promise<void> => {
    await page.locator('.canvas').hover({ position: { x: 5, y: 5 } });
    const before = await view();
    await page.mouse.wheel(0, by);
    await expect.poll(view).not.toBe(before);
  };
  await open();
  await send(messagesOf(sampleDump().groups.slice(0, 3), 'd0', 'few'));
  const few = await view();
  await send(messagesOf(manyGroups(300)));
  const many = await view();
  expect(many).not.toBe(few);
  await scrollDown(300);
  const scrolled = await view();
  await send(messagesOf(manyGroups(300), 'd2'));
  expect(await view()).toBe(scrolled);
  await scrollDown(1e6);
  await send(messagesOf(sampleDump().groups.slice(0, 3), 'd3'));
  expect(await boxesInView()).toBeGreaterThan(0);
  expect(await view()).toBe(few);
  await send(messagesOf(manyGroups(300), 'd4'));
  await scrollDown(300);
  await send(messagesOf(manyGroups(300), 'd5', 'other'));
  expect(await view()).toBe(many);
});

test('what was selected and searched is there again when the panel comes back', async () => {
  await open();
  const messages = messagesOf(manyGroups(2_000));
  await send(messages);
  await page.locator('.search').fill('level2Step31');
  await page.keyboard.press('Enter');
  await page.locator('.box.selected').waitFor();
  const label = await page.locator('.box.selected').getAttribute('aria-label');
  await expect.poll(() => page.evaluate(() => (window.kept as { readonly selected?: string } | undefined)?.selected)).toBeDefined();
  const kept = await page.evaluate(() => window.kept);
  await page.close();
  await open(kept);
  await send(messages);
  await page.locator('.box.selected').waitFor();
  expect(await page.locator('.box.selected').getAttribute('aria-label')).toBe(label);
  expect(await page.locator('.search').inputValue()).toBe('level2Step31');
});

test('what no host sends is ignored, and an empty dump says so', async () => {
  await open();
  await send([null, 'state', { type: 'state' }, { version: WEBVIEW_VERSION + 1, type: 'empty', text: 'x' }]);
  await send(messagesOf([]));
  await page.getByText('Nothing is suspended in this process.').waitFor();
  await send([{ version: WEBVIEW_VERSION, type: 'empty', text: 'There is no async dump.' }]);
  await page.getByText('There is no async dump.').waitFor();
});
