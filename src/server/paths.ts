/** Names of scripts and documents as paths of files on this machine. */
import { isAbsolute, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The path of a `file:` URL; undefined for any other URL, and for what is no URL. */
export function pathOfFileUrl(url: string): string | undefined {
  // A host would make it a network share on Windows: nothing that a target names may make this machine call another.
  if (!/^file:\/\/(?:localhost)?\//i.test(url)) return undefined;
  try {
    return withUpperDrive(fileURLToPath(url));
  } catch {
    return undefined;
  }
}

/** The absolute path behind a script's name, which is a path (CommonJS) or a URL (ES modules). */
export function pathOfScript(script: string): string | undefined {
  if (isAbsolute(script)) return isNetworkPath(script) ? undefined : withUpperDrive(script);
  return pathOfFileUrl(script);
}

/** A path of this machine as documents name it: its parts resolved, its separators and its drive as the system writes them. */
export function localPathOf(path: string): string {
  return withUpperDrive(normalize(path));
}

/** The `file:` URL of an absolute path. */
export function urlOfPath(path: string): string {
  return pathToFileURL(path).href;
}

/** Editors write `c:`, Node writes `C:`, and both mean the same. */
function withUpperDrive(path: string): string {
  return /^[a-z]:/.test(path) && process.platform === 'win32' ? path.charAt(0).toUpperCase() + path.slice(1) : path;
}

function isNetworkPath(path: string): boolean {
  return process.platform === 'win32' && /^[\\/]{2}/.test(path);
}
