import { describe, expect, test } from 'vitest';
import { targetItems } from '../../../src/host/commands/processItems';
import type { NodeProcess } from '../../../src/protocol/lsp';

const process = (pid: number, access: NodeProcess['access'], name = `app${pid}.js`): NodeProcess => ({ pid, identity: `id${pid}`, name, cwd: `/srv/${pid}`, access });
const PROCESSES = [process(1, { kind: 'open', address: '127.0.0.1:9229' }), process(2, { kind: 'signal' }), process(3, { kind: 'refused', reason: 'Because.' })];
const found = { processes: { processes: PROCESSES }, inspectors: [{ target: '127.0.0.1:9229', title: 'app', description: 'node' }, { target: '127.0.0.1:9230', title: 'in a container', description: 'node' }] };

describe('the picker of processes', () => {
  test('lists open inspectors first, and each once', () => {
    expect(targetItems('', found).map(({ label, description, chosen }) => [label, description, chosen?.target])).toEqual([
      ['inspector open', undefined, undefined],
      ['$(server-process) app1.js', 'pid 1 · 127.0.0.1:9229', 'pid:1'],
      ['$(server-process) 127.0.0.1:9230', 'in a container', '127.0.0.1:9230'],
      ['running without an inspector', undefined, undefined],
      ['$(server-process) app2.js', 'pid 2 · opens its inspector (SIGUSR1)', 'pid:2'],
      ['cannot be attached to', undefined, undefined],
      ['$(circle-slash) app3.js', 'pid 3', undefined],
    ]);
  });

  test('says which process was meant', () => {
    expect(targetItems('', found)[4]?.chosen).toEqual({ target: 'pid:2', identity: 'id2' });
  });

  test('puts an address that is typed first, and says what is wrong with anything else that no row matches', () => {
    expect(targetItems(' 9300 ', found)[0]?.chosen).toEqual({ target: '9300' });
    expect(targetItems('pid:77', found)[0]?.chosen).toEqual({ target: 'pid:77' });
    expect(targetItems('APP2', found)).toEqual(targetItems('', found));
    expect(targetItems('/srv/2', found)).toEqual(targetItems('', found));
    expect(targetItems('app77', found).at(-1)).toMatchObject({ label: '$(plug) app77', description: expect.stringContaining('Type a port') as string });
    expect(targetItems('app77', found).at(-1)?.chosen).toBeUndefined();
  });

  test('offers the default address where nothing was found on it', () => {
    expect(targetItems('', { processes: { processes: [] }, inspectors: [] }).at(-1)?.chosen?.target).toBe('127.0.0.1:9229');
    expect(targetItems('', { processes: { processes: [], unavailable: 'Not here.' }, inspectors: [] }).at(-1)?.detail).toBe('Not here.');
  });

  test('shows hostile names as text', () => {
    const hostile = process(9, { kind: 'open', address: '127.0.0.1:1' }, '$(bug)\u001b[31m\u202ename');
    expect(targetItems('', { processes: { processes: [hostile] }, inspectors: [] })[1]?.label).toBe('$(server-process) $ (bug)\ufffd[31m\ufffdname');
  });
});
