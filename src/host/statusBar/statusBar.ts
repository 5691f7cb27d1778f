import * as vscode from 'vscode';
import { DisposableStore } from '../base/disposable';
import { COMMANDS } from '../contributions';
import type { RefreshScheduler } from '../refreshScheduler';
import type { SessionStore } from '../sessions/sessionStore';
import type { StatusText } from './statusText';
import { statusText } from './statusText';

/** Left of the language and position items, right of problems and the debugger's own. */
const PRIORITY = 10;

export class StatusBar implements vscode.Disposable {
  readonly #store = new DisposableStore();
  readonly #item: vscode.StatusBarItem;
  readonly #sessions: SessionStore;
  readonly #selected: () => string | undefined;
  #shown: StatusText | undefined;

  /** @param selected the session that is selected in the tree. */
  constructor(sessions: SessionStore, scheduler: RefreshScheduler, selected: () => string | undefined) {
    this.#sessions = sessions;
    this.#selected = selected;
    this.#item = this.#store.add(vscode.window.createStatusBarItem('asyncscope.status', vscode.StatusBarAlignment.Left, PRIORITY));
    this.#item.name = 'Asyncscope';
    this.#item.command = COMMANDS.showActions;
    const surface = this.#store.add(scheduler.register({ isVisible: () => true, draw: () => { this.#draw(); } }));
    this.#store.add(sessions.onDidChange(() => { surface.invalidate(); }));
    this.#store.add(vscode.debug.onDidChangeActiveDebugSession(() => { surface.invalidate(); }));
  }

  /** What is shown now; undefined while the item is hidden. */
  get shown(): StatusText | undefined {
    return this.#shown;
  }

  dispose(): void {
    this.#store.dispose();
  }

  #draw(): void {
    const status = statusText(this.#sessions.all(), [vscode.debug.activeDebugSession?.id, this.#selected()]);
    this.#shown = status;
    if (status === undefined) {
      this.#item.hide();
      return;
    }
    this.#item.text = status.text;
    this.#item.tooltip = new vscode.MarkdownString(status.tooltip);
    this.#item.accessibilityInformation = { label: status.spoken };
    this.#item.backgroundColor = status.severity === 'warning' ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.#item.show();
  }
}
