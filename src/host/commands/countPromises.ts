/** Counts the promises from before the attach: a look through the heap, for which the process stands still. */
import * as vscode from 'vscode';
import { formatBytes, formatDuration } from '../../core/format/quantity';
import { SNAPSHOT_PAUSE_TO_CONFIRM_MS, estimatePromiseCountMs } from '../../core/model/snapshotCost';
import type { ServerClient } from '../client/serverClient';
import type { Session } from '../sessions/sessionStore';
import { displayName } from '../sessions/sessionStore';

/** Rejects when the target refuses. */
export async function countPromises(session: Session, server: ServerClient): Promise<void> {
  if (!(await confirmPause(session))) return;
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `Counting promises of ${displayName(session)}…` },
    () => server.countPromises(session.id),
  );
}

async function confirmPause(session: Session): Promise<boolean> {
  const { process } = session;
  if (process === undefined) return true;
  const pauseMs = estimatePromiseCountMs(process.heap.used);
  if (pauseMs <= SNAPSHOT_PAUSE_TO_CONFIRM_MS) return true;
  const count = 'Count Promises';
  const answer = await vscode.window.showWarningMessage(
    `Counting promises will stop ${displayName(session)} for about ${formatDuration(pauseMs)}.`,
    {
      modal: true,
      detail: `Its heap holds ${formatBytes(process.heap.used)}. Nothing else runs in the process meanwhile: requests wait, and health checks may fail. The estimate depends on the machine.`,
    },
    count,
  );
  return answer === count;
}
