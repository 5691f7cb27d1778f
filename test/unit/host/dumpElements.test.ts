import { describe, expect, it } from 'vitest';
import { DumpElements } from '../../../src/host/dump/dumpElements';
import type { DumpElement } from '../../../src/host/dump/dumpElements';
import type { DumpRow } from '../../../src/host/dump/dumpTree';
import { dumpRows, pathToGroup, pathToTask, scopeRows, taskRows, unavailableRow } from '../../../src/host/dump/dumpTree';
import { sampleDump } from '../../support/sampleDump';

const [groupRow] = pathToGroup(dumpRows([{ id: 'd1', name: 'orders', dump: sampleDump(), sessionId: '1', processRestarts: 0 }], 'verdict'), { dumpId: 'd1', groupId: 'find' }).slice(-1);

function taskElement(): DumpElement {
  const row = groupRow === undefined ? undefined : pathToTask(groupRow, 4).at(-1);
  if (row === undefined) throw new Error('no task');
  return { id: row.id, row, parent: undefined };
}

/** A process that answers one look-up after the other. */
class FakeLookUps {
  asked = 0;
  readonly answers: ('timeout' | 'found' | 'nothing')[] = [];

  rows({ dumpId, id, query }: DumpRow): Promise<readonly DumpRow[]> {
    this.asked++;
    if (query?.type !== 'task') throw new Error('no task');
    switch (this.answers.shift()) {
      case 'timeout':
        return Promise.resolve([unavailableRow(dumpId, id, { message: 'It does not answer.' })]);
      case 'nothing':
        return Promise.resolve(scopeRows(dumpId, id, { type: 'scopes', group: query.group, task: query.task, frame: 0 }, { scopes: [] }));
      default:
        return Promise.resolve(taskRows(dumpId, id, query.group, query.task, []));
    }
  }
}

const kept = (): boolean => true;

describe('the rows below one that is looked up', () => {
  it('are the same objects as long as nothing changes, and are looked up once', async () => {
    const lookUps = new FakeLookUps();
    const elements = new DumpElements(lookUps);
    const task = taskElement();
    const below = await elements.below(task);
    expect(elements.forgetUnavailable(task)).toBe(false);
    expect(await elements.below(task)).toBe(below);
    elements.clear(kept);
    expect(await elements.below(task)).toHaveLength(below.length);
    expect(lookUps.asked).toBe(1);
    elements.clear(() => false);
    await elements.below(task);
    expect(lookUps.asked).toBe(2);
  });

  it('are not asked for again where there is nothing: that is an answer', async () => {
    const lookUps = new FakeLookUps();
    lookUps.answers.push('nothing');
    const elements = new DumpElements(lookUps);
    const task = taskElement();
    expect((await elements.below(task)).map(({ row }) => row.label)).toEqual(['No variables']);
    expect(elements.forgetUnavailable(task)).toBe(false);
    await elements.below(task);
    expect(lookUps.asked).toBe(1);
  });

  it('are asked for again once the row that says what is missing was folded away', async () => {
    const lookUps = new FakeLookUps();
    lookUps.answers.push('timeout', 'found');
    const elements = new DumpElements(lookUps);
    const task = taskElement();
    const labels = async (): Promise<readonly string[]> => (await elements.below(task)).map(({ row }) => row.label);
    expect(await labels()).toEqual(['It does not answer.']);
    // what VS Code asks for while the row is open asks nothing of the process
    expect(await labels()).toEqual(['It does not answer.']);
    expect(lookUps.asked).toBe(1);
    expect(elements.forgetUnavailable(task)).toBe(true);
    expect(await labels()).toEqual(['(anonymous)', 'OrderStore.find', 'Database.findOrder']);
    expect(elements.forgetUnavailable(task)).toBe(false);
    expect(lookUps.asked).toBe(2);
  });
});
