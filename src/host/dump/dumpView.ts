/** "Async Dump" in the debug sidebar: puts the rows of the last dumps on the screen. */
import * as vscode from 'vscode';
import { displayName } from '../../core/format/text';
import type { DumpFrameParams, RevealGroupsArguments } from '../../protocol/lsp';
import { DisposableStore } from '../base/disposable';
import { COMMANDS, DUMP_ROW_CONTEXTS, VIEWS } from '../contributions';
import type { RefreshScheduler, SurfaceHandle } from '../refreshScheduler';
import type { SessionStore } from '../sessions/sessionStore';
import { dumpMessage, dumpSource, filterMessage } from './dumpState';
import type { DumpStore } from './dumpStore';
import type { DumpLook } from './dumpLook';
import type { DumpQuery, DumpRow } from './dumpTree';
import { dumpRows, dumpTime, pathToGroup, pathToTask } from './dumpTree';
import type { LookUps } from './lookUps';

/** What VS Code holds on to: one object per row. */
export interface DumpElement {
  readonly id: string;
  readonly row: DumpRow;
  readonly parent: DumpElement | undefined;
}

export interface DumpViewOptions {
  readonly dumps: DumpStore;
  readonly sessions: SessionStore;
  readonly scheduler: RefreshScheduler;
  readonly lookUps: LookUps;
  readonly look: Pick<DumpLook, 'grouping' | 'filter'>;
}

export class DumpView implements vscode.Disposable, vscode.TreeDataProvider<DumpElement> {
  readonly #options: DumpViewOptions;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<DumpElement | undefined>());
  readonly #view: vscode.TreeView<DumpElement>;
  readonly #surface: SurfaceHandle;
  /** Of rows that VS Code has asked for. */
  readonly #children = new Map<string, Promise<readonly DumpElement[]>>();
  /**
   * What was looked up in a process, by row: each look-up stops the process for a walk over its heap, and other rows do not change it.
   * What could not be had is asked for again.
   */
  readonly #lookedUp = new Map<string, { readonly dumpId: string; readonly rows: Promise<readonly DumpRow[]> }>();
  #roots: readonly DumpElement[] | undefined;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(options: DumpViewOptions) {
    this.#options = options;
    this.#view = this.#store.add(vscode.window.createTreeView(VIEWS.asyncDump, { treeDataProvider: this, showCollapseAll: true, canSelectMany: true }));
    this.#surface = this.#store.add(options.scheduler.register({ isVisible: () => true, draw: () => { this.#describe(); } }));
    this.#store.add(options.dumps.onDidChange(() => { this.refresh(); }));
    this.#store.add(options.sessions.onDidChange(() => { this.#surface.invalidate(); }));
    this.#describe();
  }

  /** The selected rows, as VS Code has them. */
  get selection(): readonly DumpRow[] {
    return this.#view.selection.map(({ row }) => row);
  }

  /** Draws all anew: there are other dumps, or another grouping. */
  refresh(): void {
    this.#roots = undefined;
    this.#children.clear();
    for (const [id, { dumpId }] of this.#lookedUp) if (this.#options.dumps.get(dumpId) === undefined) this.#lookedUp.delete(id);
    this.#changed.fire(undefined);
    this.#describe();
  }

  /** For tests. */
  snapshot(): { rows: readonly DumpRow[]; message: string | undefined; description: string | undefined } {
    return { rows: this.#rootElements().map(({ row }) => row), message: this.#view.message === '' ? undefined : this.#view.message, description: this.#view.description };
  }

  /** Brings the row of these groups into view: that of their common functions where they have some. False when there is none. */
  async reveal({ groups }: RevealGroupsArguments): Promise<boolean> {
    const rows = this.#rootElements().map(({ row }) => row);
    const [first = [], ...others] = groups.map((group) => pathToGroup(rows, group)).filter((path) => path.length > 0);
    if (first.length === 0) return false;
    const common = others.reduce((shared, path) => shared.filter((row, index) => path[index]?.id === row.id), first);
    const path = common.at(-1)?.context === DUMP_ROW_CONTEXTS.chain ? common : first;
    return this.#revealPath(path);
  }

  /** Unfolds the variables of a frame of one task. False when there is no such row. */
  async revealVariables({ dumpId, groupId, task, frame }: DumpFrameParams): Promise<boolean> {
    const path = pathToGroup(this.#rootElements().map(({ row }) => row), { dumpId, groupId });
    const groupRow = path.at(-1);
    if (groupRow === undefined) return false;
    const below = pathToTask(groupRow, task);
    let element = await this.#elementAt([...path, ...below]);
    if (element === undefined) return false;
    const frames = await this.getChildren(element);
    element = frames.find(({ row }) => row.query?.type === 'scopes' && row.query.frame === frame) ?? frames[0] ?? element;
    await this.#show(element);
    // What is looked up is the point: its first scope comes into view as well.
    const [scope] = element.row.query === undefined ? [] : await this.getChildren(element);
    if (scope !== undefined) await this.#view.reveal(scope, { select: false, focus: false, expand: true });
    return true;
  }

  getTreeItem({ row }: DumpElement): vscode.TreeItem {
    const item = new vscode.TreeItem(row.label, { none: vscode.TreeItemCollapsibleState.None, collapsed: vscode.TreeItemCollapsibleState.Collapsed, expanded: vscode.TreeItemCollapsibleState.Expanded }[row.expansion]);
    item.id = row.id;
    item.description = row.description;
    item.contextValue = row.context;
    item.accessibilityInformation = { label: row.spoken };
    if (row.icon?.type === 'theme') item.iconPath = new vscode.ThemeIcon(row.icon.id, row.icon.color === undefined ? undefined : new vscode.ThemeColor(row.icon.color));
    item.tooltip = row.tooltip ?? row.label;
    if (row.open !== undefined) item.command = { command: COMMANDS.openDumpRow, title: 'Open', arguments: [{ row }] };
    return item;
  }

  async getChildren(element?: DumpElement): Promise<DumpElement[]> {
    if (element === undefined) return [...this.#rootElements()];
    let children = this.#children.get(element.id);
    if (children === undefined) {
      const { row } = element;
      const rows = row.query === undefined ? Promise.resolve(row.children()) : this.#lookUp(row, row.query);
      children = rows.then((found) => found.map((each): DumpElement => ({ id: each.id, row: each, parent: element })));
      this.#children.set(element.id, children);
    }
    return [...(await children)];
  }

  getParent(element: DumpElement): DumpElement | undefined {
    return element.parent;
  }

  dispose(): void {
    this.#store.dispose();
  }

  #lookUp(row: DumpRow, query: DumpQuery): Promise<readonly DumpRow[]> {
    const known = this.#lookedUp.get(row.id);
    if (known !== undefined) return known.rows;
    const rows = this.#options.lookUps.rows(row, query).then((found) => {
      if (found.some(({ context }) => context === DUMP_ROW_CONTEXTS.note)) this.#lookedUp.delete(row.id);
      return found;
    });
    this.#lookedUp.set(row.id, { dumpId: row.dumpId, rows });
    return rows;
  }

  #rootElements(): readonly DumpElement[] {
    this.#roots ??= dumpRows(this.#options.dumps.all(), this.#options.look.grouping, this.#options.look.filter).map((row) => ({ id: row.id, row, parent: undefined }));
    return this.#roots;
  }

  async #revealPath(path: readonly DumpRow[]): Promise<boolean> {
    const element = await this.#elementAt(path);
    if (element !== undefined) await this.#show(element);
    return element !== undefined;
  }

  async #show(element: DumpElement): Promise<void> {
    await this.#view.reveal(element, { select: true, focus: true, expand: true });
  }

  /** The element of the last row of a path; VS Code unfolds those above it when it is revealed. */
  async #elementAt(path: readonly DumpRow[]): Promise<DumpElement | undefined> {
    let element: DumpElement | undefined;
    for (const row of path) {
      const children: readonly DumpElement[] = await this.getChildren(element);
      element = children.find(({ id }) => id === row.id);
      if (element === undefined) return undefined;
    }
    return element;
  }

  #describe(): void {
    const dumps = this.#options.dumps.all();
    const [only] = dumps;
    this.#view.description = dumps.length === 1 && only !== undefined ? `${displayName(only.name)} ${dumpTime(only.dump)}` : '';
    const filtered = filterMessage(dumps, this.#options.look.filter);
    this.#view.message = filtered !== '' ? filtered : dumps.map((held) => (dumps.length === 1 ? dumpMessage(held, dumpSource(held, this.#options.sessions)) : `${displayName(held.name)}: ${dumpMessage(held, dumpSource(held, this.#options.sessions))}`)).join(' — ');
  }
}
