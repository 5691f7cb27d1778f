/** Keeps the keys that `when` clauses read in step with what is going on. */
import * as vscode from 'vscode';
import type { Disposable } from './base/disposable';
import { DisposableStore } from './base/disposable';
import type { ServerClient } from './client/serverClient';
import type { ContextKeys, ViewState } from './contributions';
import type { DumpLook } from './dump/dumpLook';
import type { DumpStore } from './dump/dumpStore';
import type { Attachments } from './sessions/attachments';
import type { SessionStore } from './sessions/sessionStore';
import { isLive } from './sessions/sessionStore';
import type { TreeLook, TreeState } from './tree/treeState';

export interface ContextKeysOptions {
  readonly sessions: SessionStore;
  readonly attachments: Attachments;
  readonly server: ServerClient;
  readonly tree: TreeState;
  readonly dumps: DumpStore;
  readonly dumpLook: DumpLook;
}

export interface ContextKeysHandle extends Disposable {
  readonly viewState: ViewState;
}

export function createContextKeys({ sessions, attachments, server, tree, dumps, dumpLook }: ContextKeysOptions): ContextKeysHandle {
  const store = new DisposableStore();
  const last = new Map<keyof ContextKeys, unknown>();

  const set = <K extends keyof ContextKeys>(key: K, value: ContextKeys[K]): void => {
    if (last.get(key) === value) return;
    last.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  };

  const viewState = (): ViewState => {
    if (sessions.all().length > 0) return 'active';
    if (server.state === 'failed') return 'failed';
    return attachments.pending > 0 ? 'attaching' : 'idle';
  };

  const update = (): void => {
    const all = sessions.all();
    set('asyncscope.state', viewState());
    set('asyncscope.canPause', all.some(({ status }) => status === 'attached' || status === 'unresponsive'));
    set('asyncscope.canResume', all.some(({ status }) => status === 'paused'));
    set('asyncscope.hasLiveSession', all.some(isLive));
  };

  const updateLook = ({ internals, grouping, filter, onlyNew }: TreeLook): void => {
    set('asyncscope.internals', internals);
    set('asyncscope.grouping', grouping);
    set('asyncscope.filtered', filter.length > 0 || onlyNew);
    set('asyncscope.onlyNew', onlyNew);
  };

  const updateDumps = (): void => {
    set('asyncscope.hasDump', dumps.all().length > 0 || dumps.taking > 0);
    set('asyncscope.dumpGrouping', dumpLook.grouping);
    set('asyncscope.dumpFiltered', dumpLook.filter.trim() !== '');
  };

  updateLook(tree.look);
  updateDumps();
  store.add(dumps.onDidChange(updateDumps));
  store.add(dumpLook.onDidChange(updateDumps));
  update();
  store.add(sessions.onDidChange(update));
  store.add(attachments.onDidChange(update));
  store.add(server.onDidChangeState(update));
  store.add(tree.onDidChange(updateLook));

  return {
    get viewState() {
      return viewState();
    },
    dispose: () => { store.dispose(); },
  };
}
