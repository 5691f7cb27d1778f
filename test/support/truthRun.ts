/** Runs one program of the truth corpus under the agent and says what the model shows of it. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { transform } from 'esbuild';
import { spawnTarget } from '../../src/cdp/spawn.ts';
import { SessionModel } from '../../src/core/model/sessionModel.ts';
import { pollInto } from '../../src/server/session.ts';
import { createSourceMaps } from '../../src/server/sourceMaps.ts';
import type { TestNode } from './nodes.ts';
import { shownPicture } from './truth.ts';
import type { Picture, TruthProgram } from './truth.ts';
import { until } from './until.ts';

/** Node tells of closed handles and collected promises in tasks of its own, after the fact: so long it may take. */
const SETTLE_MS = 3_000;
/** What does not end when asked to is killed. */
const END_MS = 2_000;

export interface TruthRun {
  readonly shown: Picture;
  readonly model: SessionModel;
}

/**
 * Starts the program with the agent in it, waits until it says that it is ready and the picture is the expected one twice in
 * a row, as it must stand and not pass by, or {@link SETTLE_MS} have passed.
 * @throws {Error} when the program ends before
 */
export async function runProgram(node: TestNode, program: TruthProgram, settleMs = SETTLE_MS): Promise<TruthRun> {
  const scratch = await mkdtemp(join(tmpdir(), 'asyncscope-truth-'));
  const file = program.name.endsWith('.ts') && !program.stripped ? await compile(program.file, scratch) : program.file;
  const stderr: string[] = [];
  const started = await spawnTarget([node.path, ...program.flags, file], {
    budgetPercent: 100,
    stdout: 'inherit',
    stderr: (line) => stderr.push(line),
  });
  const { child, target, exited } = started;
  try {
    const model = new SessionModel();
    const positions = createSourceMaps();
    let ended: unknown;
    exited.then((how) => (ended = how)).catch(() => undefined);
    await until(() => {
      if (ended !== undefined) throw new Error(`${program.name} ended: ${JSON.stringify(ended)}\n${stderr.join('\n')}`);
      return stderr.includes('ready');
    }).catch(async (error: unknown) => {
      // what it is doing tells more than that it is late
      await pollInto(model, target, positions).catch(() => stderr.push('(it does not answer)'));
      throw new Error(`${program.name}: ${String(error)}\n${stderr.join('\n')}\n${JSON.stringify([...model.sites()], null, 1)}`);
    });
    let rightBefore = false;
    await until(async () => {
      await pollInto(model, target, positions);
      const right = shownPicture(model).join() === program.expected.join();
      const stands = right && rightBefore;
      rightBefore = right;
      return stands;
    }, settleMs).catch(() => undefined);
    return { shown: shownPicture(model), model };
  } finally {
    await target.detach();
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await exited;
    clearTimeout(killer);
    await rm(scratch, { recursive: true, force: true });
  }
}

async function compile(source: string, directory: string): Promise<string> {
  const out = join(directory, basename(source).replace(/\.ts$/, '.mjs'));
  const { code, map } = await transform(readFileSync(source, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    minify: true,
    sourcemap: 'external',
    sourcefile: source,
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
  });
  // what it imports from packages is found from where it came from
  const modules = join(dirname(source), 'node_modules');
  if (existsSync(modules)) await symlink(modules, join(directory, 'node_modules'));
  await writeFile(out, `${code}\n//# sourceMappingURL=${basename(out)}.map\n`);
  await writeFile(`${out}.map`, map);
  return out;
}
