/** Bundles of the product, made fresh from the sources: what a test runs is what is in the tree. */
import { build } from 'esbuild';
import { basename, join } from 'node:path';
import { allBundles } from '../../scripts/lib/bundles.ts';

/** Writes `server.js`, `cli.js` and what they put into targets into `directory`. */
export async function bundleInto(directory: string): Promise<void> {
  const bundles = (await allBundles(false)).filter(({ name }) => name !== 'extension');
  await Promise.all(
    bundles.flatMap(({ options }) =>
      options.outfile === undefined ? [] : [build({ ...options, outfile: join(directory, basename(options.outfile)) })],
    ),
  );
}
