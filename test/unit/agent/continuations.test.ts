import { expect, test } from 'vitest';
import { createContinuations } from '../../../src/agent/continuations.ts';
import { createTaskTable } from '../../../src/agent/taskTable.ts';

function setUp(sites: number) {
  const table = createTaskTable();
  for (let i = 0; i < sites; i++) table.addSite();
  return { table, continuations: createContinuations(table) };
}

test('a resumed function goes on for the site whose call is not done yet', () => {
  const { table, continuations } = setUp(2);
  continuations.add('f', 0, true);
  continuations.add('f', 1, true);
  const done = table.start(0, 1, 1, null);
  table.start(1, 1, 2, null);
  table.end(done, false);
  expect(continuations.siteOf('f', 'TCPWRAP', 0)).toBe(1);
  expect(continuations.onlySiteOf('f')).toBe(1);
  expect(continuations.siteOf('g', 'TCPWRAP', 0)).toBe(-1);
});

test('calls from several sites get there in the order in which they were made, each type of resource for itself', () => {
  const { table, continuations } = setUp(2);
  continuations.add('f', 0, true);
  continuations.add('f', 1, true);
  [0, 1, 1, 0].forEach((site, index) => table.start(site, 1, 10 + index, null));
  const next = (type: string) => continuations.siteOf('f', type, 0);
  expect([1, 2, 3, 4].map(() => next('TCPWRAP'))).toEqual([0, 1, 1, 0]);
  expect(next('Timeout')).toBe(0);
  expect(continuations.onlySiteOf('f')).toBe(-1);
});

test('a function that was called by another one leads to the site of that, unless there is doubt', () => {
  const { table, continuations } = setUp(3);
  continuations.add('inner', 2, false);
  expect(continuations.siteOf('inner', 'TCPWRAP', 0)).toBe(-1);
  continuations.calledBy(2, 0);
  const first = table.start(2, 1, 1, null);
  expect(continuations.siteOf('inner', 'TCPWRAP', 0)).toBe(0);
  continuations.calledBy(2, 1);
  table.start(2, 1, 2, null);
  expect(continuations.siteOf('inner', 'TCPWRAP', 0)).toBe(-1);
  expect(continuations.onlySiteOf('inner')).toBe(-1);
  table.end(first, false);
  expect(continuations.onlySiteOf('inner')).toBe(-1);
});

test('calls of this very turn come before older ones that are waiting for something else', () => {
  const { table, continuations } = setUp(2);
  const f = continuations.add('f', 0, true);
  continuations.begins(f, 7, 1);
  table.start(0, 1, 1, null);
  continuations.add('f', 1, true);
  continuations.begins(f, 8, 5);
  table.start(1, 1, 5, null);
  expect(continuations.siteOf('f', 'TCPWRAP', 8)).toBe(1);
});
