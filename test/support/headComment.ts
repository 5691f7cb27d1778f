/** The comment at the head of a program of a corpus: what it shows, and what it needs. */
import { basename, dirname, join } from 'node:path';
import type { NodeVersion } from './nodes.ts';

const ALL_VERSIONS: readonly NodeVersion[] = [20, 22, 24, 26];

export interface HeadComment {
  /** Its lines, with their slashes. */
  readonly lines: readonly string[];
  /** The first sentence, without its end. */
  readonly covers: string;
  /** The supported versions that the program can run on. */
  readonly nodes: readonly NodeVersion[];
  /** Options of Node. */
  readonly flags: readonly string[];
  /** Runs as it is, with Node's own type stripping: not compiled first. */
  readonly stripped: boolean;
  /** The program and the files that it is made of besides, absolute. */
  readonly files: readonly string[];
  /** What stands after `// name: `. */
  readonly directive: (name: string) => string | undefined;
}

/** Directives of all corpora. */
const COMMON = ['flags', 'nodes', 'with', 'stripped'];

/**
 * @param own directives of this corpus
 * @param ends characters that end the sentence that says what the program shows
 * @throws {Error} when it does not say what the program is about, or names a version that is not supported
 */
export function readHeadComment(file: string, source: string, own: readonly string[], ends: string): HeadComment {
  const all = source.split('\n');
  const end = all.findIndex((line) => !line.startsWith('//'));
  const lines = all.slice(0, end < 0 ? all.length : end);
  const fail = (why: string): never => {
    throw new Error(`${basename(file)} ${why}`);
  };
  const directive = (name: string): string | undefined => lines.flatMap((line) => (line.startsWith(`// ${name}: `) ? [line.slice(name.length + 5).trim()] : []))[0];
  const directives = new RegExp(`^//(?:=| (?:${[...COMMON, ...own].join('|')}): )`);
  const text = lines
    .filter((line) => !directives.test(line))
    .map((line) => line.replace(/^\/\/ ?/, ''))
    .join(' ');
  const versions = directive('nodes')?.split(' - ')[0]?.trim().split(' ').map(Number);
  const nodes = ALL_VERSIONS.filter((version) => versions?.includes(version) ?? true);
  if (versions !== undefined && versions.length !== nodes.length) fail(`runs on versions among ${ALL_VERSIONS.join(', ')}.`);
  return {
    lines,
    covers: new RegExp(`^.+?[${ends}](?= |$)`).exec(text)?.[0].slice(0, -1) ?? fail('does not say in its head comment what it shows.'),
    nodes,
    flags: directive('flags')?.split(' ') ?? [],
    stripped: directive('stripped') !== undefined,
    files: [file, ...(directive('with')?.split(' ') ?? []).map((name) => join(dirname(file), name))],
    directive,
  };
}
