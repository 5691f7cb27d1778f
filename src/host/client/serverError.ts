/** What the server answered instead of a result. */
import { safeErrorMessage } from '../redact';

/** LSP's code for a request that was given up: by us, or by the server because what it was about went away. */
const REQUEST_CANCELLED = -32800;

/** `reason` is the server's, such as an `AttachFailureReason`; undefined where it gave none. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  constructor(
    readonly reason: string | undefined,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get isCancellation(): boolean {
    return this.reason === 'cancelled';
  }
}

/** Anything that a request was rejected with, in one form. */
export function toServerError(error: unknown): ServerError {
  const { code, data } = typeof error === 'object' && error !== null ? (error as { code?: unknown; data?: unknown }) : {};
  const given = typeof data === 'object' && data !== null && 'reason' in data && typeof data.reason === 'string' ? data.reason : undefined;
  return new ServerError(code === REQUEST_CANCELLED ? 'cancelled' : given, safeErrorMessage(error), { cause: error });
}
