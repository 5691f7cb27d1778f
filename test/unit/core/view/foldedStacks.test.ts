import { describe, expect, it } from 'vitest';
import type { Site, StackFrame } from '../../../../src/core/model/task';
import { foldStacks } from '../../../../src/core/view/foldedStacks';
import { site } from '../../host/sample';

const frame = (name: string | null, file: string | null = '/srv/a.ts', line = 3): StackFrame => ({ function: name, file, line: file === null ? 0 : line, column: 0 });
const started = (stack: readonly StackFrame[], part: Partial<Site> = {}): Site => ({ ...site(), ...part, stack });

describe('folded stacks', () => {
  it('have the outermost frame first and the kind last', () => {
    expect(foldStacks([started([frame('Promise', null), frame('place'), frame(null, '/srv/b.ts', 9)])])).toBe('(anonymous) (/srv/b.ts:9);place (/srv/a.ts:3);Promise;[promise] 12\n');
  });

  it('add up what is the same, and keep kinds and what is from before apart', () => {
    const stack = [frame('f')];
    const sites = [started(stack), started(stack, { count: 3 }), started(stack, { kind: 'timeout', count: 1 }), started(stack, { since: 'before', count: 2 })];
    expect(foldStacks(sites)).toBe('f (/srv/a.ts:3);[promise] 15\nf (/srv/a.ts:3);[timeout] 1\nf (/srv/a.ts:3);[promise from before the attach] 2\n');
  });

  it('cannot be broken by names', () => {
    const line = foldStacks([started([frame('a;b\nc\u001b[2J', '/srv/x y;z.ts')])]);
    expect(line).toMatch(/^[^;\n]+;\[promise\] 12\n$/);
    expect(line).not.toContain('\u001b');
  });

  it('have the position of a site without a stack, and nothing of what is not alive', () => {
    expect(foldStacks([started([]), started([frame('f')], { count: 0 })])).toBe('placeOrder (/srv/orders/src/orders.ts:42);[promise] 12\n');
  });
});
