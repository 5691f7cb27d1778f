/** `npm run build [-- --production] [-- --watch]`: bundles the extension, the server, the terminal and the agent, and compiles the sample. */
import { context, build as esbuild } from 'esbuild';
import { chmod, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { allBundles } from './lib/bundles.ts';
import { DIST, ROOT, SAMPLE } from './lib/paths.ts';

const { values } = parseArgs({ options: { production: { type: 'boolean' }, watch: { type: 'boolean' } } });
await build(values.production === true, values.watch === true);

async function build(production: boolean, watch: boolean): Promise<void> {
  const bundles = await allBundles(production);
  await rm(DIST, { recursive: true, force: true });
  await rm(join(SAMPLE, 'dist'), { recursive: true, force: true });
  if (watch) {
    for (const bundle of bundles) await (await context({ ...bundle.options, logLevel: 'info' })).watch();
    console.log('Watching. Ctrl-C ends it.');
    return;
  }
  await Promise.all(bundles.map((bundle) => esbuild(bundle.options)));
  for (const { options } of bundles) {
    if (options.outfile === undefined) continue;
    const { size } = await stat(options.outfile);
    console.log(`${relative(ROOT, options.outfile).padEnd(20)} ${(size / 1024).toFixed(1).padStart(8)} KB`);
  }
  await chmod(join(DIST, 'cli.js'), 0o755);
}
