/**
 * The dump's corpus: programs whose suspended functions are known by construction, on every supported Node. A dump of each must show
 * exactly what the program says: groups with their counts, chains with the lines where they wait, what they wait for, verdicts. And what
 * is called an orphan must stay one when the program settles everything that it can. docs/dump-truth.md must tell it.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { expectedRows, readDumpPrograms, shownRows } from '../support/dumpTruth.ts';
import { startProgram, takeDump } from '../support/dumpTruthRun.ts';
import { DUMP_TABLE, DUMP_TABLE_HEADING, renderDumpTable } from '../support/dumpTruthTable.ts';
import { NODES } from '../support/nodes.ts';
import { keptSection, resultKey, writeSection } from '../support/truthTable.ts';
import type { TruthResult } from '../support/truthTable.ts';

const write = process.env['ASYNCSCOPE_TRUTH'] === 'write';
const programs = readDumpPrograms();
const results = new Map<string, TruthResult>();
const runs = programs.flatMap((program) => NODES.filter(({ version }) => program.nodes.includes(version)).map((node) => ({ program, node })));

describe.concurrent('shows', () => {
  test.each(runs)('$program.name, Node $node.version', async ({ program, node }) => {
    let shown: readonly string[] | undefined;
    const expected = expectedRows(program, node.version);
    const running = await startProgram(node, program);
    try {
      const dumped = await takeDump(running.url);
      try {
        shown = shownRows(program, dumped.dump);
        expect(shown).toEqual(expected);
        if (program.settles) expect(await dumped.settledOrphans()).toEqual([]);
      } finally {
        await dumped.close();
      }
    } finally {
      results.set(resultKey(node.version, program), shown?.join() === expected.join() ? 'ok' : 'WRONG');
      await running.stop();
    }
  });
});

afterAll(() => {
  console.log(`\nSuspended functions against ground truth\n\n${renderDumpTable(programs, results)}`);
});

test('docs/dump-truth.md tells what each program must show, and did (npm run truth writes it)', () => {
  // one program at a time is run while it is being written: then the others have no results
  const section = renderDumpTable(programs, results);
  if (write) writeSection(DUMP_TABLE_HEADING, section, DUMP_TABLE);
  expect(keptSection(DUMP_TABLE_HEADING, DUMP_TABLE)).toBe(section);
});
