/** What benchmarks have in common: their options, and tables that are Markdown, for docs/overhead.md. */
import { cpus } from 'node:os';
import { NODES } from '../../support/nodes.ts';
import type { TestNode } from '../../support/nodes.ts';

/** @param version `--node`: a major version, several with commas, or nothing for all that are supported */
export function chosenNodes(version: string | undefined): readonly TestNode[] {
  const wanted = version?.split(',').map(Number);
  const nodes = NODES.filter((node) => wanted === undefined || wanted.includes(node.version));
  if (nodes.length === 0) throw new Error(`There is no Node ${version} here; there are ${NODES.map((node) => node.version).join(', ')}.`);
  return nodes;
}

/** A table whose rows are printed as they come. */
export function startTable(columns: readonly string[]): (cells: readonly string[]) => void {
  const widths = columns.map((column) => column.length);
  const print = (cells: readonly string[]): void => {
    console.log(`| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`);
  };
  print(columns);
  console.log(`|${columns.map(() => '---|').join('')}`);
  return print;
}

/** What a reader must know of the machine to make anything of a figure. */
export function describeMachine(): string {
  const all = cpus();
  return `${all[0]?.model.trim() ?? 'unknown processor'}, ${all.length} cores, ${new Date().toISOString().slice(0, 10)}`;
}

export function ratio(value: number): string {
  return value.toFixed(3);
}
