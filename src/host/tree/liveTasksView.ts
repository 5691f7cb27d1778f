/** "Live Tasks" in the debug sidebar: puts the rows of the tree model on the screen. */
import * as vscode from 'vscode';
import { assertNever } from '../../core/base/assertNever';
import { formatTaskCount } from '../../core/format/taskKind';
import type { Site } from '../../core/model/task';
import type { RevealSiteArguments, SiteRow } from '../../protocol/lsp';
import { DisposableStore } from '../base/disposable';
import type { InternalsPlacement, SiteOrder } from '../contributions';
import { COMMANDS, ROW_CONTEXTS, VIEWS } from '../contributions';
import { markIcon } from '../editor/markFiles';
import { safeErrorMessage } from '../redact';
import type { RefreshScheduler, SurfaceHandle } from '../refreshScheduler';
import type { SessionStore } from '../sessions/sessionStore';
import { appTasks, currentSite, isExact, isLive } from '../sessions/sessionStore';
import { siteTooltip } from './siteText';
import type { RowIcon, TreeRow } from './treeModel';
import { buildTree, diffTree, findSite, isSite } from './treeModel';
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
  readonly order: SiteOrder;
  readonly internals: InternalsPlacement;
}

const ORDER_TEXT: Readonly<Record<SiteOrder, string>> = { count: 'by count', age: 'by age', growth: 'by growth' };

export class LiveTasksView implements vscode.Disposable, vscode.TreeDataProvider<TreeElement> {
  readonly #options: LiveTasksViewOptions;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<TreeElement | TreeElement[] | undefined>());
  readonly #elements = new Map<string, TreeElement>();
  readonly #parents = new Map<string, string>();
  readonly #view: vscode.TreeView<TreeElement>;
  readonly #surface: SurfaceHandle;
  readonly #badge: SurfaceHandle;
  readonly #watched: WatchList;
  #rows: readonly TreeRow[] = [];
  /** Ids of the rows, top down. */
  #previous: readonly string[] = [];
  #order: SiteOrder;
  #internals: InternalsPlacement;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(options: LiveTasksViewOptions) {
    this.#options = options;
    this.#order = options.order;
    this.#internals = options.internals;
    this.#view = this.#store.add(vscode.window.createTreeView(VIEWS.liveTasks, { treeDataProvider: this, showCollapseAll: true }));
    this.#watched = new WatchList((sessionId, siteIds) => {
      options.watch(sessionId, siteIds).catch((error: unknown) => {
        options.log.debug(`watching tasks: ${safeErrorMessage(error)}`);
      });
    });
    this.#surface = this.#store.add(options.scheduler.register({ isVisible: () => this.#view.visible, draw: () => { this.#draw(); } }));
    // The badge is seen when the view is not.
    this.#badge = this.#store.add(options.scheduler.register({ isVisible: () => true, draw: () => { this.#drawBadge(); } }));
    this.#store.add(this.#view.onDidChangeVisibility(({ visible }) => { if (visible) this.#surface.shown(); }));
    this.#store.add(this.#view.onDidExpandElement(({ element }) => { this.#expanded(element, true); }));
    this.#store.add(this.#view.onDidCollapseElement(({ element }) => { this.#expanded(element, false); }));
    this.#store.add(options.sessions.onDidChange(() => {
      this.#watched.live(options.sessions.all().filter(isLive).map(({ id }) => id));
      this.invalidate();
    }));
    this.#describe();
  }

  get order(): SiteOrder {
    return this.#order;
  }

  /** The session of the row that is selected, if any. */
  get selectedSessionId(): string | undefined {
    return this.#view.selection[0]?.row.sessionId;
  }

  /** For tests: the rows as last drawn, and what stands around them. */
  snapshot(): { rows: readonly TreeRow[]; badge: number | undefined; message: string | undefined } {
    return { rows: this.#rows, badge: this.#view.badge?.value, message: this.#view.message === '' ? undefined : this.#view.message };
  }

  invalidate(): void {
    this.#surface.invalidate();
    this.#badge.invalidate();
  }

  /** Draws at once. */
  refresh(): void {
    this.invalidate();
    this.#surface.flush();
  }

  setOrder(order: SiteOrder): void {
    this.#order = order;
    this.#previous = [];
    this.#describe();
    this.refresh();
  }

  setInternals(internals: InternalsPlacement): void {
    this.#internals = internals;
    this.#previous = [];
    this.refresh();
  }

  /** Brings the row of a site into view and selects it. False when there is no such row. */
  async reveal(site: RevealSiteArguments): Promise<boolean> {
    this.refresh();
    // Built anew rather than taken from the last drawing: the view may never have been visible.
    this.#adopt(this.#build());
    const row = findSite(this.#rows, site);
    if (row === undefined) return false;
    await this.#view.reveal(this.#element(row), { select: true, focus: true, expand: true });
    return true;
  }

  /** Unfolds the view itself. The focus stays where it is. */
  async unfold(): Promise<void> {
    this.#adopt(this.#build());
    const [row] = this.#rows;
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
    if (row.context === ROW_CONTEXTS.site && row.siteId !== undefined) {
      const site: RevealSiteArguments = { sessionId: row.sessionId, siteId: row.siteId };
      item.command = { command: COMMANDS.openSite, title: 'Open', arguments: [site] };
    }
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
    return (element?.row.children ?? this.#rows).map((row) => this.#element(row));
  }

  getParent(element: TreeElement): TreeElement | undefined {
    const parent = this.#parents.get(element.id);
    return parent === undefined ? undefined : this.#elements.get(parent);
  }

  dispose(): void {
    this.#store.dispose();
  }

  #build(): readonly TreeRow[] {
    return buildTree(this.#options.sessions.all(), { order: this.#order, internals: this.#internals, previous: this.#previous });
  }

  #draw(): void {
    const before = this.#rows;
    this.#adopt(this.#build());
    const change = diffTree(before, this.#rows);
    switch (change.type) {
      case 'all':
        this.#changed.fire(undefined);
        break;
      case 'rows':
        if (change.ids.length > 0) this.#changed.fire(change.ids.flatMap((id) => this.#elements.get(id) ?? []));
        break;
      default:
        assertNever(change);
    }
  }

  #drawBadge(): void {
    const sessions = this.#options.sessions.all();
    const tasks = Math.round(appTasks(sessions));
    const exact = sessions.filter(isLive).every(isExact);
    this.#view.badge = tasks === 0 ? undefined : { value: tasks, tooltip: `${formatTaskCount(tasks, exact)} of your own code alive` };
    const dropped = sessions.filter(isLive).reduce((sum, session) => sum + session.dropped, 0);
    this.#view.message = dropped === 0 ? '' : `⚠ ${formatTaskCount(dropped)} not counted: the figures below are too low.`;
  }

  #describe(): void {
    this.#view.description = ORDER_TEXT[this.#order];
  }

  /** Makes `rows` the present ones: their elements exist, know their row and their parent; all others are forgotten. */
  #adopt(rows: readonly TreeRow[]): void {
    this.#rows = rows;
    this.#parents.clear();
    const present = new Set<string>();
    const visit = (row: TreeRow, parent: TreeRow | undefined): void => {
      present.add(row.id);
      this.#element(row).row = row;
      if (parent !== undefined) this.#parents.set(row.id, parent.id);
      for (const child of row.children) visit(child, row);
    };
    for (const row of rows) visit(row, undefined);
    this.#previous = [...present];
    for (const id of [...this.#elements.keys()]) if (!present.has(id)) this.#elements.delete(id);
  }

  #element(row: TreeRow): TreeElement {
    let element = this.#elements.get(row.id);
    if (element === undefined) {
      element = { id: row.id, row };
      this.#elements.set(row.id, element);
    }
    return element;
  }

  #expanded({ row }: TreeElement, expanded: boolean): void {
    if (!isSite(row) || row.siteId === undefined) return;
    if (expanded) this.#watched.add(row.sessionId, row.siteId);
    else this.#watched.delete(row.sessionId, row.siteId);
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
