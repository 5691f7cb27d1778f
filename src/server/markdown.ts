/** Markdown that shows text of a target as it is. */
import { NAME_LIMIT, clip, stripControls } from '../core/format/text';
import { isAbsolute } from 'node:path';
import { pathOfScript, urlOfPath } from './paths';

/**
 * Text as Markdown that renders as just that text: every character that could begin markup, HTML, an entity, a link that
 * makes itself, or an icon is escaped, and what cannot be seen is replaced.
 * @param limit longer text is cut, in UTF-16 units
 */
export function escapeMarkdown(text: string, limit = NAME_LIMIT): string {
  return clip(stripControls(text), limit).replace(/[!-/:-@[-`{-~]/g, '\\$&');
}

/** A position as a link to its file; as text when it is not a file of this machine. Lines and columns are 1-based. */
export function positionLink(file: string, line: number, column: number): string {
  const text = escapeMarkdown(`${baseName(file)}:${line}:${column}`);
  if (!isAbsolute(file) || pathOfScript(file) === undefined) return escapeMarkdown(`${file}:${line}:${column}`);
  // Everything that means something in Markdown is percent-encoded.
  const url = urlOfPath(file).replace(/[^\w/:.%-]/g, (each) => encodeURIComponent(each).replace(/[!'()*]/g, percent));
  return `[${text}](${url}#L${line},${column})`;
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function baseName(file: string): string {
  return file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}
