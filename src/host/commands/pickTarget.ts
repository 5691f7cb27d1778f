import * as vscode from 'vscode';
import type { DiscoveredInspector } from '../../protocol/lsp';
import { DisposableStore } from '../base/disposable';
import { DEFAULT_TARGET } from '../contributions';
import { safeErrorMessage } from '../redact';
import { targetProblem } from './targetInput';

interface TargetItem extends vscode.QuickPickItem {
  readonly target: string;
}

/**
 * Offers the inspectors of this machine while they are being found, the default address, and whatever is typed.
 * @returns undefined when the user thought better of it.
 */
export async function pickTarget(
  discover: (signal: AbortSignal) => Promise<readonly DiscoveredInspector[]>,
  log: vscode.LogOutputChannel,
): Promise<string | undefined> {
  const store = new DisposableStore();
  const abort = new AbortController();
  const pick = store.add(vscode.window.createQuickPick<TargetItem>());
  store.add({ dispose: () => { abort.abort(); } });
  pick.title = 'Attach Asyncscope to a Running Node Process';
  pick.placeholder = 'Choose an inspector, or type a port, host:port or ws:// address';
  pick.matchOnDescription = true;
  pick.busy = true;
  let found: readonly DiscoveredInspector[] = [];
  let searched = false;

  const render = (): void => {
    const typed = pick.value.trim();
    const items: TargetItem[] = [];
    if (typed !== '' && !found.some(({ target }) => target === typed)) {
      const problem = targetProblem(typed);
      items.push({ label: `$(plug) ${typed}`, description: problem ?? 'attach to this address', target: typed, alwaysShow: true });
    }
    for (const { target, title, description } of found) items.push({ label: `$(server-process) ${target}`, description: title, detail: description, target });
    if (!found.some(({ target }) => target === DEFAULT_TARGET || target === DEFAULT_TARGET.replace('127.0.0.1', 'localhost'))) {
      items.push({ label: `$(plug) ${DEFAULT_TARGET}`, description: searched ? 'the default of node --inspect; nothing found there' : 'the default of node --inspect', target: DEFAULT_TARGET });
    }
    pick.items = items;
  };

  const show = (inspectors: readonly DiscoveredInspector[]): void => {
    if (abort.signal.aborted) return;
    found = inspectors;
    searched = true;
    pick.busy = false;
    render();
  };

  try {
    render();
    store.add(pick.onDidChangeValue(render));
    const chosen = new Promise<string | undefined>((resolve) => {
      store.add(pick.onDidAccept(() => {
        const target = pick.selectedItems[0]?.target;
        if (target !== undefined && targetProblem(target) === undefined) resolve(target);
      }));
      store.add(pick.onDidHide(() => { resolve(undefined); }));
    });
    pick.show();
    discover(abort.signal).then(show, (error: unknown) => {
      if (!abort.signal.aborted) log.warn(`looking for inspectors: ${safeErrorMessage(error)}`);
      show([]);
    });
    return await chosen;
  } finally {
    store.dispose();
  }
}
