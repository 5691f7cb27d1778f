/** Counts the promises from before the attach: a look through the heap, for which the process stands still. */
import * as vscode from 'vscode';
import { estimatePromiseCountMs } from '../../core/model/snapshotCost';
import type { ServerClient } from '../client/serverClient';
import { confirmPause } from '../heapSnapshot/pause';
import type { Session } from '../sessions/sessionStore';
import { displayName } from '../sessions/sessionStore';

/** Rejects when the target refuses. */
export async function countPromises(session: Session, server: ServerClient): Promise<void> {
  if (!(await confirmPause(session, { what: 'Counting promises', button: 'Count Promises', estimateMs: estimatePromiseCountMs }))) return;
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `Counting promises of ${displayName(session)}…` },
    () => server.countPromises(session.id),
  );
}
