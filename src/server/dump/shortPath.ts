/** Paths as people read them. */
import { isAbsolute, relative } from 'node:path';

/** `src/cache.ts` for what is below `base`; everything else as it is. */
export function shortPath(file: string, base: string | null): string {
  if (base === null || base === '' || !isAbsolute(file)) return file;
  const near = relative(base, file);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? file : near;
}
