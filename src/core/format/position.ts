/** Positions in few words. */
import { displayName } from './text';

/** `orders.ts:42`; `routes/index.ts:42` where the file's own name says nothing; without a line where there is none. */
export function shortPosition({ file, line }: { readonly file: string; readonly line: number }): string {
  const name = displayName(shortPath(file));
  return line > 0 ? `${name}:${String(line)}` : name;
}

/** The name of a file, with its folder where the name says nothing. */
export function shortPath(file: string): string {
  // Addresses of scripts that are no files, such as `node:net`, have no parts worth cutting off.
  if (/^[a-z][a-z0-9+.-]+:(?!\\|\/)/i.test(file)) return file;
  const parts = file.split(/[\\/]/).filter((part) => part !== '');
  const name = parts.at(-1) ?? file;
  return /^index\.[^.]+$/.test(name) ? parts.slice(-2).join('/') : name;
}
