/** `docs/truth.md`: what each program of the truth corpus must show, and whether it is shown. Written by `npm run truth`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeVersion } from './nodes.ts';
import type { TruthProgram } from './truth.ts';

export const TRUTH_TABLE = join(import.meta.dirname, '../../docs/truth.md');
export const TABLE_VERSIONS: readonly NodeVersion[] = [20, 22, 24, 26];

export type TruthResult = 'ok' | 'WRONG';

/** Results by `<version> <program>`. */
export type TruthResults = ReadonlyMap<string, TruthResult>;

export function resultKey(version: NodeVersion, { name }: { readonly name: string }): string {
  return `${version} ${name}`;
}

/** One corpus as a section with a table: a row for each program. */
export function renderSection(heading: string, programs: readonly TruthProgram[], results: TruthResults): string {
  const rows = programs.map((program) => {
    const cells = TABLE_VERSIONS.map((version) => (program.nodes.includes(version) ? (results.get(resultKey(version, program)) ?? '?') : '–'));
    return `| ${[`\`${program.name}\``, program.covers, expectationText(program), ...cells].map(escapeCell).join(' | ')} |`;
  });
  const runs = programs.reduce((sum, { nodes }) => sum + nodes.length, 0);
  const sites = programs.reduce((sum, { nodes, expected }) => sum + nodes.length * expected.length, 0);
  return [
    `## ${heading}`,
    '',
    `${programs.length} programs, ${runs} runs, ${sites} counts.`,
    '',
    `| Program | What it covers | Expected | ${TABLE_VERSIONS.map((version) => `Node ${version}`).join(' | ')} |`,
    '|---|---|---|:-:|:-:|:-:|:-:|',
    ...rows,
    '',
  ].join('\n');
}

/** The section of the kept document, or undefined when it has none. */
export function keptSection(heading: string, document = TRUTH_TABLE): string | undefined {
  const text = readFileSync(document, 'utf8');
  const begin = text.indexOf(`## ${heading}\n`);
  if (begin < 0) return undefined;
  const next = text.indexOf('\n## ', begin);
  return next < 0 ? text.slice(begin) : text.slice(begin, next + 1);
}

/** Replaces the section, or adds it at the end. */
export function writeSection(heading: string, section: string, document = TRUTH_TABLE): void {
  const text = readFileSync(document, 'utf8');
  const kept = keptSection(heading, document);
  writeFileSync(document, kept === undefined ? `${text.trimEnd()}\n\n${section}` : text.replace(kept, () => section));
}

/** `12: 2 handle, 1 request; 14: 1 promise`: the lines of the program; other files and pools by their name. */
function expectationText(program: TruthProgram): string {
  const byPlace = new Map<string, string[]>();
  for (const row of program.expected) {
    const [, place = '', kind = '', count = ''] = /^(.+) (\w+) (\d+)$/.exec(row) ?? [];
    const short = place.startsWith(`${program.name}:`) ? place.slice(program.name.length + 1) : place;
    const key = short.replace(/:? +(\d+)$/, (_match, line: string) => (short.includes(':') ? `:${line}` : line)).trim();
    byPlace.set(key, [...(byPlace.get(key) ?? []), `${count} ${kind}`]);
  }
  return [...byPlace].map(([place, counts]) => `${place}: ${counts.join(', ')}`).join('; ');
}

export function escapeCell(text: string): string {
  return text.replace(/[\\|]/g, '\\$&');
}
