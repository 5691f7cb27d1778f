/** Shows a line of the running code, wherever its text is to be had. */
import { isAbsolute } from 'node:path';
import * as vscode from 'vscode';
import { safeErrorMessage } from '../redact';
import type { ScriptDocuments } from './scriptDocuments';

export interface OpenOptions {
  /** Where the line is now, 0-based, when it is known. */
  readonly movedTo?: number | undefined;
  readonly column?: vscode.ViewColumn | undefined;
}

/**
 * The focus stays where it is.
 * @param sessionId whose process has the text when no file does; undefined where there is no process, as for a snapshot file
 * @param position 1-based; without a file or a line nothing is opened
 * @throws {Error} when there is no such text on this machine
 */
export async function openPosition(
  scripts: ScriptDocuments,
  sessionId: string | undefined,
  { file, line, column: character }: { readonly file: string | null; readonly line: number; readonly column: number },
  { movedTo, column }: OpenOptions = {},
): Promise<void> {
  if (file === null || line < 1) return;
  const position = movedTo === undefined ? new vscode.Position(line - 1, Math.max(0, character - 1)) : new vscode.Position(movedTo, 0);
  try {
    const selection = new vscode.Range(position, position);
    const document = await openFile(file).catch((error: unknown) => {
      if (sessionId === undefined) throw new Error('It is not here. Say in the setting asyncscope.pathMappings where its directory is.', { cause: error });
      return scripts.open({ sessionId, file });
    });
    await vscode.window.showTextDocument(document, { selection, preview: true, preserveFocus: true, ...(column !== undefined && { viewColumn: column }) });
  } catch (error) {
    throw new Error(`The source ${file} cannot be opened on this machine: ${safeErrorMessage(error)}`, { cause: error });
  }
}

/** Rejects where there is no such file on this machine: a name that is no path would else be one below the root. */
async function openFile(file: string): Promise<vscode.TextDocument> {
  if (!isAbsolute(file)) throw new Error(`${file} is no path.`);
  return vscode.workspace.openTextDocument(vscode.Uri.file(file));
}
