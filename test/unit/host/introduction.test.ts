import { describe, expect, test } from 'vitest';
import { introduceView } from '../../../src/host/introduction.ts';
import type { Session } from '../../../src/host/sessions/sessionStore.ts';

function setup(introduced: boolean) {
  const listeners: (() => void)[] = [];
  let statuses: string[] = [];
  const memory = new Map<string, boolean>(introduced ? [['introduced', true]] : []);
  let unfolded = 0;
  introduceView({
    sessions: {
      onDidChange: (listener: () => void) => {
        listeners.push(listener);
        return { dispose: () => undefined };
      },
      all: () => statuses.map((status) => ({ status }) as unknown as Session),
    },
    memory: {
      get: (key, otherwise) => memory.get(key) ?? otherwise,
      update: (key, value) => {
        memory.set(key, value);
        return Promise.resolve();
      },
    },
    unfold: () => {
      unfolded++;
      return Promise.resolve();
    },
    onError: (error) => {
      throw error;
    },
  });
  return {
    memory,
    change: (...next: string[]) => {
      statuses = next;
      for (const listener of listeners) listener();
      return unfolded;
    },
  };
}

describe('introduction', () => {
  test('unfolds the view once, when there is something in it', () => {
    const { change, memory } = setup(false);
    expect(change('attaching')).toBe(0);
    expect(change('attached')).toBe(1);
    expect(change('attached', 'attached')).toBe(1);
    expect(memory.get('introduced')).toBe(true);
  });

  test('leaves the view alone ever after', () => {
    expect(setup(true).change('attached')).toBe(0);
  });
});
