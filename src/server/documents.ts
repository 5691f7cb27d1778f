/**
 * The open documents, and how positions of the text on disk have moved in them. A process runs the text that it loaded,
 * so an edit moves its lines whether it was saved or not: every document keeps the log of its edits. Where a session's
 * text stands in that log is known from when its process began and when the document was saved.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { TextDocumentContentChangeEvent } from 'vscode-languageserver';
import { diffLines, endOfInserted, mapPosition, splitLines } from './lineMap';
import type { Edit, Position } from './lineMap';
import { pathOfFileUrl } from './paths';

/** Edits remembered per document; beyond it they are folded into one comparison of first and last text. */
export const EDIT_LOG_LIMIT = 5000;

/** Closed documents whose edits are remembered; the first closed is forgotten first. */
export const CLOSED_DOCUMENT_LIMIT = 200;

/** Larger files are not compared with what is on disk, in bytes. */
export const DOCUMENT_LIMIT_BYTES = 16 * 1024 * 1024;

interface LoggedEdit extends Edit {
  readonly removed: string;
  readonly inserted: string;
}

/** A text that was on disk, as a place in the log. */
interface SavedText {
  readonly index: number;
  /** Wall clock, milliseconds since the epoch. */
  readonly at: number;
}

interface Tracked {
  readonly path: string;
  /** The text that the log begins with. */
  origin: string;
  log: LoggedEdit[];
  /** Ascending; the first one is where the log begins. */
  saved: SavedText[];
  /** When the first text on disk was written: wall clock, milliseconds since the epoch. */
  readonly changedAt: number;
  /** While open. */
  document: TextDocument | undefined;
  /** The last text while closed. */
  closedText: string;
}

export interface DocumentStore {
  /** Call with what is on disk, read before: see {@link readDiskText}. */
  open(uri: string, languageId: string, version: number, text: string, diskText: string | undefined, changedAt?: number): void;
  change(uri: string, version: number, changes: readonly TextDocumentContentChangeEvent[]): void;
  save(uri: string): void;
  close(uri: string): void;
  /** The open documents. */
  all(): readonly OpenDocument[];
  get(uri: string): OpenDocument | undefined;
}

export interface OpenDocument {
  readonly uri: string;
  readonly version: number;
  /** Paths under which a process may name this file: the one of its URI, and the one without symbolic links. */
  readonly paths: readonly string[];
  readonly lineCount: number;
  /**
   * Where a position of the running text is now; null when its line was deleted. Positions are 0-based.
   * @param startedAt when the process that runs the text began, milliseconds since the epoch.
   */
  locate(position: Position, startedAt: number): Position | null;
  /**
   * The file was written after the process began, by nobody whose edits are known: lines may be others than those that run.
   * @param startedAt as in {@link locate}
   */
  changedSince(startedAt: number): boolean;
}

/**
 * @param wall the wall clock, milliseconds since the epoch.
 * @param realPath resolves symbolic links, and gives back what it cannot resolve.
 */
export function createDocumentStore(wall: () => number, realPath: (path: string) => string = resolveLinks): DocumentStore {
  const tracked = new Map<string, Tracked>();
  const views = new Map<string, OpenDocument>();

  const forgetClosed = (): void => {
    const closed = [...tracked].filter(([, each]) => !each.document);
    for (const [uri] of closed.slice(0, Math.max(0, closed.length - CLOSED_DOCUMENT_LIMIT))) tracked.delete(uri);
  };

  return {
    open(uri, languageId, version, text, diskText, changedAt = -Infinity) {
      const path = pathOfFileUrl(uri);
      if (path === undefined) return;
      const document = TextDocument.create(uri, languageId, version, text);
      let entry = tracked.get(uri);
      tracked.delete(uri);
      if (entry) {
        // It may have been changed while it was closed.
        appendDiff(entry, entry.closedText, diskText ?? text);
      } else {
        const origin = diskText ?? text;
        entry = { path, origin, log: [], saved: [{ index: 0, at: -Infinity }], changedAt, document: undefined, closedText: '' };
      }
      if (diskText !== undefined && entry.log.length > (entry.saved.at(-1)?.index ?? 0)) {
        entry.saved.push({ index: entry.log.length, at: wall() });
      }
      if (diskText !== undefined) appendDiff(entry, diskText, text);
      entry.document = document;
      tracked.set(uri, entry);
      views.set(uri, viewOf(uri, entry, document, realPath(path)));
    },

    change(uri, version, changes) {
      const entry = tracked.get(uri);
      if (!entry?.document) return;
      for (const change of changes) {
        if ('range' in change) appendEdit(entry, entry.document, change.range.start, change.range.end, change.text);
        else appendDiff(entry, entry.document.getText(), change.text);
        entry.document = TextDocument.update(entry.document, [change], version);
      }
      if (entry.log.length > EDIT_LOG_LIMIT) fold(entry, entry.document.getText());
    },

    save(uri) {
      const entry = tracked.get(uri);
      if (entry) entry.saved.push({ index: entry.log.length, at: wall() });
    },

    close(uri) {
      const entry = tracked.get(uri);
      views.delete(uri);
      if (!entry?.document) return;
      // What was not saved is discarded: the next opening compares with what is on disk.
      entry.closedText = entry.document.getText();
      entry.document = undefined;
      tracked.delete(uri);
      tracked.set(uri, entry);
      forgetClosed();
    },

    all: () => [...views.values()],
    get: (uri) => views.get(uri),
  };
}

/**
 * The text of a document on disk; undefined when it has none. Read at once: the edits that follow an opening must not
 * overtake it.
 */
export function readDiskText(uri: string): string | undefined {
  const path = pathOfFileUrl(uri);
  if (path === undefined) return undefined;
  try {
    const stats = statSync(path);
    // reading a pipe or a device may never end
    return stats.isFile() && stats.size <= DOCUMENT_LIMIT_BYTES ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

function viewOf(uri: string, entry: Tracked, opened: TextDocument, real: string): OpenDocument {
  const paths = real === entry.path ? [real] : [entry.path, real];
  const current = (): TextDocument => entry.document ?? opened;
  return {
    uri,
    paths,
    get version() {
      return current().version;
    },
    get lineCount() {
      return current().lineCount;
    },
    changedSince: (startedAt) => entry.changedAt > startedAt && runningIndex(entry, startedAt) === (entry.saved[0]?.index ?? 0),
    locate(position, startedAt) {
      let located: Position | null = position;
      for (let i = runningIndex(entry, startedAt); i < entry.log.length && located; i++) {
        const edit = entry.log[i];
        if (edit) located = mapPosition(located, edit);
      }
      return located;
    },
  };
}

/** When a document's file was written last: milliseconds since the epoch; undefined where there is none. */
export function readChangeTime(uri: string): number | undefined {
  const path = pathOfFileUrl(uri);
  try {
    return path === undefined ? undefined : statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

/** Where the text that a process runs stands in the log: the last one that was on disk when the process began. */
function runningIndex(entry: Tracked, startedAt: number): number {
  return entry.saved.findLast((each) => each.at <= startedAt)?.index ?? entry.saved[0]?.index ?? 0;
}

function appendEdit(entry: Tracked, document: TextDocument, start: Position, end: Position, text: string): void {
  const removed = document.getText({ start, end });
  if (removed === text) return;
  if (start.line !== end.line && text.includes('\n')) {
    // Formatters replace more than they change: find out which lines stay.
    const lines = { start: { line: start.line, character: 0 }, end: { line: end.line + 1, character: 0 } };
    const before = document.getText(lines);
    const head = document.getText({ start: lines.start, end: start });
    const tail = document.getText({ start: end, end: lines.end });
    append(entry, diffLines(splitLines(before), splitLines(head + text + tail), start.line));
    return;
  }
  const edit: LoggedEdit = { start, end, newEnd: endOfInserted(start, text), removed, inserted: text };
  const last = entry.log.at(-1);
  const movable = entry.log.length > (entry.saved.at(-1)?.index ?? 0);
  if (last && movable && undoes(edit, last)) {
    // A line that was deleted comes back with its tasks.
    entry.log.pop();
  } else if (last && movable && continues(edit, last)) {
    entry.log[entry.log.length - 1] = { ...last, newEnd: edit.newEnd, inserted: last.inserted + text };
  } else {
    entry.log.push(edit);
  }
}

function undoes(edit: LoggedEdit, last: LoggedEdit): boolean {
  return (
    samePosition(edit.start, last.start) &&
    samePosition(edit.end, last.newEnd) &&
    edit.removed === last.inserted &&
    edit.inserted === last.removed
  );
}

/** Typing on: text inserted right behind the text inserted before. */
function continues(edit: LoggedEdit, last: LoggedEdit): boolean {
  return edit.removed === '' && samePosition(edit.start, last.newEnd) && samePosition(edit.start, edit.end);
}

function samePosition(a: Position, b: Position): boolean {
  return a.line === b.line && a.character === b.character;
}

function appendDiff(entry: Tracked, before: string, after: string): void {
  if (before !== after) append(entry, diffLines(splitLines(before), splitLines(after)));
}

function append(entry: Tracked, edits: readonly Edit[]): void {
  for (const edit of edits) entry.log.push({ ...edit, removed: '\0', inserted: '\0' });
}

/** Replaces the log by the difference of its first and last text. What was saved in between is no longer told apart. */
function fold(entry: Tracked, text: string): void {
  entry.log = [];
  entry.saved = [{ index: 0, at: -Infinity }];
  appendDiff(entry, entry.origin, text);
}

function resolveLinks(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
