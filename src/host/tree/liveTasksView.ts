/** "Live Tasks" in the debug sidebar: puts the rows of the tree model on the screen. */
import * as vscode from 'vscode';
import { assertNever } from '../../core/base/assertNever';
import { formatTaskCount } from '../../core/format/taskKind';
import type { Site, StackFrame } from '../../core/model/task';
import type { Grouping } from '../../core/view/grouping';
import type { HiddenSites } from '../../core/view/hiddenSites';
import type { RevealSiteArguments, SiteRow } from '../../protocol/lsp';
import { DisposableStore } from '../base/disposable';
import type { SiteOrder } from '../contributions';
import { COMMANDS, ROW_CONTEXTS, VIEWS } from '../contributions';
import { markIcon } from '../editor/markFiles';
import { safeErrorMessage } from '../redact';
import type { RefreshScheduler, SurfaceHandle } from '../refreshScheduler';
import type { SessionStore } from '../sessions/sessionStore';
import { appTasks, currentSite, isExact, isLive } from '../sessions/sessionStore';
import { siteTooltip } from './siteText';
import type { RowIcon } from './rowIcon';
import { treeMessage } from './treeMessage';
import type { TreePicture, TreeRow } from './treeModel';
import { buildTree, closedAbove, diffTree, findSite, framesOf, isSite, RowCache, siteKey } from './treeModel';
import type { TreeLook, TreeState } from './treeState';
import { WatchList } from './watchList';

/** What VS Code holds on to: one object per row id, whatever the row looks like at the moment. */
export interface TreeElement {
  readonly id: string;
  row: TreeRow;
}

export interface LiveTasksViewOptions {
  readonly extensionUri: vscode.Uri;
  readonly sessions: SessionStore;
  readonly scheduler: RefreshScheduler;
  readonly log: vscode.LogOutputChannel;
  readonly fetchSite: (site: RevealSiteArguments) => Promise<Site | null>;
  readonly watch: (sessionId: string, siteIds: readonly string[]) => Promise<void>;
  readonly state: TreeState;
  /** Read at every drawing; call {@link LiveTasksView.invalidate} when it changes. */
  readonly hidden: () => HiddenSites;
  /** Something that keeps sites from being hidden as the user wants it; shown above the tree. */
  readonly problem: () => string | undefined;
}

const ORDER_TEXT: Readonly<Record<SiteOrder, string>> = { count: 'by count', age: 'by age', growth: 'by growth' };
const GROUPING_TEXT: Readonly<Record<Grouping, string>> = { site: '', kind: 'kinds ', file: 'files ', package: 'packages ' };

const NOTHING: TreePicture = { rows: [], shown: 0, total: 0, hidden: 0, places: new Map() };

export class LiveTasksView implements vscode.Disposable, vscode.TreeDataProvider<TreeElement> {
  readonly #options: LiveTasksViewOptions;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<TreeElement | TreeElement[] | undefined>());
  /** Only of rows that VS Code has asked for. */
  readonly #elements = new Map<string, TreeElement>();
  readonly #view: vscode.TreeView<TreeElement>;
  readonly #surface: SurfaceHandle;
  readonly #badge: SurfaceHandle;
  readonly #watched: WatchList;
  readonly #cache = new RowCache();
  /** Of the sites that are open, by {@link siteKey}. */
  readonly #stacks = new Map<string, readonly StackFrame[]>();
  #picture = NOTHING;
  /** What VS Code was last told of. It may ask for newer rows meanwhile, of which it has not been told that they changed. */
  #told: readonly TreeRow[] = [];
  /** Every row of the picture, top down, and where it stands. */
  #index: ReadonlyMap<string, IndexedRow> = new Map();
  /** Rows whose children VS Code has asked for, among those that have none until then. */
  readonly #open = new Set<string>();
  /** Of the picture; empty where the user has asked for another order. */
  #places: ReadonlyMap<string, number> = new Map();
  #drawMs = 0;
  #current: string | undefined;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(options: LiveTasksViewOptions) {
    this.#options = options;
    this.#view = this.#store.add(vscode.window.createTreeView(VIEWS.liveTasks, { treeDataProvider: this, showCollapseAll: true, canSelectMany: true }));
    this.#watched = new WatchList((sessionId, siteIds) => {
      options.watch(sessionId, siteIds).catch((error: unknown) => {
        options.log.debug(`watching tasks: ${safeErrorMessage(error)}`);
      });
    });
    this.#surface = this.#store.add(options.scheduler.register({ isVisible: () => this.#view.visible, draw: () => { this.#draw(); } }));
    // The badge is seen when the view is not.
    this.#badge = this.#store.add(options.scheduler.register({ isVisible: () => true, draw: () => { this.#drawBadge(); } }));
    this.#store.add(this.#view.onDidChangeVisibility(({ visible }) => { if (visible) this.#surface.shown(); }));
    this.#store.add(this.#view.onDidChangeSelection(({ selection }) => { this.#current = selection[0]?.id; }));
    this.#store.add(this.#view.onDidExpandElement(({ element }) => { this.#expanded(element, true); }));
    this.#store.add(this.#view.onDidCollapseElement(({ element }) => { this.#expanded(element, false); }));
    this.#store.add(options.sessions.onDidChange(() => {
      const live = options.sessions.all().filter(isLive).map(({ id }) => id);
      this.#watched.live(live);
      options.hidden().keep(options.sessions.all().map(({ id }) => id));
      for (const key of this.#stacks.keys()) if (!live.some((id) => key.startsWith(`${id}/`))) this.#stacks.delete(key);
      this.invalidate();
    }));
    let look = options.state.look;
    this.#store.add(options.state.onDidChange((next) => {
      if (next.order !== look.order || next.grouping !== look.grouping) this.#places = new Map();
      look = next;
      this.#describe(next);
      this.refresh();
    }));
    this.#describe(look);
  }

  /** The session of the row that is selected, if any. */
  get selectedSessionId(): string | undefined {
    return this.#view.selection[0]?.row.sessionId;
  }

  /** The row that was selected last, by the user or by {@link revealFrame}; VS Code tells of the latter only later. */
  get current(): TreeRow | undefined {
    return this.#current === undefined ? undefined : this.#index.get(this.#current)?.row;
  }

  /** The selected rows, top down. */
  get selection(): readonly TreeRow[] {
    const places = [...this.#index.keys()];
    return this.#view.selection.map(({ row }) => row).sort((a, b) => places.indexOf(a.id) - places.indexOf(b.id));
  }

  /** The picture as it would be drawn now. */
  get picture(): TreePicture {
    this.#adopt(this.#build());
    return this.#picture;
  }

  /** For tests: all rows, also of what is folded; what stands around them; and how long the last drawing took. */
  snapshot(): { rows: readonly TreeRow[]; badge: number | undefined; message: string | undefined; description: string | undefined; drawMs: number } {
    return {
      rows: buildTree(this.#options.sessions.all(), { ...this.#options.state.look, hidden: this.#options.hidden(), stacks: this.#stacks, places: this.#places }).rows,
      badge: this.#view.badge?.value,
      message: this.#view.message === '' ? undefined : this.#view.message,
      description: this.#view.description,
      drawMs: this.#drawMs,
    };
  }

  invalidate(): void {
    this.#surface.invalidate();
    this.#badge.invalidate();
  }

  /** Draws at once. */
  refresh(): void {
    this.invalidate();
    this.#surface.flush();
    this.#badge.flush();
  }

  /** Brings the row of a site into view and selects it. False when there is no such row. */
  async reveal(site: RevealSiteArguments): Promise<boolean> {
    this.refresh();
    const row = this.#find(site);
    if (row === undefined) return false;
    await this.#view.reveal(this.#element(row), { select: true, focus: true, expand: true });
    return true;
  }

  /**
   * Unfolds the stack of a site and selects one of its frames, or the innermost one that can be opened.
   * @returns the row of the frame; undefined when the site has no row or no stack.
   */
  async revealFrame(site: RevealSiteArguments, index?: number): Promise<TreeRow | undefined> {
    if (!this.#stacks.has(siteKey(site))) await this.#fetchStack(site);
    this.refresh();
    const stack = this.#stackOf(site);
    const row = index === undefined
      ? stack?.children.find(({ context }) => context === ROW_CONTEXTS.frame) ?? stack?.children[0]
      : stack === undefined ? undefined : framesOf(stack)[index];
    if (row !== undefined) {
      await this.#view.reveal(this.#element(row), { select: true, focus: true, expand: true });
      this.#current = row.id;
    }
    return row;
  }

  /** The row of a frame of an unfolded stack, which a click has selected already. */
  frame(site: RevealSiteArguments, index: number): TreeRow | undefined {
    const stack = this.#stackOf(site);
    const row = stack === undefined ? undefined : framesOf(stack)[index];
    if (row !== undefined) this.#current = row.id;
    return row;
  }

  /** The next frame that can be opened and is not folded away, outwards (1) or inwards (-1). */
  frameBeyond(site: RevealSiteArguments, index: number, direction: 1 | -1): TreeRow | undefined {
    const open = (this.#stackOf(site)?.children ?? []).filter(({ context }) => context === ROW_CONTEXTS.frame);
    const beyond = open.filter(({ frame }) => frame !== undefined && (frame.index - index) * direction > 0);
    return direction === 1 ? beyond[0] : beyond.at(-1);
  }

  /** Unfolds the view itself. The focus stays where it is. */
  async unfold(): Promise<void> {
    this.#adopt(this.#build());
    const [row] = this.#picture.rows;
    if (row !== undefined) await this.#view.reveal(this.#element(row), { select: false, focus: false, expand: true });
  }

  getTreeItem(element: TreeElement): vscode.TreeItem {
    const { row } = element;
    const item = new vscode.TreeItem(row.label, collapsibleState(row));
    item.id = row.id;
    item.description = row.description;
    item.contextValue = row.context;
    item.accessibilityInformation = { label: row.spoken };
    const icon = this.#icon(row.icon);
    if (icon !== undefined) item.iconPath = icon;
    if (!isSite(row)) item.tooltip = row.tooltip ?? row.label;
    const command = rowCommand(row);
    if (command !== undefined) item.command = command;
    return item;
  }

  /** The tooltip of a site is made when it is wanted, because its stack has to be fetched. */
  async resolveTreeItem(item: vscode.TreeItem, { row }: TreeElement, token: vscode.CancellationToken): Promise<vscode.TreeItem> {
    if (!isSite(row) || row.siteId === undefined) return item;
    const site = await this.#siteWithStack({ sessionId: row.sessionId, siteId: row.siteId });
    if (!token.isCancellationRequested && site !== undefined) item.tooltip = new vscode.MarkdownString(siteTooltip(site));
    return item;
  }

  getChildren(element?: TreeElement): TreeElement[] {
    if (element === undefined) this.#adopt(this.#build());
    else if (element.row.members !== undefined && !this.#open.has(element.id)) this.#unfold(element.id);
    return (element?.row.children ?? this.#picture.rows).map((row) => this.#element(row));
  }

  getParent(element: TreeElement): TreeElement | undefined {
    const parent = this.#index.get(element.id)?.parent;
    return parent === undefined ? undefined : this.#element(parent);
  }

  dispose(): void {
    this.#store.dispose();
  }

  #build(): TreePicture {
    return buildTree(this.#options.sessions.all(), { ...this.#options.state.look, hidden: this.#options.hidden(), stacks: this.#stacks, places: this.#places, open: this.#open }, this.#cache);
  }

  #draw(): void {
    const began = performance.now();
    const before = this.#told;
    this.#adopt(this.#build());
    this.#told = this.#picture.rows;
    const change = diffTree(before, this.#told);
    switch (change.type) {
      case 'all':
        this.#changed.fire(undefined);
        break;
      case 'rows': {
        // What VS Code has never asked for is not on the screen.
        const elements = change.ids.flatMap((id) => this.#elements.get(id) ?? []);
        if (elements.length > 0) this.#changed.fire(elements);
        break;
      }
      default:
        assertNever(change);
    }
    this.#drawMs = performance.now() - began;
  }

  #drawBadge(): void {
    const sessions = this.#options.sessions.all();
    const tasks = Math.round(appTasks(sessions));
    const exact = sessions.filter(isLive).every(isExact);
    this.#view.badge = tasks === 0 ? undefined : { value: tasks, tooltip: `${formatTaskCount(tasks, exact)} of your own code alive${this.#picture.hidden === 0 ? '' : ', those of hidden sites included'}` };
    this.#view.message = treeMessage(sessions, this.#options.state.look, this.#picture, this.#options.problem());
  }

  #describe({ order, grouping }: TreeLook): void {
    this.#view.description = `${GROUPING_TEXT[grouping]}${ORDER_TEXT[order]}`;
  }

  /** Makes a picture the present one: elements know their new rows, and those of rows that are gone are forgotten. */
  #adopt(picture: TreePicture): void {
    if (picture === this.#picture) return;
    this.#picture = picture;
    const index = new Map<string, IndexedRow>();
    const visit = (row: TreeRow, parent: TreeRow | undefined): void => {
      index.set(row.id, { row, parent });
      for (const child of row.children) visit(child, row);
    };
    for (const row of picture.rows) visit(row, undefined);
    this.#index = index;
    this.#places = picture.places;
    for (const [id, element] of this.#elements) {
      const row = index.get(id)?.row;
      if (row === undefined) this.#elements.delete(id);
      else element.row = row;
    }
  }

  /** Built anew rather than taken from the last drawing: the view may never have been visible. */
  #find(site: RevealSiteArguments): TreeRow | undefined {
    this.#adopt(this.#build());
    for (let closed = closedAbove(this.#picture.rows, site); closed !== undefined; closed = closedAbove(this.#picture.rows, site)) this.#unfold(closed.id);
    return findSite(this.#picture.rows, site);
  }

  #stackOf(site: RevealSiteArguments): TreeRow | undefined {
    return this.#find(site)?.children.find(({ context }) => context === ROW_CONTEXTS.stack);
  }

  /** Builds what stands below a row that holds sites. */
  #unfold(id: string): void {
    this.#open.add(id);
    this.#adopt(this.#build());
  }

  #element(row: TreeRow): TreeElement {
    let element = this.#elements.get(row.id);
    if (element === undefined) {
      element = { id: row.id, row };
      this.#elements.set(row.id, element);
    }
    return element;
  }

  #expanded({ id, row }: TreeElement, expanded: boolean): void {
    if (!expanded && this.#open.delete(id)) this.invalidate();
    if (!isSite(row) || row.siteId === undefined) return;
    const site: RevealSiteArguments = { sessionId: row.sessionId, siteId: row.siteId };
    if (!expanded) {
      this.#watched.delete(site.sessionId, site.siteId);
      this.#stacks.delete(siteKey(site));
      return;
    }
    this.#watched.add(site.sessionId, site.siteId);
    this.#fetchStack(site).catch((error: unknown) => { this.#options.log.debug(`stack of a site: ${safeErrorMessage(error)}`); });
  }

  async #fetchStack(site: RevealSiteArguments): Promise<void> {
    const whole = await this.#options.fetchSite(site);
    if (whole === null) return;
    this.#stacks.set(siteKey(site), whole.stack);
    this.invalidate();
  }

  async #siteWithStack(site: RevealSiteArguments): Promise<Site | SiteRow | undefined> {
    const session = this.#options.sessions.get(site.sessionId);
    const known = session === undefined ? undefined : currentSite(session, site.siteId);
    try {
      return (await this.#options.fetchSite(site)) ?? known;
    } catch (error) {
      // The figures without the stack are better than no tooltip.
      this.#options.log.debug(`stack of a site: ${safeErrorMessage(error)}`);
      return known;
    }
  }

  #icon(icon: RowIcon | undefined): vscode.ThemeIcon | { light: vscode.Uri; dark: vscode.Uri } | undefined {
    if (icon === undefined) return undefined;
    if (icon.type === 'theme') return new vscode.ThemeIcon(icon.id, icon.color === undefined ? undefined : new vscode.ThemeColor(icon.color));
    return markIcon(this.#options.extensionUri, icon.kind, icon.heat);
  }
}

interface IndexedRow {
  readonly row: TreeRow;
  readonly parent: TreeRow | undefined;
}

/** What a click on a row, or Enter, does. */
function rowCommand(row: TreeRow): vscode.Command | undefined {
  if (row.context === ROW_CONTEXTS.noMatch) return { command: COMMANDS.clearFilter, title: 'Clear Filter' };
  if (row.context === ROW_CONTEXTS.uncounted) return { command: COMMANDS.countPromises, title: 'Count', arguments: [{ row }] };
  if (row.siteId === undefined) return undefined;
  const site: RevealSiteArguments = { sessionId: row.sessionId, siteId: row.siteId };
  if (row.context === ROW_CONTEXTS.frame && row.frame !== undefined) return { command: COMMANDS.openFrame, title: 'Open', arguments: [site, row.frame.index] };
  return row.context === ROW_CONTEXTS.site || row.context === ROW_CONTEXTS.siteHidden ? { command: COMMANDS.openSite, title: 'Open', arguments: [site] } : undefined;
}

function collapsibleState(row: TreeRow): vscode.TreeItemCollapsibleState {
  switch (row.expansion) {
    case 'none':
      return vscode.TreeItemCollapsibleState.None;
    case 'collapsed':
      return vscode.TreeItemCollapsibleState.Collapsed;
    case 'expanded':
      return vscode.TreeItemCollapsibleState.Expanded;
    default:
      return assertNever(row.expansion);
  }
}
