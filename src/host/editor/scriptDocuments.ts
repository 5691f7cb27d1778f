/**
 * Shows code that is on no disk of this machine, read-only: out of the process, out of a source map, or from the debugger
 * that has it anyway.
 */
import * as vscode from 'vscode';
import type { ServerClient } from '../client/serverClient';
import { systemClock, withTimeout } from '../base/clock';
import type { Disposable } from '../base/disposable';
import { DisposableStore } from '../base/disposable';
import { safeErrorMessage } from '../redact';
import type { SessionStore } from '../sessions/sessionStore';
import { SCRIPT_SCHEME, languageOf, missingText, parseScriptQuery, scriptUriParts, sourceNamed } from './scriptUri';
import type { LoadedSource, ScriptAddress } from './scriptUri';

/** A debugger that has not answered by then is not waited for, in milliseconds. */
const DEBUGGER_TIMEOUT_MS = 3_000;

export interface ScriptDocumentsOptions {
  readonly server: Pick<ServerClient, 'scriptSource'>;
  readonly sessions: SessionStore;
  readonly log: vscode.LogOutputChannel;
}

export class ScriptDocuments implements vscode.TextDocumentContentProvider, Disposable {
  readonly #options: ScriptDocumentsOptions;
  readonly #store = new DisposableStore();
  readonly #debugSessions = new Map<string, vscode.DebugSession>();

  constructor(options: ScriptDocumentsOptions) {
    this.#options = options;
    const active = vscode.debug.activeDebugSession;
    if (active !== undefined) this.#debugSessions.set(active.id, active);
    this.#store.add(vscode.debug.onDidStartDebugSession((session) => { this.#debugSessions.set(session.id, session); }));
    this.#store.add(vscode.debug.onDidTerminateDebugSession((session) => { this.#debugSessions.delete(session.id); }));
    this.#store.add(vscode.workspace.registerTextDocumentContentProvider(SCRIPT_SCHEME, this));
  }

  /** Rejects where VS Code cannot open it; what there is no text of, says so in its place. */
  async open(address: ScriptAddress): Promise<vscode.TextDocument> {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.from(scriptUriParts(address)));
    const language = languageOf(address.file);
    return document.languageId === language ? document : vscode.languages.setTextDocumentLanguage(document, language);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const address = parseScriptQuery(uri.query);
    if (address === undefined) return missingText(uri.path, 'Asyncscope does not know this document.');
    try {
      const source = await this.#options.server.scriptSource(address);
      if (source.text !== null) return source.text;
      const known = source.reason === 'no file' || source.reason === 'unreadable' ? await this.#fromDebugger(address) : undefined;
      return known ?? missingText(address.file, source.message);
    } catch (error) {
      return missingText(address.file, safeErrorMessage(error));
    }
  }

  dispose(): void {
    this.#store.dispose();
    this.#debugSessions.clear();
  }

  /** The text that the debugger of the process has; undefined without one, and where it does not know which is meant. */
  async #fromDebugger({ sessionId, file }: ScriptAddress): Promise<string | undefined> {
    const session = this.#options.sessions.get(sessionId);
    const debugging = session?.debugSessionId === undefined ? undefined : this.#debugSessions.get(session.debugSessionId);
    if (session === undefined || debugging === undefined) return undefined;
    // The second of the texts that share a name is told apart by a number, which a debugger does not know.
    if ([...session.sites.values()].some((site) => site.file === `${file} #2`)) return undefined;
    try {
      const { sources = [] } = await ask<{ readonly sources?: readonly LoadedSource[] }>(debugging, 'loadedSources', {});
      const source = sourceNamed(sources, file);
      if (source === undefined) return undefined;
      const { content } = await ask<{ readonly content?: unknown }>(debugging, 'source', { source, sourceReference: source.sourceReference });
      return typeof content === 'string' ? content : undefined;
    } catch (error) {
      this.#options.log.debug(`asking the debugger for a source: ${safeErrorMessage(error)}`);
      return undefined;
    }
  }
}

async function ask<Answer>(session: vscode.DebugSession, command: string, args: object): Promise<Partial<Answer>> {
  return ((await withTimeout(systemClock, DEBUGGER_TIMEOUT_MS, session.customRequest(command, args))) ?? {}) as Partial<Answer>;
}
