import type { Origin } from './task';

const IN_NODE_MODULES = /(?:^|[\\/])node_modules[\\/]/;

/** Whose code a script is, by its name: a path, a URL, or a name such as `node:fs`. */
export function originOfScript(script: string): Origin {
  if (script.startsWith('node:') || script.startsWith('internal/')) return 'node';
  return IN_NODE_MODULES.test(script) ? 'dependency' : 'app';
}
