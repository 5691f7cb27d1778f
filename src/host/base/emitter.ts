import type { Disposable } from './disposable';

/** Structurally a `vscode.Event` that takes one argument. */
export type Event<T> = (listener: (value: T) => void) => Disposable;

/** The events of the host's own models, which do not import `vscode`. Listeners are called in the order of subscription. */
export class Emitter<T> implements Disposable {
  readonly #listeners = new Map<symbol, (value: T) => void>();

  readonly event: Event<T> = (listener) => {
    const key = Symbol('listener');
    this.#listeners.set(key, listener);
    return { dispose: () => this.#listeners.delete(key) };
  };

  fire(value: T): void {
    for (const listener of [...this.#listeners.values()]) listener(value);
  }

  dispose(): void {
    this.#listeners.clear();
  }
}
