export type SnapshotFailureReason = 'not a snapshot' | 'truncated' | 'corrupted' | 'unknown layout' | 'too large';

/** A heap snapshot cannot be used; `message` is for people and says what to do. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  constructor(
    readonly reason: SnapshotFailureReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
