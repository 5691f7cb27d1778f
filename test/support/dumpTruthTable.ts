/** `docs/dump-truth.md`: what a dump of each program of the corpus must show, and whether it does. Written by `npm run truth`. */
import { join } from 'node:path';
import type { DumpProgram } from './dumpTruth.ts';
import { TABLE_VERSIONS, escapeCell, resultKey } from './truthTable.ts';
import type { TruthResults } from './truthTable.ts';

export const DUMP_TABLE = join(import.meta.dirname, '../../docs/dump-truth.md');
export const DUMP_TABLE_HEADING = 'The programs';

/** A section with a table: a row for each program. */
export function renderDumpTable(programs: readonly DumpProgram[], results: TruthResults): string {
  const rows = programs.map((program) => {
    const cells = TABLE_VERSIONS.map((version) => (program.nodes.includes(version) ? (results.get(resultKey(version, program)) ?? '?') : '–'));
    return `| ${[`\`${program.name}\``, program.covers, expectationText(program), ...cells].map(escapeCell).join(' | ')} |`;
  });
  const runs = programs.reduce((sum, { nodes }) => sum + nodes.length, 0);
  const groups = programs.reduce((sum, program) => sum + program.nodes.length * program.groups.length, 0);
  return [
    `## ${DUMP_TABLE_HEADING}`,
    '',
    `${programs.length} programs, ${runs} runs, ${groups} groups.`,
    '',
    `| Program | What it covers | Waits for, verdict | ${TABLE_VERSIONS.map((version) => `Node ${version}`).join(' | ')} |`,
    '|---|---|---|:-:|:-:|:-:|:-:|',
    ...rows,
    '',
  ].join('\n');
}

/** `3 x timer, in flight; 1 x nothing, orphan`: groups that wait alike together. */
function expectationText(program: DumpProgram): string {
  const counts = new Map<string, number>();
  for (const { count, waitsFor, verdict } of program.groups) {
    const key = verdict === null ? waitsFor : `${waitsFor}, ${verdict}`;
    counts.set(key, (counts.get(key) ?? 0) + count);
  }
  return [...counts].map(([key, count]) => `${count} x ${key}`).join('; ') || 'nothing';
}
