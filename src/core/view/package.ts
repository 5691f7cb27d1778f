/** Which package a site belongs to, as far as its path tells. Pure. */
import type { Site } from '../model/task';

/** The last `node_modules` of a path counts: what is below it is the package that is really running, with pnpm too. */
const IN_NODE_MODULES = /.*(?:^|[\\/])node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/s;

/** Name of the package in `node_modules`, `node` for Node itself; null for the user's own code. */
export function packageOfSite({ file, origin }: Pick<Site, 'file' | 'origin'>): string | null {
  if (origin === 'node') return 'node';
  const name = file === null ? undefined : IN_NODE_MODULES.exec(file)?.[1];
  if (name !== undefined) return name.replace('\\', '/');
  return origin === 'dependency' ? '(unknown package)' : null;
}
