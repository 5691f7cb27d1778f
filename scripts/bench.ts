/** `npm run bench -- <name> [options]`: bundles and runs `test/bench/<name>.ts`. Build first: it measures what is in `dist`. */
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NODES_PACKAGE, ROOT } from './lib/paths.ts';
import { ensureNodes } from './lib/setup.ts';

const [name = '', ...args] = process.argv.slice(2);
const source = join(ROOT, 'test', 'bench', `${name}.ts`);
if (!/^[a-z]\w*$/i.test(name) || !existsSync(source)) {
  console.error(`There is no benchmark named "${name}" in test/bench.`);
  process.exit(1);
}
await ensureNodes();
// beside the other bundles, so that it finds the agent where the product does
const outfile = join(ROOT, 'dist', 'bench', `${name}.mjs`);
await build({
  entryPoints: [source],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  packages: 'external',
  define: { __dirname: 'import.meta.dirname', 'import.meta.dirname': 'import.meta.dirname' },
  logLevel: 'warning',
});
// a bundle no longer knows where its sources were
const nodes = Object.fromEntries(
  [20, 22, 24, 26].map((major) => [`ASYNCSCOPE_NODE_${major}`, join(NODES_PACKAGE, 'node_modules', `node${major}`, 'bin', 'node')]),
);
const child = spawn(process.execPath, [outfile, ...args], { stdio: 'inherit', cwd: ROOT, env: { ...nodes, ...process.env } });
const [code] = (await once(child, 'exit')) as [number | null];
process.exitCode = code ?? 1;
