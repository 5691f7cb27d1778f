/** Where files of a process are on this machine, when it runs elsewhere: in a container, over a forwarded port. */

/** Directories, absolute: as the process names them, and as this machine does. */
export type PathMappings = Readonly<Record<string, string>>;

export const NO_PATH_MAPPINGS: PathMappings = {};

/** Most mappings that are used; those beyond are left out. */
export const PATH_MAPPING_LIMIT = 100;

/**
 * Makes the function that gives the local path of a script, a path or `file:` URL; undefined where no mapping applies. The longest
 * directory goes before the others. `..` is resolved before anything is compared: no name leads out of the directory that is
 * mapped to.
 */
export function createPathMapper(mappings: PathMappings): (script: string) => string | undefined {
  const rules = Object.entries(mappings)
    .flatMap(([remote, local]) => {
      const prefix = segmentsOf(remote);
      return prefix === undefined || local === '' ? [] : [{ prefix, local }];
    })
    .slice(0, PATH_MAPPING_LIMIT)
    .sort((a, b) => b.prefix.length - a.prefix.length);
  if (rules.length === 0) return () => undefined;
  return (script) => {
    const segments = segmentsOf(script);
    const rule = segments && rules.find(({ prefix }) => prefix.length < segments.length && prefix.every((segment, index) => segment === segments[index]));
    return segments && rule && join(rule.local, segments.slice(rule.prefix.length));
  };
}

/** The parts of an absolute path, the drive with them; undefined for what is none. */
function segmentsOf(name: string): readonly string[] | undefined {
  const path = /^file:\/\/(?:localhost)?\//i.test(name) ? decoded(name.replace(/^file:\/\/(?:localhost)?/i, '').replace(/[?#].*$/, '')) : name;
  const windows = /^\/?[a-z]:(?=[\\/]|$)/i.exec(path);
  if (!windows && !path.startsWith('/')) return undefined;
  const drive = windows ? [windows[0].replace('/', '').toLowerCase()] : [];
  const rest: string[] = [];
  for (const segment of path.slice(windows?.[0].length ?? 0).split(windows ? /[\\/]/ : '/')) {
    if (segment === '..') rest.pop();
    else if (segment !== '' && segment !== '.') rest.push(segment);
  }
  return [...drive, ...rest];
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function join(directory: string, segments: readonly string[]): string {
  const separator = /^[a-z]:\\|^\\\\/i.test(directory) ? '\\' : '/';
  return [directory.replace(/[\\/]+$/, ''), ...segments].join(separator);
}
