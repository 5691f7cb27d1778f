import { describe, expect, it } from 'vitest';
import { compilerOption } from '../../../../src/server/heapWorker/compiler';

describe('what V8 compiles while a heap is analysed', () => {
  it('is less on a Node for which it was measured', () => {
    for (const node of ['24.21.0', '26.1.0']) expect(compilerOption({ node })).toMatch(/^--invocation-count-for-turbofan=\d+$/u);
  });

  it('is left to V8 elsewhere', () => {
    for (const versions of [{ node: '20.19.0' }, { node: '22.22.0' }, { node: '28.0.0' }, { node: '24.11.0', electron: '40.1.0' }, {}]) expect(compilerOption(versions)).toBeNull();
  });
});
