import * as vscode from 'vscode';
import type { DiscoveredInspector, ProcessList } from '../../protocol/lsp';
import { DisposableStore } from '../base/disposable';
import { safeErrorMessage } from '../redact';
import type { ChosenTarget, Found, TargetItem } from './processItems';
import { targetItems } from './processItems';

interface PickItem extends vscode.QuickPickItem {
  readonly chosen?: ChosenTarget;
}

export interface TargetSources {
  readonly processes: (signal: AbortSignal) => Promise<ProcessList>;
  readonly inspectors: (signal: AbortSignal) => Promise<readonly DiscoveredInspector[]>;
}

/**
 * Offers the Node processes and inspectors of this machine while they are being found, the default address, and whatever
 * is typed.
 * @returns undefined when the user thought better of it.
 */
export async function pickTarget(sources: TargetSources, log: vscode.LogOutputChannel): Promise<ChosenTarget | undefined> {
  const store = new DisposableStore();
  const abort = new AbortController();
  const pick = store.add(vscode.window.createQuickPick<PickItem>());
  store.add({ dispose: () => { abort.abort(); } });
  pick.title = 'Attach Asyncscope to a Running Node Process';
  pick.placeholder = 'Choose a process, or type a port, host:port, pid:1234 or ws:// address';
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.busy = true;
  let found: Found = { processes: undefined, inspectors: [] };

  const render = (): void => {
    if (!abort.signal.aborted) pick.items = targetItems(pick.value, found).map(toPickItem);
  };

  const listing = async (): Promise<void> => {
    const failed = (what: string) => (error: unknown) => {
      if (!abort.signal.aborted) log.warn(`looking for ${what}: ${safeErrorMessage(error)}`);
    };
    const [processes, inspectors] = await Promise.all([
      sources.processes(abort.signal).catch(failed('processes')),
      sources.inspectors(abort.signal).catch(failed('inspectors')),
    ]);
    found = { processes: processes ?? { processes: [] }, inspectors: inspectors ?? [] };
    if (!abort.signal.aborted) pick.busy = false;
    render();
  };

  try {
    render();
    store.add(pick.onDidChangeValue(render));
    const chosen = new Promise<ChosenTarget | undefined>((resolve) => {
      store.add(pick.onDidAccept(() => {
        const choice = pick.selectedItems[0]?.chosen;
        if (choice !== undefined) resolve(choice);
      }));
      store.add(pick.onDidHide(() => { resolve(undefined); }));
    });
    pick.show();
    const listed = listing();
    const choice = await chosen;
    abort.abort();
    await listed;
    return choice;
  } finally {
    store.dispose();
  }
}

function toPickItem({ isHeading, ...item }: TargetItem): PickItem {
  return isHeading === true ? { label: item.label, kind: vscode.QuickPickItemKind.Separator } : item;
}
