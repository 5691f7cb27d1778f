import { describe, expect, it } from 'vitest';
import type { DumpScope, DumpUnavailable, DumpVariables } from '../../../src/protocol/lsp';
import type { DumpRow } from '../../../src/host/dump/dumpTree';
import { dumpRows, pathToGroup, pathToTask } from '../../../src/host/dump/dumpTree';
import type { LookUpServer } from '../../../src/host/dump/lookUps';
import { LookUps } from '../../../src/host/dump/lookUps';
import { LET_GO } from '../../../src/server/dump/dumpStore';
import { sampleDump } from '../../support/sampleDump';

/** A process whose variables nest two deep, and that keeps only the references of the last answer. */
class FakeServer implements LookUpServer {
  readonly asked: string[] = [];
  #kept = new Set<string>();
  #next = 0;

  dumpLocate({ task, frame }: { readonly task: number; readonly frame: number }): Promise<{ readonly awaiting: null }> {
    this.asked.push(`locate ${String(task)}/${String(frame)}`);
    return Promise.resolve({ awaiting: null });
  }

  dumpVariables(): Promise<DumpVariables> {
    this.asked.push('variables');
    return Promise.resolve({ scopes: [{ name: 'Local', variables: this.#variables('order') }] });
  }

  dumpVariable({ reference }: { readonly reference: string }): Promise<DumpScope | DumpUnavailable> {
    this.asked.push(`variable ${reference}`);
    if (!this.#kept.has(reference)) return Promise.resolve(LET_GO);
    return Promise.resolve({ name: 'x', variables: this.#variables(reference.split(' ')[0] === 'order' ? 'customer' : 'name') });
  }

  #variables(name: string): DumpScope['variables'] {
    const reference = name === 'name' ? null : `${name} ${String(this.#next++)}`;
    this.#kept = new Set(reference === null ? [] : [reference]);
    return [{ name, value: '…', type: 'object', reference }];
  }
}

const [groupRow] = pathToGroup(dumpRows([{ id: 'd1', name: 'orders', dump: sampleDump(), sessionId: '1', processRestarts: 0 }], 'verdict'), { dumpId: 'd1', groupId: 'find' }).slice(-1);

function taskRow(): DumpRow {
  const row = groupRow === undefined ? undefined : pathToTask(groupRow, 4).at(-1);
  if (row === undefined) throw new Error('no task');
  return row;
}

async function below(lookUps: LookUps, row: DumpRow | undefined): Promise<readonly DumpRow[]> {
  if (row === undefined) throw new Error('no row');
  return row.query === undefined ? row.children() : lookUps.rows(row, row.query);
}

describe('looking up', () => {
  it('asks where each function of a task stands', async () => {
    const server = new FakeServer();
    await below(new LookUps(server, String), taskRow());
    expect(server.asked).toEqual(['locate 4/0', 'locate 4/1', 'locate 4/2']);
  });

  it('asks nothing that is known of all tasks of the group', async () => {
    const server = new FakeServer();
    const row = taskRow();
    if (row.query?.type !== 'task') throw new Error('no query');
    const { group } = row.query;
    const chain = group.chain.map((frame, index) => ({ ...frame, awaitingKnown: index === 1 ? 1 : group.count }));
    await new LookUps(server, String).rows(row, { ...row.query, group: { ...group, chain } });
    expect(server.asked).toEqual(['locate 4/1']);
  });

  it('finds a variable again whose reference is not kept', async () => {
    const server = new FakeServer();
    const lookUps = new LookUps(server, String);
    const frames = await below(lookUps, taskRow());
    const [scope] = await below(lookUps, frames[0]);
    const [order] = await below(lookUps, scope);
    const [customer] = await below(lookUps, order);
    // Another frame is unfolded meanwhile.
    await below(lookUps, frames[1]);
    expect((await below(lookUps, customer)).map(({ label }) => label)).toEqual(['name']);
  });

  it('asks one thing after the other', async () => {
    let [running, most] = [0, 0];
    const server: LookUpServer = {
      dumpLocate: async () => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
        return { awaiting: null };
      },
      dumpVariables: () => Promise.resolve({ scopes: [] }),
      dumpVariable: () => Promise.resolve({ name: '', variables: [] }),
    };
    const lookUps = new LookUps(server, String);
    await Promise.all([below(lookUps, taskRow()), below(lookUps, taskRow())]);
    expect(most).toBe(1);
  });

  it('says in a row what went wrong, and goes on after it', async () => {
    let broken = true;
    const server: LookUpServer = {
      dumpLocate: () => (broken ? Promise.reject(new Error('the connection is gone')) : Promise.resolve({ awaiting: null })),
      dumpVariables: () => Promise.resolve({ unavailable: 'ended', message: 'The process has ended.' }),
      dumpVariable: () => Promise.resolve({ name: '', variables: [] }),
    };
    const lookUps = new LookUps(server, (error) => (error as Error).message);
    expect((await below(lookUps, taskRow())).map(({ label }) => label)).toEqual(['the connection is gone']);
    broken = false;
    const frames = await below(lookUps, taskRow());
    expect((await below(lookUps, frames[0])).map(({ label }) => label)).toEqual(['The process has ended.']);
  });
});
