/** Reads what a program of the truth corpus must show from its own lines, and what the model shows of it. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { SessionModel } from '../../src/core/model/sessionModel.ts';
import { LIBRARIES_PACKAGE } from '../../scripts/lib/paths.ts';
import { readHeadComment } from './headComment.ts';
import type { NodeVersion } from './nodes.ts';

/** The corpora, by the heading under which `docs/truth.md` lists them. */
export const CORPORA = {
  "Node's own interfaces and the language": join(import.meta.dirname, '../fixtures/truth'),
  Libraries: LIBRARIES_PACKAGE,
} as const;

const PROGRAM = /\.(?:cjs|mjs|ts|mts|cts)$/;

/** `file:line kind` and how many; several sites on one line stand in one entry each, sorted. */
export type Picture = readonly string[];

export interface TruthProgram {
  /** File name, which is what people call it. */
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** The first sentence of its head comment. */
  readonly covers: string;
  /** The supported versions that it can run on. */
  readonly nodes: readonly NodeVersion[];
  /** Options of Node. */
  readonly flags: readonly string[];
  /** Runs as it is, with Node's own type stripping: not compiled first. */
  readonly stripped: boolean;
  readonly expected: Picture;
}

/** All programs of a corpus, by name. */
export function readPrograms(directory: string): readonly TruthProgram[] {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => PROGRAM.test(name) && !name.endsWith('.d.ts'));
  return names.sort().map((name) => readProgram(join(directory, name)));
}

/** @throws {Error} when the program does not say what it is about, or names a version that is not supported */
export function readProgram(file: string): TruthProgram {
  const source = readFileSync(file, 'utf8');
  const { covers, nodes, flags, stripped, files } = readHeadComment(file, source, ['pool'], '.');
  return { name: basename(file), file, covers, nodes, flags, stripped, expected: expectedPicture(files) };
}

export function expectedPicture(files: readonly string[]): Picture {
  const rows: string[] = [];
  for (const file of files) {
    const lines = readFileSync(file, 'utf8').split('\n');
    lines.forEach((text, index) => {
      for (const part of expectations(text)) rows.push(row(file, String(index + 1), part));
      const pool = /^\/\/ pool: (.+?) = (.+)$/.exec(text);
      if (pool) for (const part of parts(pool[2] ?? '')) rows.push(`${pool[1] ?? ''} ${part.kind} ${part.count}`);
    });
  }
  return rows.sort();
}

interface Expectation {
  readonly count: number;
  readonly kind: string;
}

function expectations(line: string): readonly Expectation[] {
  const text = /\/\/= (.+)$/.exec(line)?.[1];
  return text === undefined ? [] : parts(text);
}

function parts(text: string): readonly Expectation[] {
  return text.split(', ').map((part) => {
    const [count, kind] = part.trim().split(' ');
    return { count: Number(count), kind: kind ?? '' };
  });
}

/** The sites of the user's own code that have live tasks, and the pools that Node keeps for it. */
export function shownPicture(model: SessionModel): Picture {
  const rows: string[] = [];
  for (const { origin, file, line, kind, count, function: name } of model.sites()) {
    if (count === 0) continue;
    if (origin === 'app') rows.push(row(file ?? '?', String(line), { kind, count }));
    else if (name?.endsWith(' keep-alive') === true) rows.push(`${name} ${kind} ${count}`);
  }
  return rows.sort();
}

function row(file: string, line: string, { kind, count }: Expectation): string {
  return `${basename(file.replaceAll('\\', '/'))}:${line.padStart(3)} ${kind} ${count}`;
}
