import { describe, expect, test } from 'vitest';
import { processTable, processesAsJson } from '../../../src/cli/list.ts';
import type { NodeProcess } from '../../../src/protocol/lsp.ts';
import { displayWidth } from '../../../src/cli/terminalText.ts';

const open: NodeProcess = { pid: 12, name: 'server.js', cwd: '/srv/shop', access: { kind: 'open', address: '127.0.0.1:9229' } } as NodeProcess;
const refused: NodeProcess = {
  pid: 1234,
  name: `\u001b[31m${'long/'.repeat(30)}x.js`,
  cwd: `/${'deep/'.repeat(30)}end`,
  access: { kind: 'refused', reason: 'It does not listen for SIGUSR1.' },
} as NodeProcess;

describe('the list of processes', () => {
  test('says how each can be attached to', () => {
    expect(processTable([open]).split('\n')).toEqual(['PID  NAME       FOLDER     ATTACH', ' 12  server.js  /srv/shop  127.0.0.1:9229', '']);
  });

  test('cuts long names at the end and long folders at the start, and acts on no terminal', () => {
    const [, , line = ''] = processTable([open, refused]).split('\n');
    expect(line).not.toContain('\u001b');
    expect(line).toMatch(/long…\s+….*deep\/end\s+no: It does not listen for SIGUSR1\.$/);
    expect(displayWidth(line)).toBeLessThan(140);
  });

  test('is said to be empty', () => {
    expect(processTable([])).toBe('No Node process of yours runs here.\n');
  });

  test('is whole for programs, an object a line', () => {
    const lines = processesAsJson([open, refused]).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as NodeProcess).pid)).toEqual([12, 1234]);
    expect((JSON.parse(lines[1] ?? '') as NodeProcess).cwd).toBe(refused.cwd);
    expect(processesAsJson([open, refused])).not.toContain('\u001b');
  });
});
