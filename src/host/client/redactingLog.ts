import type * as vscode from 'vscode';
import { redactSecrets } from '../redact';

/**
 * The same channel for a library that logs whatever passes through it: at trace level the language client writes whole
 * requests, and an attach request holds the secret path of an inspector.
 */
export function redactingLog(channel: vscode.LogOutputChannel): vscode.LogOutputChannel {
  const safe = (values: readonly unknown[]): unknown[] =>
    values.map((value) => (typeof value === 'string' ? redactSecrets(value) : redactSecrets(describe(value))));
  return {
    get name() {
      return channel.name;
    },
    get logLevel() {
      return channel.logLevel;
    },
    onDidChangeLogLevel: channel.onDidChangeLogLevel,
    trace: (message, ...args) => {
      channel.trace(redactSecrets(message), ...safe(args));
    },
    debug: (message, ...args) => {
      channel.debug(redactSecrets(message), ...safe(args));
    },
    info: (message, ...args) => {
      channel.info(redactSecrets(message), ...safe(args));
    },
    warn: (message, ...args) => {
      channel.warn(redactSecrets(message), ...safe(args));
    },
    error: (error, ...args) => {
      channel.error(redactSecrets(typeof error === 'string' ? error : describe(error)), ...safe(args));
    },
    append: (value) => {
      channel.append(redactSecrets(value));
    },
    appendLine: (value) => {
      channel.appendLine(redactSecrets(value));
    },
    replace: (value) => {
      channel.replace(redactSecrets(value));
    },
    clear: () => {
      channel.clear();
    },
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the interface has an older form, with a column in front
    show: (first?: unknown, second?: unknown) => {
      channel.show(first === true || second === true);
    },
    hide: () => {
      channel.hide();
    },
    // The channel belongs to whoever made it.
    dispose: () => undefined,
  };
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.stack ?? value.message;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value);
}
