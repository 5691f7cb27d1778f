/** The Node versions that every test against real processes runs on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NODES_PACKAGE } from '../../scripts/lib/paths.ts';

export type NodeVersion = 20 | 22 | 24 | 26;

export interface TestNode {
  /** Major version. */
  readonly version: NodeVersion;
  /** Absolute path of the executable. */
  readonly path: string;
}

/**
 * The supported Node versions. `npm test` installs them; `ASYNCSCOPE_NODE_<major>` names another executable.
 * @throws {Error} at import time when one is not there
 */
export const NODES: readonly TestNode[] = ([20, 22, 24, 26] as const).map((version) => {
  const path =
    process.env[`ASYNCSCOPE_NODE_${version}`] ?? join(NODES_PACKAGE, 'node_modules', `node${version}`, 'bin', 'node');
  if (!existsSync(path)) {
    throw new Error(`Node ${version} is not at ${path}. Run "npm test -- integration" once, which installs it, or set ASYNCSCOPE_NODE_${version}.`);
  }
  return { version, path };
});
