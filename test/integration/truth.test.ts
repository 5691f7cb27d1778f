/**
 * The truth corpus: programs whose live tasks are known by construction, watched from their first line on every supported
 * Node. What the model shows of the user's code must be exactly what the program says, and docs/truth.md must tell it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIBRARIES_PACKAGE } from '../../scripts/lib/paths.ts';
import { NODES } from '../support/nodes.ts';
import { startServices } from '../support/services.ts';
import type { Services } from '../support/services.ts';
import { CORPORA, readPrograms } from '../support/truth.ts';
import { runProgram } from '../support/truthRun.ts';
import { keptSection, renderSection, resultKey, writeSection } from '../support/truthTable.ts';
import type { TruthResult } from '../support/truthTable.ts';

const write = process.env['ASYNCSCOPE_TRUTH'] === 'write';

describe.each(Object.entries(CORPORA))('%s', (heading, directory) => {
  const programs = readPrograms(directory);
  const results = new Map<string, TruthResult>();
  const runs = programs.flatMap((program) =>
    NODES.filter(({ version }) => program.nodes.includes(version)).map((node) => ({ program, node })),
  );

  let services: Services | undefined;
  beforeAll(async () => {
    if (directory !== LIBRARIES_PACKAGE) return;
    services = await startServices();
    // the programs find their servers in what they inherit
    Object.assign(process.env, services.env);
  });
  afterAll(() => services?.stop());

  // Programs wait more than they work: several at once take hardly longer than one.
  describe.concurrent('shows', () => {
    test.each(runs)('$program.name, Node $node.version', async ({ program, node }) => {
      let shown: readonly string[] | undefined;
      try {
        ({ shown } = await runProgram(node, program));
      } finally {
        results.set(resultKey(node.version, program), shown?.join() === program.expected.join() ? 'ok' : 'WRONG');
      }
      expect(shown).toEqual(program.expected);
    });
  });

  afterAll(() => {
    console.log(`\nLive tasks against ground truth\n\n${renderSection(heading, programs, results)}`);
  });

  test('docs/truth.md tells what each program must show, and did (npm run truth writes it)', () => {
    // one program at a time is run while it is being written: then the others have no results
    const section = renderSection(heading, programs, results);
    if (write) writeSection(heading, section);
    expect(keptSection(heading)).toBe(section);
  });
});
