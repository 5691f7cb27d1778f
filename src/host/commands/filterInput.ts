/** The box that a filter is typed into. The tree follows every key; Escape brings back what was. */
import * as vscode from 'vscode';
import { FILTER_EXAMPLES, formatFilter, parseFilter } from '../../core/view/filter';
import type { TreeState } from '../tree/treeState';

const RECENT: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('history'), tooltip: 'Recent Filters and Examples' };
const CLEAR: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('clear-all'), tooltip: 'Clear' };

/** Resolves once the box is closed. */
export async function askForFilter(state: TreeState): Promise<void> {
  const input = vscode.window.createInputBox();
  input.title = 'Filter Live Tasks';
  input.placeholder = 'placeOrder  kind:promise  >30s  state:growing  -file:test';
  input.prompt = 'Text, kind:, origin:, >30s, count:>100, state:, file:, package:, function:; "-" leaves out. All have to hold.';
  input.value = formatFilter(state.look.filter);
  input.buttons = [RECENT, CLEAR];
  const check = (): void => {
    const parsed = parseFilter(input.value);
    input.validationMessage = parsed.ok ? undefined : parsed.error.message;
    if (parsed.ok) state.preview(parsed.filter);
  };
  try {
    await new Promise<void>((resolve, reject) => {
      input.onDidChangeValue(check);
      input.onDidAccept(() => {
        const parsed = parseFilter(input.value);
        if (!parsed.ok) return;
        state.set({ filter: parsed.filter }).then(resolve, reject);
      });
      input.onDidTriggerButton((button) => {
        if (button === CLEAR) {
          input.value = '';
          check();
          return;
        }
        // It takes the place of the box, which brings back what was.
        chooseFilter(state).then(resolve, reject);
      });
      input.onDidHide(() => {
        state.preview(undefined);
        resolve();
      });
      input.show();
    });
  } finally {
    input.dispose();
  }
}

/** The last filters, and what filters can look like. */
async function chooseFilter(state: TreeState): Promise<void> {
  const separator = (label: string): vscode.QuickPickItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const items: vscode.QuickPickItem[] = [];
  if (state.history.length > 0) items.push(separator('Recent'), ...state.history.map((label) => ({ label })));
  items.push(separator('Examples'), ...FILTER_EXAMPLES.map(([label, description]) => ({ label, description })));
  const chosen = await vscode.window.showQuickPick(items, { title: 'Filter Live Tasks', placeHolder: 'Recent filters and examples' });
  const parsed = chosen === undefined ? undefined : parseFilter(chosen.label);
  if (parsed?.ok === true) await state.set({ filter: parsed.filter });
}
