/**
 * Globs of script names, for whose code a script is. The agent uses this too, inside the target, with globs that a file of
 * the workspace may have brought there: so matching takes time in proportion to the glob and to the name, whatever they are.
 *
 * `*` stands for any characters but a slash, `**` for any, `?` for one that is no slash, `{a,b}` for either. A glob that
 * names a folder means everything in it. Unless it begins with a slash or a drive, it may begin at any folder.
 */

/** Longer globs are refused, in UTF-16 units. */
export const GLOB_LENGTH_LIMIT = 512;
/** A glob that stands for more than so many because of its braces is refused. */
export const GLOB_ALTERNATIVES_LIMIT = 64;
/** Longer names match no glob, in UTF-16 units: a path is rarely longer than 4096 bytes. */
const NAME_LENGTH_LIMIT = 8192;

/** One character: {@link ANY_CHARACTER}, {@link ANY_NAME}, {@link ANYTHING}, {@link ANY_FOLDERS}, or its UTF-16 code. */
export type GlobUnit = number;

/** `?` */
const ANY_CHARACTER = -1;
/** `*` */
const ANY_NAME = -2;
/** `**` at the end of a name */
const ANYTHING = -3;
/** `**` and the slash behind it: no folder or several */
const ANY_FOLDERS = -4;
const SLASH = 47;

/** Taken once: a program in which the agent is may take them away. */
const Bytes = Uint8Array;
const decode = decodeURIComponent;

export interface ScriptGlob {
  readonly units: readonly GlobUnit[];
  /** It begins where the name begins. */
  readonly anchored: boolean;
}

/** The globs that a text stands for; undefined when it is too long or stands for too many, or for nothing. */
export function compileGlob(text: string): readonly ScriptGlob[] | undefined {
  if (text.length > GLOB_LENGTH_LIMIT) return undefined;
  const alternatives = expandBraces(text.trim());
  if (alternatives === undefined) return undefined;
  const globs: ScriptGlob[] = [];
  for (const alternative of alternatives) {
    const path = scriptPath(alternative).replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
    if (path === '') return undefined;
    const anchored = /^(?:\/|[a-z]:\/)/.test(path);
    globs.push({ units: unitsOf(path), anchored });
  }
  return globs;
}

/** @param path as {@link scriptPath} gives it */
export function matchesGlob({ units, anchored }: ScriptGlob, path: string): boolean {
  if (path.length > NAME_LENGTH_LIMIT) return false;
  const end = units.length;
  let current = new Bytes(end + 1);
  let next = new Bytes(end + 1);
  enter(units, current, 0);
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    // the folder that the glob names has been passed
    if (code === SLASH && current[end] === 1) return true;
    next.fill(0);
    for (let state = 0; state < end; state++) {
      if (current[state] !== 1) continue;
      const unit = units[state] as GlobUnit;
      if (unit === ANYTHING || (unit === ANY_NAME && code !== SLASH)) enter(units, next, state);
      else if (unit === ANY_FOLDERS) {
        next[state] = 1;
        if (code === SLASH) enter(units, next, state + 1);
      } else if (unit === code || (unit === ANY_CHARACTER && code !== SLASH)) enter(units, next, state + 1);
    }
    if (code === SLASH && !anchored) enter(units, next, 0);
    const swap = current;
    current = next;
    next = swap;
  }
  return current[end] === 1;
}

/**
 * A script's name as a path with forward slashes: of a `file:` URL without its query, of a Windows path with a small drive
 * letter. Other names (`webpack://…`, `evalmachine.<anonymous>`) stay what they are.
 */
export function scriptPath(script: string): string {
  let path = script;
  if (/^file:\/\//i.test(path)) {
    path = path.slice(7).replace(/[?#].*$/s, '').replace(/^localhost\//i, '/');
    try {
      path = decode(path);
    } catch {
      // an escape that is none stands for itself
    }
  }
  path = path.replace(/\\/g, '/').replace(/^\/(?=[A-Za-z]:\/)/, '');
  return path.replace(/^[A-Z](?=:\/)/, (drive) => drive.toLowerCase());
}

function enter(units: readonly GlobUnit[], states: Uint8Array, from: number): void {
  let state = from;
  states[state] = 1;
  // what may stand for nothing is passed at once
  while (state < units.length && ((units[state] as GlobUnit) <= ANY_NAME)) states[++state] = 1;
}

function unitsOf(path: string): readonly GlobUnit[] {
  const units: GlobUnit[] = [];
  for (let i = 0; i < path.length; i++) {
    const character = path[i];
    if (character === '?') units.push(ANY_CHARACTER);
    else if (character !== '*') units.push(path.charCodeAt(i));
    else {
      const begin = i;
      while (path[i + 1] === '*') i++;
      const wholeName = i > begin && (begin === 0 || path[begin - 1] === '/');
      if (wholeName && path[i + 1] === '/') {
        units.push(ANY_FOLDERS);
        i++;
      } else units.push(i > begin ? ANYTHING : ANY_NAME);
    }
  }
  return units;
}

/** The texts that a glob with braces stands for; undefined when they are too many, or a brace is not closed. */
function expandBraces(text: string): readonly string[] | undefined {
  let done: string[] = [''];
  for (let rest = text; rest !== ''; ) {
    const open = rest.indexOf('{');
    const close = rest.indexOf('}', open);
    if (open < 0) return done.map((each) => each + rest);
    if (close < 0 || rest.slice(open + 1, close).includes('{')) return undefined;
    const before = rest.slice(0, open);
    const choices = rest.slice(open + 1, close).split(',');
    if (done.length * choices.length > GLOB_ALTERNATIVES_LIMIT) return undefined;
    done = done.flatMap((each) => choices.map((choice) => each + before + choice));
    rest = rest.slice(close + 1);
  }
  return done;
}
