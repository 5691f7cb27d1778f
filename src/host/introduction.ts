/** Shows the view once, the first time that there is something in it. */
import type { Disposable } from './base/disposable';
import type { SessionStore } from './sessions/sessionStore';

/** Where it is remembered that the view was shown. */
const INTRODUCED_KEY = 'introduced';

export interface IntroductionOptions {
  readonly sessions: Pick<SessionStore, 'onDidChange' | 'all'>;
  readonly memory: { get(key: string, otherwise: boolean): boolean; update(key: string, value: boolean): PromiseLike<void> };
  /** Unfolds the view without taking the focus. */
  readonly unfold: () => Promise<unknown>;
  readonly onError: (error: unknown) => void;
}

/**
 * VS Code starts every view that is added to its debug container folded: after their first F5 a newcomer would see a badge,
 * and no view. From then on the view stays as the user leaves it.
 */
export function introduceView({ sessions, memory, unfold, onError }: IntroductionOptions): Disposable {
  let done = memory.get(INTRODUCED_KEY, false);
  return sessions.onDidChange(() => {
    if (done || !sessions.all().some(({ status }) => status === 'attached')) return;
    done = true;
    Promise.all([unfold(), memory.update(INTRODUCED_KEY, true)]).catch(onError);
  });
}
