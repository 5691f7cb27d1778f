import { describe, expect, it } from 'vitest';
import type { Details } from '../../../../../src/core/heap/leaves/leaf';
import { commonDetails } from '../../../../../src/core/heap/leaves/leaf';

describe('what is true of several', () => {
  it('is what does not differ', () => {
    expect(commonDetails({ delayMs: 5, refed: false, event: 'data' }, { delayMs: 5, event: 'end', more: 1 })).toEqual({ delayMs: 5 });
    const same = { delayMs: 5 };
    expect(commonDetails(same, { delayMs: 5, dueInMs: 1 })).toBe(same);
  });

  it('says of timers when the first and the last are due', () => {
    const due = (...each: number[]) => each.map((dueInMs): Readonly<Details> => ({ delayMs: 5, dueInMs })).reduce(commonDetails);
    expect(due(3, 3)).toEqual({ delayMs: 5, dueInMs: 3 });
    expect(due(3, 1)).toEqual({ delayMs: 5, dueInMs: 1, lastDueInMs: 3 });
    expect(due(3, 1, 1, 2)).toEqual({ delayMs: 5, dueInMs: 1, lastDueInMs: 3 });
    expect(commonDetails({ dueInMs: 1 }, { dueInMs: 1, lastDueInMs: 4 })).toEqual({ dueInMs: 1, lastDueInMs: 4 });
    expect(commonDetails({ dueInMs: 1, lastDueInMs: 4 }, { dueInMs: -2 })).toEqual({ dueInMs: -2, lastDueInMs: 4 });
  });

  it('leaves out when a timer is due where that is not known of all', () => {
    expect(commonDetails({ delayMs: 5, dueInMs: 1 }, { delayMs: 5 })).toEqual({ delayMs: 5 });
  });
});
