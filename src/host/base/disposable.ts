/** Ownership of things that must be let go of. Free of `vscode`, so that what uses it can be unit-tested. */

/** Structurally the same as `vscode.Disposable`. */
export interface Disposable {
  dispose(): unknown;
}

/** Owns disposables and disposes of them in reverse order, once. What is added after that is disposed of at once. */
export class DisposableStore implements Disposable {
  readonly #items = new Set<Disposable>();
  #disposed = false;

  get isDisposed(): boolean {
    return this.#disposed;
  }

  /** Takes ownership and hands the same object back. */
  add<T extends Disposable>(item: T): T {
    if (this.#disposed) item.dispose();
    else this.#items.add(item);
    return item;
  }

  /** Every item is disposed of even when one throws; the errors are thrown together afterwards. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const items = [...this.#items].reverse();
    this.#items.clear();
    const errors: unknown[] = [];
    for (const item of items) {
      try {
        item.dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be disposed of');
  }
}

export function toDisposable(dispose: () => void): Disposable {
  return { dispose };
}
