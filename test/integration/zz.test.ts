import { expect, test } from 'vitest';
import { expectedRows, readDumpPrograms, shownRows } from '../support/dumpTruth.ts';
import { startProgram, takeDump } from '../support/dumpTruthRun.ts';
import { NODES } from '../support/nodes.ts';
const names = ''.split(' ');
for (const program of readDumpPrograms().filter(({ name }) => names.length === 0 || names[0] === '' || names.includes(name))) for (const node of NODES.filter(({version}) => ('22' === 'all' || String(version) === '22') && program.nodes.includes(version))) test.concurrent(program.name + ' Node ' + node.version, async () => {
  const expected = expectedRows(program, node.version); const running = await startProgram(node, program);
  try { const d = await takeDump(running.url); try { const shown = shownRows(program, d.dump); expect(shown).toEqual(expected); if (program.settles) expect(await d.settledOrphans()).toEqual([]); } finally { await d.close(); } } finally { await running.stop(); }
}, 60000);
