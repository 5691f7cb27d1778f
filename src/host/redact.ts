import { errorMessage } from '../core/base/errorMessage';

/**
 * The path of an inspector's or a debugger proxy's address is the only thing that keeps strangers out of the process, so
 * it never reaches a log.
 */
const WEB_SOCKET_PATH = /(\bwss?:\/\/[^/\s"'\\]+)\/[^\s"'\\]*/gi;
const JSON_PATH = /("path"\s*:\s*")(?:[^"\\]|\\.)*(")/g;

export function redactSecrets(text: string): string {
  return text.replace(WEB_SOCKET_PATH, '$1/…').replace(JSON_PATH, '$1…$2');
}

/** The message of anything thrown, without secrets. */
export function safeErrorMessage(error: unknown): string {
  return redactSecrets(errorMessage(error));
}
