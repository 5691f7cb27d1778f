/** The VS Code workbench in Chromium, and what a person does and sees there. */
import { chromium } from 'playwright-core';
import type { Browser, FrameLocator, Locator, Page } from 'playwright-core';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEST_RESULTS } from '../../scripts/lib/paths.ts';
import { ensureChromium } from '../../scripts/lib/setup.ts';
import { startWorkbenchServer } from '../../scripts/lib/workbenchServer.ts';
import type { WorkbenchServer, WorkbenchServerOptions } from '../../scripts/lib/workbenchServer.ts';

/** Milliseconds within which the workbench has to be usable; it takes 3 to 5 s on two cores. */
const OPEN_TIMEOUT_MS = 90_000;
/** Milliseconds within which anything on the page has to appear. */
const APPEAR_TIMEOUT_MS = 30_000;
/** Milliseconds after which a key press counts as lost. */
const KEY_TIMEOUT_MS = 2_000;
const VIEWPORT = { width: 1440, height: 900 };

export const THEMES = {
  dark: { name: 'Dark Modern', className: 'vs-dark' },
  light: { name: 'Light Modern', className: 'vs' },
  'high-contrast': { name: 'Dark High Contrast', className: 'hc-black' },
} as const;
/** For single pictures: the kind of theme of which most pictures would say nothing new. */
const LIGHT_CONTRAST = { name: 'Light High Contrast', className: 'hc-light' };
export type Theme = keyof typeof THEMES;

export interface OpenOptions extends Omit<WorkbenchServerOptions, 'directory'> {
  /** Absolute path of the folder to open. */
  readonly folder: string;
  readonly payload?: (host: string) => readonly (readonly [string, string])[];
  /** Called before the page loads. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** Starts a server and opens its workbench. Dispose with {@link Workbench.close}. */
export async function openWorkbench(options: OpenOptions): Promise<Workbench> {
  const directory = await mkdtemp(join(tmpdir(), 'asyncscope-workbench-'));
  let server: WorkbenchServer | undefined;
  let browser: Browser | undefined;
  try {
    server = await startWorkbenchServer({ ...options, directory });
    browser = await chromium.launch({
      executablePath: await ensureChromium(),
      headless: true,
      args: [
        // Chromium refuses to run as root with its sandbox. It opens no page but our own.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update'],
        // Nothing leaves the machine, and nothing waits for a name server.
        '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
      ],
    });
    const page = await browser.newPage({ viewport: VIEWPORT });
    page.setDefaultTimeout(APPEAR_TIMEOUT_MS);
    await options.prepare?.(page);
    await page.goto(server.url(options.folder, options.payload?.(server.host)));
    const workbench = new Workbench(page, server, browser, directory);
    await page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: OPEN_TIMEOUT_MS });
    return workbench;
  } catch (error) {
    await browser?.close();
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** Page object of the workbench. Locators wait by themselves; nothing here sleeps. */
export class Workbench {
  readonly page: Page;
  readonly server: WorkbenchServer;
  readonly #browser: Browser;
  readonly #directory: string;

  constructor(page: Page, server: WorkbenchServer, browser: Browser, directory: string) {
    this.page = page;
    this.server = server;
    this.#browser = browser;
    this.#directory = directory;
  }

  /** Runs a command by its exact title in the palette, such as `View: Show Run and Debug`. */
  async runCommand(title: string): Promise<void> {
    await this.#askQuickInput('F1', `>${title}`);
    // Enter would run whatever ranks first: "Debug: Start Debugging" would be "Debug: Select and Start Debugging".
    const label = cssString(title);
    const row = this.page.locator(
      `.quick-input-list .monaco-list-row[aria-label=${label}], .quick-input-list .monaco-list-row[aria-label^=${cssString(`${title},`)}]`,
    );
    await row.first().click();
  }

  /** Opens a file of the folder by its name, or `name:line`. */
  async openFile(name: string): Promise<void> {
    await this.#askQuickInput('Control+P', name);
    const base = name.replace(/:\d+$/, '').replace(/^.*\//, '');
    // Enter would open whatever ranks first at that moment.
    await this.page.locator(`.quick-input-list .monaco-list-row[aria-label^=${cssString(base)}]`).first().click();
    await this.page.locator(`.tab.active[data-resource-name=${cssString(base)}]`).waitFor();
    await this.editor().locator('.view-lines').waitFor();
  }

  /**
   * Keys pressed before the workbench listens are lost, and nothing tells when it does: press until it answers. What answers may be
   * the last question, which is just closing: then it takes no text.
   */
  async #askQuickInput(key: string, text: string): Promise<void> {
    for (const end = Date.now() + APPEAR_TIMEOUT_MS; ; ) {
      await this.page.keyboard.press(key);
      try {
        await this.quickInput().waitFor({ timeout: KEY_TIMEOUT_MS });
        await this.quickInput().fill(text, { timeout: KEY_TIMEOUT_MS });
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
  }

  /** The text field of the palette or of the quick pick or input box that an extension shows. */
  quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible input[type="text"]').first();
  }

  /** Rows of the open quick pick. */
  quickPickRow(text: string | RegExp): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row', { hasText: text });
  }

  editor(): Locator {
    return this.page.locator('.editor-group-container.active .monaco-editor').first();
  }

  /** Code lenses of the active editor that are on the screen. */
  codeLenses(): Locator {
    return this.editor().locator('.codelens-decoration:visible');
  }

  /** A view of a side bar by its title. */
  view(title: string): Locator {
    return this.page.locator('.pane', { has: this.page.locator(`.pane-header[aria-label^=${cssString(title)}]`) });
  }

  /** Opens or closes a view of a side bar that is shown. */
  async expandView(title: string, expanded: boolean): Promise<void> {
    const header = this.page.locator(`.pane-header[aria-label^=${cssString(title)}]`);
    if ((await header.getAttribute('aria-expanded')) !== String(expanded)) await header.locator('.title').click();
    await this.page.locator(`.pane-header[aria-label^=${cssString(title)}][aria-expanded="${String(expanded)}"]`).waitFor();
  }

  /** Drags the border of the primary side bar until it is so many pixels wide. */
  async resizeSideBar(width: number): Promise<void> {
    const box = await this.page.locator('.part.sidebar').boundingBox();
    if (box === null) throw new Error('The side bar is not shown.');
    const { mouse } = this.page;
    await mouse.move(box.x + box.width, box.y + box.height / 2);
    await mouse.down();
    await mouse.move(box.x + width, box.y + box.height / 2, { steps: 5 });
    await mouse.up();
    // A border under the mouse is highlighted.
    await this.hideMouse();
  }

  /** Moves the mouse where it makes nothing light up, and waits until no hover is open. */
  async hideMouse(): Promise<void> {
    await this.page.mouse.move(VIEWPORT.width - 1, VIEWPORT.height - 1);
    await this.page.locator('.monaco-hover:visible').waitFor({ state: 'detached' });
  }

  /** Rows of a tree view that are on the screen. */
  treeRows(viewTitle: string): Locator {
    return this.view(viewTitle).locator('.monaco-list-row');
  }

  treeRow(viewTitle: string, text: string | RegExp): Locator {
    return this.treeRows(viewTitle).filter({ hasText: text });
  }

  /** Clicks an action of a view's title bar by its label. */
  async runViewAction(viewTitle: string, label: string): Promise<void> {
    const view = this.view(viewTitle);
    await view.locator('.pane-header').hover();
    await view.locator(`.pane-header .action-label[aria-label^=${cssString(label)}]`).click();
  }

  /** Notification toasts. They never show with the smoke-test driver. */
  notification(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast', { hasText: text });
  }

  /** The modal dialog. */
  dialog(text: string | RegExp): Locator {
    return this.page.locator('.monaco-dialog-box', { hasText: text });
  }

  /** The tab of the active editor. */
  activeTab(name: string | RegExp): Locator {
    return this.page.locator('.editor-group-container.active .tab.active', { hasText: name });
  }

  /** The number on the icon of a view container. */
  badge(container: string): Locator {
    return this.page.locator(`.activitybar .action-item:has(.action-label[aria-label^=${cssString(container)}]) .badge-content:visible`);
  }

  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator('.part.statusbar .statusbar-item', { hasText: text });
  }

  /** The document of a webview. */
  webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
  }

  async switchTheme(theme: Theme | 'high-contrast-light'): Promise<void> {
    const { name, className } = theme === 'high-contrast-light' ? LIGHT_CONTRAST : THEMES[theme];
    await this.runCommand('Preferences: Color Theme');
    await this.quickInput().fill(name);
    await this.quickPickRow(name).first().click();
    await this.page.locator(`.monaco-workbench.${className}`).waitFor();
  }

  /** Writes `test-results/screenshots/<name>.png`. */
  async screenshot(name: string): Promise<string> {
    const path = join(TEST_RESULTS, 'screenshots', `${name}.png`);
    await mkdir(join(TEST_RESULTS, 'screenshots'), { recursive: true });
    await this.page.screenshot({ path });
    return path;
  }

  /** Closes the browser, ends the server and everything that it started, and removes its directory. Idempotent. */
  async close(): Promise<void> {
    await this.#browser.close();
    await this.server.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function cssString(text: string): string {
  return JSON.stringify(text);
}
