import { describe, expect, it } from 'vitest';
import type { Filter } from '../../../src/core/view/filter';
import { parseFilter } from '../../../src/core/view/filter';
import type { Memory } from '../../../src/host/tree/treeState';
import { FILTER_HISTORY_LIMIT, TreeState } from '../../../src/host/tree/treeState';

class FakeMemory implements Memory {
  readonly values = new Map<string, unknown>();
  get(key: string): unknown {
    return this.values.get(key);
  }
  update(key: string, value: unknown): Promise<void> {
    this.values.set(key, value);
    return Promise.resolve();
  }
}

function filterOf(text: string): Filter {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.filter;
}

describe('how the tree looks', () => {
  it('is the plain list of everything at first', () => {
    expect(new TreeState(new FakeMemory()).look).toEqual({ order: 'count', internals: 'folded', grouping: 'site', filter: [], onlyNew: false });
  });

  it('is remembered', async () => {
    const memory = new FakeMemory();
    await new TreeState(memory).set({ order: 'age', grouping: 'file', internals: 'inline', onlyNew: true, filter: filterOf('kind:promise >30s') });
    expect(new TreeState(memory).look).toEqual({ order: 'age', grouping: 'file', internals: 'inline', onlyNew: true, filter: filterOf('kind:promise >30s') });
  });

  it('is told when it changes, once for each change', async () => {
    const state = new TreeState(new FakeMemory());
    const told: string[] = [];
    state.onDidChange(({ grouping, order }) => told.push(`${grouping} ${order}`));
    await state.set({ grouping: 'kind' });
    await state.set({ order: 'growth' });
    expect(told).toEqual(['kind count', 'kind growth']);
  });

  it('survives a memory that holds anything', () => {
    const memory = new FakeMemory();
    for (const key of ['siteOrder', 'internals', 'grouping', 'onlyNew']) memory.values.set(key, { odd: 1 });
    memory.values.set('filter', 'kind:nonsense');
    memory.values.set('filterHistory', [1, 'ok', null]);
    const state = new TreeState(memory);
    expect(state.look).toEqual({ order: 'count', internals: 'folded', grouping: 'site', filter: [], onlyNew: false });
    expect(state.history).toEqual(['ok']);
  });

  it('follows what is typed, and goes back to what was', async () => {
    const state = new TreeState(new FakeMemory());
    await state.set({ filter: filterOf('a') });
    state.preview(filterOf('ab'));
    expect(state.look.filter).toEqual(filterOf('ab'));
    state.preview(undefined);
    expect(state.look.filter).toEqual(filterOf('a'));
    state.preview(filterOf('abc'));
    await state.set({ grouping: 'kind' });
    expect(state.look.filter).toEqual(filterOf('a'));
  });

  it('keeps the last filters, each once, and no empty one', async () => {
    const memory = new FakeMemory();
    const state = new TreeState(memory);
    for (const text of ['a', 'b', 'a', '']) await state.set({ filter: filterOf(text) });
    expect(state.history).toEqual(['a', 'b']);
    for (let i = 0; i < 2 * FILTER_HISTORY_LIMIT; i++) await state.set({ filter: filterOf(`f${String(i)}`) });
    expect(new TreeState(memory).history).toHaveLength(FILTER_HISTORY_LIMIT);
    expect(state.history[0]).toBe(`f${String(2 * FILTER_HISTORY_LIMIT - 1)}`);
  });
});
