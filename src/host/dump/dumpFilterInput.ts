/** The box that the filter of a dump is typed into. The rows follow every key; Escape brings back what was. */
import * as vscode from 'vscode';
import type { DumpLook } from './dumpLook';

/** Resolves once the box is closed. */
export async function askForDumpFilter(look: DumpLook): Promise<void> {
  const before = look.filter;
  const input = vscode.window.createInputBox();
  input.title = 'Filter Async Dump';
  input.placeholder = 'loadUser  users.ts  socket  orphan';
  input.prompt = 'Words in functions, files, what is waited for, the verdict, or what holds it. A group has to have all of them.';
  input.value = before;
  let accepted = false;
  try {
    await new Promise<void>((resolve) => {
      input.onDidChangeValue((value) => { look.setFilter(value); });
      input.onDidAccept(() => {
        accepted = true;
        input.hide();
      });
      input.onDidHide(() => {
        if (!accepted) look.setFilter(before);
        resolve();
      });
      input.show();
    });
  } finally {
    input.dispose();
  }
}
