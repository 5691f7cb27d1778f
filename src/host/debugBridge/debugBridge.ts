/** Attaches to what the user debugs, and lets go when they stop. */
import * as vscode from 'vscode';
import { systemClock } from '../base/clock';
import type { DebuggerConnection } from '../../protocol/lsp';
import type { Disposable } from '../base/disposable';
import { ServerError } from '../client/serverError';
import { DisposableStore } from '../base/disposable';
import { safeErrorMessage } from '../redact';
import type { AttachIntent, Attachments } from '../sessions/attachments';
import type { SessionStore } from '../sessions/sessionStore';
import { isConcreteNodeSession, NODE_SESSION_TYPES, ProxyError, requestProxyAddress, sessionName, stopOf } from './proxyAddress';

/** Answers of the server that a user who only pressed F5 need not hear of. */
const EXPECTED_REASONS: ReadonlySet<string | undefined> = new Set(['attached already', 'refused', 'not node', 'cancelled', 'closed']);

/** The command of VS Code's JavaScript debugger that shares its connection. */
const REQUEST_PROXY_COMMAND = 'extension.js-debug.requestCDPProxy';

export interface DebugBridgeOptions {
  readonly attachments: Attachments;
  readonly sessions: SessionStore;
  readonly autoAttach: () => boolean;
  readonly connection: () => DebuggerConnection;
  readonly log: vscode.LogOutputChannel;
  readonly onFailure: (name: string, error: unknown) => void;
}

export function createDebugBridge({ attachments, sessions, autoAttach, connection, log, onFailure }: DebugBridgeOptions): Disposable {
  const store = new DisposableStore();

  const failed = (session: vscode.DebugSession, error: unknown): void => {
    // Not every session has a process of its own (a worker has none), and one that ended at once is no failure.
    const expected = error instanceof ProxyError || (error instanceof ServerError && EXPECTED_REASONS.has(error.reason));
    if (expected) log.info(`not attached to ${session.name}: ${safeErrorMessage(error)}`);
    else onFailure(sessionName(session.name), error);
  };

  const started = (session: vscode.DebugSession): void => {
    if (!isConcrete(session)) return;
    if (!autoAttach()) {
      log.info(`${session.name}: automatic attach is off`);
      return;
    }
    attachments.attach(intentFor(session, connection)).catch((error: unknown) => {
      failed(session, error);
    });
  };

  store.add(vscode.debug.onDidStartDebugSession(started));
  for (const type of NODE_SESSION_TYPES) {
    store.add(vscode.debug.registerDebugAdapterTrackerFactory(type, {
      createDebugAdapterTracker: (session) => ({
        onDidSendMessage: (message: unknown) => {
          const stopped = stopOf(message);
          if (stopped !== undefined) sessions.setStopped(session.id, stopped);
        },
      }),
    }));
  }
  store.add(
    vscode.debug.onDidTerminateDebugSession((session) => {
      sessions.setStopped(session.id, false);
      const sessionId = attachments.sessionOf(keyOf(session));
      if (sessionId !== undefined) sessions.debuggerEnded(sessionId, hasLaunched(session));
      attachments.detachKey(keyOf(session)).catch((error: unknown) => {
        log.warn(`detaching from ${session.name}: ${safeErrorMessage(error)}`);
      });
    }),
  );
  // A session that began before the extension did.
  if (vscode.debug.activeDebugSession !== undefined) started(vscode.debug.activeDebugSession);
  return store;
}

function isConcrete(session: vscode.DebugSession): boolean {
  return isConcreteNodeSession({
    type: session.type,
    hasParent: session.parentSession !== undefined,
    configuration: session.configuration,
  });
}

function keyOf(session: vscode.DebugSession): string {
  return `debug:${session.id}`;
}

/** Whether the debugger has started the program: then it ends with it. Child sessions are attached to, whatever the first one is. */
function hasLaunched({ parentSession, configuration }: vscode.DebugSession): boolean {
  return parentSession === undefined ? configuration.request === 'launch' : hasLaunched(parentSession);
}

/** What a launch configuration says of where the program's files are. */
function rootMapping({ remoteRoot, localRoot }: vscode.DebugConfiguration): Record<string, string> {
  const isRoot = (root: unknown): root is string => typeof root === 'string' && root !== '';
  return isRoot(remoteRoot) && isRoot(localRoot) && remoteRoot !== localRoot ? { [remoteRoot]: localRoot } : {};
}

function intentFor(session: vscode.DebugSession, connection: () => DebuggerConnection): AttachIntent {
  const name = sessionName(session.name);
  return {
    key: keyOf(session),
    name,
    resolve: async (signal) => ({
      name,
      debugSessionId: session.id,
      connection: connection(),
      pathMappings: rootMapping(session.configuration),
      proxy: await requestProxyAddress(
        () => vscode.commands.executeCommand(REQUEST_PROXY_COMMAND, session.id),
        systemClock,
        signal,
      ),
    }),
  };
}
