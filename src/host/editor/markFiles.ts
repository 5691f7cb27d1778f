import * as vscode from 'vscode';
import type { Verdict } from '../../core/model/dump';
import type { TaskKind } from '../../core/model/task';
import type { Heat } from '../../protocol/lsp';
import { markFile, suspendedFile } from './markSvg';

/** The mark of a kind for light and dark themes; high-contrast themes take the one of their background. */
export function markIcon(extensionUri: vscode.Uri, kind: TaskKind, heat: Heat): { light: vscode.Uri; dark: vscode.Uri } {
  return {
    light: vscode.Uri.joinPath(extensionUri, markFile(kind, heat, 'light')),
    dark: vscode.Uri.joinPath(extensionUri, markFile(kind, heat, 'dark')),
  };
}

/** The mark of a line where functions stood suspended, in the same way. */
export function suspendedIcon(extensionUri: vscode.Uri, verdict: Verdict | null): { light: vscode.Uri; dark: vscode.Uri } {
  return {
    light: vscode.Uri.joinPath(extensionUri, suspendedFile(verdict, 'light')),
    dark: vscode.Uri.joinPath(extensionUri, suspendedFile(verdict, 'dark')),
  };
}
