/**
 * The truth corpus: programs whose live tasks are known by construction, watched from their first line on every supported
 * Node. What the model shows of the user's code must be exactly what the program says.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawnTarget } from '../../src/cdp/spawn.ts';
import { SessionModel } from '../../src/core/model/sessionModel.ts';
import { pollInto } from '../../src/server/session.ts';
import { createSourceMaps } from '../../src/server/sourceMaps.ts';
import { NODES } from '../support/nodes.ts';
import type { TestNode } from '../support/nodes.ts';
import { expectedPicture, shownPicture } from '../support/truth.ts';
import { until } from '../support/until.ts';

const CORPUS = join(import.meta.dirname, '../fixtures/truth');
const PROGRAMS = readdirSync(CORPUS).filter((name) => /\.(?:cjs|mjs|ts)$/.test(name));
/** Files beside a program that show tasks of their own. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = { 'dynamicImport.mjs': ['support/suspended.mjs'] };

let built: string;
const results: string[] = [];

beforeAll(async () => {
  built = await mkdtemp(join(tmpdir(), 'asyncscope-truth-'));
});

afterAll(async () => {
  await rm(built, { recursive: true, force: true });
  console.log(['', 'Live tasks against ground truth', ...results.sort(), ''].join('\n'));
});

describe.each(PROGRAMS)('%s', (program) => {
  const source = readFileSync(join(CORPUS, program), 'utf8');
  const only = /^\/\/ nodes: ([\d ]+)/m.exec(source)?.[1]?.trim().split(' ').map(Number);
  const nodes = NODES.filter(({ version }) => only?.includes(version) ?? true);
  const flags = /^\/\/ flags: (.+)$/m.exec(source)?.[1]?.split(' ') ?? [];
  const expected = expectedPicture([program, ...(COMPANIONS[program] ?? [])].map((name) => join(CORPUS, name)));

  test.each(nodes)('Node $version', async (node) => {
    const shown = await watch(node, program, flags, expected);
    results.push(`${shown.join('|') === expected.join('|') ? 'ok  ' : 'WRONG'} Node ${node.version} ${program}: ${expected.length} sites`);
    expect(shown).toEqual(expected);
  });
});

async function watch(node: TestNode, program: string, flags: readonly string[], expected: readonly string[]): Promise<readonly string[]> {
  const file = program.endsWith('.ts') ? await compile(program) : join(CORPUS, program);
  let ready = false;
  const stderr: string[] = [];
  const { child, target, exited } = await spawnTarget([node.path, ...flags, file], {
    budgetPercent: 100,
    stdout: 'inherit',
    stderr: (line) => {
      stderr.push(line);
      if (line === 'ready') ready = true;
    },
  });
  try {
    const model = new SessionModel();
    const positions = createSourceMaps();
    let ended: unknown;
    exited.then((how) => (ended = how)).catch(() => undefined);
    await until(() => {
      if (ended !== undefined) throw new Error(`${program} ended: ${JSON.stringify(ended)}\n${stderr.join('\n')}`);
      return ready;
    });
    // Node tells of closed handles and collected promises in tasks of its own, after the fact.
    await until(async () => {
      await pollInto(model, target, positions);
      return shownPicture(model).join('|') === expected.join('|');
    }, 3_000).catch(() => undefined);
    // and once more: the picture must stand, not pass by
    await pollInto(model, target, positions);
    return shownPicture(model);
  } finally {
    await target.detach();
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), 2_000);
    await exited;
    clearTimeout(killer);
  }
}

async function compile(program: string): Promise<string> {
  const out = join(built, basename(program).replace(/\.ts$/, '.mjs'));
  const { code, map } = await transform(readFileSync(join(CORPUS, program), 'utf8'), {
    loader: 'ts',
    format: 'esm',
    minify: true,
    sourcemap: 'external',
    sourcefile: join(CORPUS, program),
  });
  await writeFile(out, `${code}\n//# sourceMappingURL=${basename(out)}.map\n`);
  await writeFile(`${out}.map`, map);
  return out;
}
