/** "Async Dump" in the debug sidebar: puts the rows of the last dumps on the screen. */
import * as vscode from 'vscode';
import { displayName } from '../../core/format/text';
import type { DumpFrameParams, RevealGroupsArguments } from '../../protocol/lsp';
import { DisposableStore } from '../base/disposable';
import { COMMANDS, DUMP_ROW_CONTEXTS, VIEWS } from '../contributions';
import type { RefreshScheduler, SurfaceHandle } from '../refreshScheduler';
import type { SessionStore } from '../sessions/sessionStore';
import { DumpElements } from './dumpElements';
import type { DumpElement } from './dumpElements';
import { dumpMessage, dumpSource, filterMessage } from './dumpState';
import type { DumpStore } from './dumpStore';
import type { DumpLook } from './dumpLook';
import type { DumpRow } from './dumpTree';
import { dumpRows, dumpTime, pathsToGroups, pathToGroup, pathToTask } from './dumpTree';
import type { LookUps } from './lookUps';

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
  readonly #elements: DumpElements;
  #roots: readonly DumpElement[] | undefined;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(options: DumpViewOptions) {
    this.#options = options;
    this.#elements = new DumpElements(options.lookUps);
    this.#view = this.#store.add(vscode.window.createTreeView(VIEWS.asyncDump, { treeDataProvider: this, showCollapseAll: true, canSelectMany: true }));
    this.#surface = this.#store.add(options.scheduler.register({ isVisible: () => true, draw: () => { this.#describe(); } }));
    this.#store.add(this.#view.onDidCollapseElement(({ element }) => { this.#askAgain(element); }));
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
    this.#elements.clear((dumpId) => this.#options.dumps.get(dumpId) !== undefined);
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
    const [first = [], ...others] = pathsToGroups(rows, groups);
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
    this.#askAgain(element);
    const frames = await this.getChildren(element);
    element = frames.find(({ row }) => row.query?.type === 'scopes' && row.query.frame === frame) ?? frames[0] ?? element;
    this.#askAgain(element);
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
    return [...(await this.#elements.below(element))];
  }

  getParent(element: DumpElement): DumpElement | undefined {
    return element.parent;
  }

  dispose(): void {
    this.#store.dispose();
  }

  /** VS Code keeps what it was told of a row until it hears of a change. */
  #askAgain(element: DumpElement): void {
    if (this.#elements.forgetUnavailable(element)) this.#changed.fire(element);
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
