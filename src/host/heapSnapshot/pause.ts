/** What everything has in common that stops a process: the question before it, and the progress of it. */
import * as vscode from 'vscode';
import { formatBytes, formatDuration } from '../../core/format/quantity';
import { SNAPSHOT_PAUSE_TO_CONFIRM_MS } from '../../core/model/snapshotCost';
import type { ServerProgress } from '../client/serverClient';
import type { Session } from '../sessions/sessionStore';
import { displayName } from '../sessions/sessionStore';

export interface Pause {
  /** Subject of the sentence, such as `A heap snapshot`. */
  readonly what: string;
  /** Label of the button that agrees to it. */
  readonly button: string;
  /** Milliseconds, for so many bytes of heap in use. */
  readonly estimateMs: (heapUsed: number) => number;
}

/** Asks when the process will stand still for longer than {@link SNAPSHOT_PAUSE_TO_CONFIRM_MS}. True when it may. */
export async function confirmPause(session: Session, { what, button, estimateMs }: Pause): Promise<boolean> {
  const { process } = session;
  if (process === undefined) return true;
  const pauseMs = estimateMs(process.heap.used);
  if (pauseMs <= SNAPSHOT_PAUSE_TO_CONFIRM_MS) return true;
  const answer = await vscode.window.showWarningMessage(
    `${what} will stop ${displayName(session)} for about ${formatDuration(pauseMs)}.`,
    {
      modal: true,
      detail: `Its heap holds ${formatBytes(process.heap.used)}. Nothing else runs in the process meanwhile: requests wait, and health checks may fail. The estimate depends on the machine.`,
    },
    button,
  );
  return answer === button;
}

/** Runs something long under a notification that can cancel it. Undefined when the user cancelled. */
export async function withProgress<T>(title: string, run: (signal: AbortSignal, onProgress: (progress: ServerProgress) => void) => Promise<T>): Promise<T | undefined> {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
    const abort = new AbortController();
    const cancellation = token.onCancellationRequested(() => { abort.abort(); });
    let shown = 0;
    try {
      return await run(abort.signal, ({ percent, message }) => {
        progress.report({ increment: Math.max(0, percent - shown), ...(message === undefined ? {} : { message }) });
        shown = Math.max(shown, percent);
      });
    } catch (error) {
      if (abort.signal.aborted) return undefined;
      throw error;
    } finally {
      cancellation.dispose();
    }
  });
}
