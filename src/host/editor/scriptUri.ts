/** Addresses of documents that show code which is on no disk of this machine. */
import { displayName, stripControls } from '../../core/format/text';

export const SCRIPT_SCHEME = 'asyncscope-script';

export interface ScriptAddress {
  readonly sessionId: string;
  /** As sites and frames name it. */
  readonly file: string;
}

/** The parts of a URI: the path is what the editor's tab shows, the query is what it means. */
export function scriptUriParts({ sessionId, file }: ScriptAddress): { readonly scheme: string; readonly path: string; readonly query: string } {
  const title = displayName(file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)) || 'script';
  return { scheme: SCRIPT_SCHEME, path: `/${sessionId}/${title}`, query: JSON.stringify([sessionId, file]) };
}

/** Undefined for what {@link scriptUriParts} has not made: anybody can open a URI. */
export function parseScriptQuery(query: string): ScriptAddress | undefined {
  try {
    const parsed: unknown = JSON.parse(query);
    if (!Array.isArray(parsed) || parsed.length !== 2) return undefined;
    const [sessionId, file] = parsed as readonly unknown[];
    return typeof sessionId === 'string' && typeof file === 'string' ? { sessionId, file } : undefined;
  } catch {
    return undefined;
  }
}

/** VS Code's id of the language that code in a file is in; evaluated code is JavaScript. */
export function languageOf(file: string): string {
  switch (/\.([cm]?tsx?|jsx)$/i.exec(file)?.[1]?.toLowerCase()) {
    case 'ts':
    case 'mts':
    case 'cts':
      return 'typescript';
    case 'tsx':
      return 'typescriptreact';
    case 'jsx':
      return 'javascriptreact';
    default:
      return 'javascript';
  }
}

/** What stands in a document that has no text to show: a comment, whatever the name of the file and the reason hold. */
export function missingText(file: string, message: string): string {
  return [displayName(file), '', ...wrapped(stripControls(message))].map((line) => `// ${line}`.trimEnd()).join('\n') + '\n';
}

function wrapped(text: string): readonly string[] {
  return text.match(/\S(?:.{0,95}\S)?(?=\s|$)|\S{97}/g) ?? [text];
}

/** A source that a debugger tells of (DAP). */
export interface LoadedSource {
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  readonly sourceReference?: number | undefined;
}

/** VS Code's JavaScript debugger takes every script whose name is no path for one of Node's own. */
const NAMED_LIKE_NODES = '<node_internals>/';

/**
 * The one source that a name means. None where several have the name: their text would be anybody's guess.
 * @param file as sites and frames name it
 */
export function sourceNamed(sources: readonly LoadedSource[], file: string): LoadedSource | undefined {
  const names: readonly (string | undefined)[] = [file, `${NAMED_LIKE_NODES}${file}`];
  const named = sources.filter(({ path, name, sourceReference }) => (sourceReference ?? 0) > 0 && (names.includes(path) || names.includes(name)));
  return named.length === 1 ? named[0] : undefined;
}
