/**
 * The one place that decides when anything is redrawn. What draws registers a surface and says `invalidate` as often as
 * it likes; the scheduler calls `draw` at most once per interval, and never while the surface cannot be seen. Providers
 * and views contain no timers of their own.
 */
import type { Clock } from '../core/base/clock';
import { systemClock } from './base/clock';
import type { Disposable } from './base/disposable';

/**
 * The least time between two drawings of one surface, in milliseconds. Updates come once a second by default and
 * several sessions may come at once; four drawings a second still read as live and leave the extension host idle.
 */
export const REDRAW_INTERVAL_MS = 250;

/** Something that can be drawn. */
export interface Surface {
  /** Only asked when there is something to draw. */
  readonly isVisible: () => boolean;
  readonly draw: () => void;
}

export interface SurfaceHandle extends Disposable {
  /** Something changed: draw when it is due and visible. */
  invalidate(): void;
  /** The surface came into view: what was put off while it was hidden is drawn now. */
  shown(): void;
  /** Draws now if anything changed, whatever the interval says; for what the user asked for. */
  flush(): void;
}

interface State {
  dirty: boolean;
  drawnAt: number;
  cancel: (() => void) | undefined;
}

export class RefreshScheduler implements Disposable {
  readonly #handles = new Set<SurfaceHandle>();
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void, clock: Clock = systemClock, intervalMs: number = REDRAW_INTERVAL_MS) {
    this.#onError = onError;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  register(surface: Surface): SurfaceHandle {
    const state: State = { dirty: false, drawnAt: -Infinity, cancel: undefined };

    const draw = (): void => {
      state.cancel?.();
      state.cancel = undefined;
      if (!state.dirty || !surface.isVisible()) return;
      state.dirty = false;
      state.drawnAt = this.#clock.now();
      try {
        surface.draw();
      } catch (error) {
        this.#onError(error);
      }
    };

    const schedule = (): void => {
      if (state.cancel !== undefined || !surface.isVisible()) return;
      const due = state.drawnAt + this.#intervalMs - this.#clock.now();
      // Even what is due at once waits for the end of the turn, so that a burst of changes is one drawing.
      state.cancel = this.#clock.schedule(Math.max(0, due), draw);
    };

    const handle: SurfaceHandle = {
      invalidate: () => {
        if (!this.#handles.has(handle)) return;
        state.dirty = true;
        schedule();
      },
      shown: () => {
        if (state.dirty && this.#handles.has(handle)) schedule();
      },
      flush: () => {
        if (this.#handles.has(handle)) draw();
      },
      dispose: () => {
        state.cancel?.();
        state.cancel = undefined;
        this.#handles.delete(handle);
      },
    };
    this.#handles.add(handle);
    return handle;
  }

  dispose(): void {
    for (const handle of [...this.#handles]) handle.dispose();
  }
}
