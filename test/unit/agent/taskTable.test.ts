import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_TASKS, createTaskTable } from '../../../src/agent/taskTable.ts';

interface Expected {
  readonly task: number;
  readonly site: number;
  readonly weight: number;
  readonly start: number;
}

/** Starts and ends in any order, as the hooks would send them. */
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('start' as const), site: fc.nat(4), weight: fc.integer({ min: 1, max: 64 }) }),
    fc.record({ do: fc.constant('end' as const), which: fc.nat(1000), abandoned: fc.boolean() }),
  ),
  { maxLength: 3000 },
);

describe('task table', () => {
  test('figures, order and numbers agree with a plain list, whatever happens', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const table = createTaskTable();
        for (let i = 0; i <= 4; i++) table.addSite();
        let live: Expected[] = [];
        const gone: number[] = [];
        let now = 0;
        for (const step of list) {
          now++;
          if (step.do === 'start') {
            const task = table.start(step.site, step.weight, now, null);
            live.push({ task, site: step.site, weight: step.weight, start: now });
          } else {
            const ended = live[step.which % (live.length || 1)];
            if (ended === undefined) continue;
            table.end(ended.task, step.abandoned);
            live = live.filter((each) => each !== ended);
            gone.push(ended.task);
          }
        }
        // late messages about tasks that are gone change nothing
        for (const task of gone) table.end(task, false);
        expect(table.size).toBe(live.length);
        for (let site = 0; site <= 4; site++) {
          const mine = live.filter((each) => each.site === site);
          const figures = table.figures(site);
          expect(figures.live).toBe(mine.reduce((sum, each) => sum + each.weight, 0));
          expect(figures.variance).toBe(mine.reduce((sum, each) => sum + each.weight * (each.weight - 1), 0));
          expect(figures.started - figures.ended - figures.abandoned).toBe(figures.live);
          expect(table.oldest(site)).toBe(mine[0]?.start ?? -1);
          const visited: number[] = [];
          const more = table.visit(site, 10, (task) => visited.push(task));
          expect(visited).toEqual(mine.slice(0, 10).map((each) => each.task));
          expect(more).toBe(mine.slice(10).reduce((sum, each) => sum + each.weight, 0));
        }
      }),
    );
  });

  test('names each changed site once, and only those, in ascending order', () => {
    const table = createTaskTable();
    for (let i = 0; i < 3; i++) table.addSite();
    const task = table.start(1, 1, 0, null);
    table.start(1, 1, 0, null);
    expect([...table.takeDirty()]).toEqual([1]);
    expect([...table.takeDirty()]).toEqual([]);
    table.start(2, 1, 0, null);
    table.end(task, false);
    expect([...table.takeDirty()]).toEqual([1, 2]);
  });

  test('says what it had no room for', () => {
    const table = createTaskTable();
    table.addSite();
    for (let i = 0; i < MAX_TASKS; i++) table.start(0, 1, 0, null);
    expect(table.start(0, 3, 0, null)).toBe(-1);
    expect(table.dropped).toBe(3);
    expect(table.figures(0).live).toBe(MAX_TASKS);
  });

  test('lets go of a resource at its end', () => {
    const table = createTaskTable();
    table.addSite();
    const resource = {};
    const task = table.start(0, 1, 0, resource);
    const seen: unknown[] = [];
    table.visit(0, 1, (_task, _start, _weight, held) => seen.push(held));
    expect(seen).toEqual([resource]);
    table.end(task, false);
    table.start(0, 1, 0, null);
    table.visit(0, 1, (_task, _start, _weight, held) => seen.push(held));
    expect(seen).toEqual([resource, null]);
  });
});
