/** One click to a heap snapshot: says what it costs, takes it, opens it. */
import * as vscode from 'vscode';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes, formatDuration } from '../../core/format/quantity';
import { estimateSnapshotPauseMs } from '../../core/model/snapshotCost';
import type { HeapSnapshotResult } from '../../protocol/lsp';
import type { ServerClient } from '../client/serverClient';
import { safeErrorMessage } from '../redact';
import type { Session } from '../sessions/sessionStore';
import { displayName } from '../sessions/sessionStore';
import { confirmPause, withProgress } from './pause';
import { snapshotFileName } from './snapshotFile';

/** VS Code's own viewer, in the extension "Table Visualizer for JavaScript Profiles" that it brings along. */
const VIEWER = 'jsProfileVisualizer.heapsnapshot.table';

/** Owner only: a snapshot holds every string of the process, passwords included. */
const PRIVATE_DIRECTORY_MODE = 0o700;

export async function takeHeapSnapshot(session: Session, server: ServerClient, directory: string, log: vscode.LogOutputChannel): Promise<void> {
  if (!(await confirmPause(session, { what: 'A heap snapshot', button: 'Take Snapshot', estimateMs: estimateSnapshotPauseMs }))) return;
  await makePrivateDirectory(directory);
  const file = join(directory, snapshotFileName(displayName(session), new Date()));
  const result = await withProgress(`Heap snapshot of ${displayName(session)}`, (signal, onProgress) => server.heapSnapshot(session.id, file, signal, onProgress));
  if (result === undefined) {
    log.info('heap snapshot cancelled');
    return;
  }
  log.info(`heap snapshot: ${formatBytes(result.bytes)} in ${formatDuration(result.durationMs)}: ${result.file}`);
  await open(vscode.Uri.file(result.file), log);
  // The message stays until it is dealt with; nobody has to wait for that.
  offerFile(result).catch((error: unknown) => {
    log.warn(`showing the heap snapshot: ${safeErrorMessage(error)}`);
  });
}

async function makePrivateDirectory(directory: string): Promise<void> {
  const created = await mkdir(directory, { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
  // The process's umask may have narrowed the mode; a directory that was there already is left as its owner wants it.
  if (created !== undefined) await chmod(directory, PRIVATE_DIRECTORY_MODE);
}

/** In VS Code's own viewer when it is there, else where the file lies. */
async function open(uri: vscode.Uri, log: vscode.LogOutputChannel): Promise<void> {
  if (hasViewer()) {
    try {
      await vscode.commands.executeCommand('vscode.openWith', uri, VIEWER);
      return;
    } catch (error) {
      log.warn(`the heap snapshot viewer: ${safeErrorMessage(error)}`);
    }
  }
  await vscode.commands.executeCommand('revealFileInOS', uri);
}

function hasViewer(): boolean {
  return vscode.extensions.all.some((extension) => {
    const { contributes } = extension.packageJSON as { contributes?: { customEditors?: readonly { viewType?: string }[] } };
    return contributes?.customEditors?.some(({ viewType }) => viewType === VIEWER) === true;
  });
}

async function offerFile({ file, bytes }: HeapSnapshotResult): Promise<void> {
  const showFile = 'Show File';
  const answer = await vscode.window.showInformationMessage(`Heap snapshot written: ${formatBytes(bytes)}. It holds whatever the process had in memory, secrets included.`, showFile);
  if (answer === showFile) await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(file));
}
