/** Watches a program from its first line until it shows what is expected of it. */
import type { AttachedTarget } from '../../src/cdp/target.ts';
import { spawnTarget } from '../../src/cdp/spawn.ts';
import { SessionModel } from '../../src/core/model/sessionModel.ts';
import { pollInto } from '../../src/server/session.ts';
import type { PositionSource } from '../../src/server/sourceMaps.ts';
import { createSourceMaps } from '../../src/server/sourceMaps.ts';
import type { TestNode } from './nodes.ts';
import { shownPicture } from './truth.ts';
import { until } from './until.ts';

const END_LIMIT_MS = 2_000;

export interface WatchedProgram {
  readonly model: SessionModel;
  readonly target: AttachedTarget;
  readonly positions: PositionSource;
  readonly poll: () => Promise<unknown>;
}

/**
 * @param program flags and file, and arguments; it says `ready` on its standard error when everything is there
 * @param use looks at the model; the program ends after it
 */
export async function watchProgram<T>(
  node: TestNode,
  program: readonly string[],
  use: (watched: WatchedProgram) => Promise<T>,
  cwd?: string,
): Promise<T> {
  let ready = false;
  const stderr: string[] = [];
  const { child, target, exited } = await spawnTarget([node.path, ...program], {
    budgetPercent: 100,
    stdout: 'inherit',
    ...(cwd !== undefined && { cwd }),
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
    const poll = (): Promise<unknown> => pollInto(model, target, positions);
    await until(async () => {
      if (ended !== undefined) throw new Error(`ended: ${JSON.stringify(ended)}`);
      await poll();
      return ready;
    }).catch((error: unknown) => {
      throw new Error(`${program.join(' ')} did not say that it is ready, but:\n${stderr.join('\n')}`, { cause: error });
    });
    return await use({ model, target, positions, poll });
  } finally {
    await target.detach();
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
    await exited;
    clearTimeout(killer);
  }
}

/** What the model shows of the user's code, as soon as that is what is expected, or after a while. */
export function pictureOfProgram(node: TestNode, program: readonly string[], expected: readonly string[]): Promise<readonly string[]> {
  return watchProgram(node, program, async ({ model, poll }) => {
    await until(async () => {
      await poll();
      return shownPicture(model).join('|') === expected.join('|');
    }, 3_000).catch(() => undefined);
    // and once more: the picture must stand, not pass by
    await poll();
    return shownPicture(model);
  });
}
