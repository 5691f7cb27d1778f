/**
 * The `.asyncscope.json` of every workspace folder: read when it changes on disk, written when the user hides a site. It
 * holds data that says what is shown; nothing in it is ever run, so it is read in folders that are not trusted too.
 */
import * as vscode from 'vscode';
import { randomBytes } from 'node:crypto';
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { HideEntry, ProjectConfig, ProjectProblem } from '../../core/config/projectFile';
import { addHideEntries, EMPTY_PROJECT_CONFIG, parseProjectFile, PROJECT_FILE, removeHideEntries } from '../../core/config/projectFile';
import type { HideableSite, HideRule } from '../../core/view/hiddenSites';
import { hideEntryFor, HiddenSites, isInside } from '../../core/view/hiddenSites';
import { DisposableStore } from '../base/disposable';
import { Emitter } from '../base/emitter';
import { safeErrorMessage } from '../redact';

/** What is known of one folder. */
interface FolderState {
  readonly folder: vscode.WorkspaceFolder;
  /** Absolute paths of it: as it was opened and, where that leads over a symbolic link, as processes name it. */
  paths: readonly string[];
  /** The last that could be read: a file that is damaged while somebody edits it changes nothing. */
  config: ProjectConfig;
  problems: readonly ProjectProblem[];
}

export interface FolderConfig {
  /** Absolute paths, of which entries are told from each: a folder may have been opened by a symbolic link. */
  readonly paths: readonly string[];
  readonly config: ProjectConfig;
}

export class ProjectFiles implements vscode.Disposable {
  readonly #store = new DisposableStore();
  readonly #folders = new Map<string, FolderState>();
  #watchers = new DisposableStore();
  readonly #diagnostics = this.#store.add(vscode.languages.createDiagnosticCollection('asyncscope'));
  readonly #changed = this.#store.add(new Emitter<void>());
  readonly #log: vscode.LogOutputChannel;
  /** Problems that the user was told of. */
  #told = '';
  #hidden = new HiddenSites([]);
  /** One after another: two writes at once would lose one. */
  #writing: Promise<unknown> = Promise.resolve();

  /** What is hidden, or whose code is whose, changed. */
  readonly onDidChange = this.#changed.event;

  constructor(log: vscode.LogOutputChannel) {
    this.#log = log;
    this.#store.add(vscode.workspace.onDidChangeWorkspaceFolders(() => { this.#follow(); }));
    this.#follow();
  }

  get hidden(): HiddenSites {
    return this.#hidden;
  }

  get configs(): readonly FolderConfig[] {
    return [...this.#folders.values()].map(({ paths, config }) => ({ paths, config }));
  }

  /** The first thing that is wrong in any of the files, for people; undefined when nothing is. */
  get problem(): string | undefined {
    for (const { problems } of this.#folders.values()) {
      const [problem] = problems;
      if (problem !== undefined) return `${PROJECT_FILE}, line ${String(problem.line)}: ${problem.message}`;
    }
    return undefined;
  }

  /**
   * Hides sites: those of a workspace folder in its file, all others in that of the first folder.
   * @throws {Error} when there is no folder, or its file cannot be written without losing something; it says why.
   */
  async hide(sites: readonly HideableSite[], reason: string): Promise<void> {
    const byFolder = new Map<vscode.Uri, HideEntry[]>();
    for (const site of sites) {
      const { folder, path } = this.#folderOf(site);
      const entries = byFolder.get(folder) ?? [];
      byFolder.set(folder, entries);
      entries.push(hideEntryFor(site, path, reason));
    }
    for (const [folder, entries] of byFolder) await this.#edit(folder, (text) => addHideEntries(text, entries));
  }

  /**
   * Takes entries out of their files.
   * @throws {Error} when they are gone, or the file cannot be written; it says why.
   */
  async unhide(rules: readonly HideRule[]): Promise<void> {
    for (const { folder, paths } of this.#folders.values()) {
      const entries = [...new Set(rules.filter((rule) => paths.includes(rule.folder)).map(({ entry }) => entry))];
      if (entries.length > 0) await this.#edit(folder.uri, (text) => removeHideEntries(text ?? '', entries));
    }
  }

  /** The file of the first folder that has one; else where it would be. Undefined without a folder. */
  get file(): vscode.Uri | undefined {
    const states = [...this.#folders.values()];
    const state = states.find(({ config, problems }) => config !== EMPTY_PROJECT_CONFIG || problems.length > 0) ?? states[0];
    return state === undefined ? undefined : fileIn(state.folder.uri);
  }

  dispose(): void {
    this.#watchers.dispose();
    this.#store.dispose();
  }

  #follow(): void {
    this.#watchers.dispose();
    this.#watchers = new DisposableStore();
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
    for (const key of [...this.#folders.keys()]) if (!folders.some(({ uri }) => uri.toString() === key)) this.#folders.delete(key);
    for (const folder of folders) {
      const key = folder.uri.toString();
      this.#folders.set(key, this.#folders.get(key) ?? { folder, paths: [folder.uri.fsPath], config: EMPTY_PROJECT_CONFIG, problems: [] });
      const watcher = this.#watchers.add(vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, PROJECT_FILE)));
      const reload = (): void => {
        this.#read(folder.uri).catch((error: unknown) => { this.#log.warn(`${PROJECT_FILE}: ${safeErrorMessage(error)}`); });
      };
      this.#watchers.add(watcher.onDidCreate(reload));
      this.#watchers.add(watcher.onDidChange(reload));
      this.#watchers.add(watcher.onDidDelete(reload));
      reload();
    }
    this.#publish();
  }

  async #read(folder: vscode.Uri): Promise<void> {
    const state = this.#folders.get(folder.toString());
    if (state === undefined) return;
    const real = await realpath(folder.fsPath).catch(() => folder.fsPath);
    state.paths = [...new Set([folder.fsPath, real])];
    const text = await readText(fileIn(folder));
    if (text === undefined) {
      state.config = EMPTY_PROJECT_CONFIG;
      state.problems = [];
    } else {
      const { config, problems } = parseProjectFile(text);
      state.config = config ?? state.config;
      state.problems = problems;
    }
    this.#publish();
  }

  #publish(): void {
    const states = [...this.#folders.values()];
    this.#hidden = new HiddenSites(states.flatMap(({ paths, config }) => paths.flatMap((folder) => config.hide.map((entry) => ({ folder, entry })))));
    this.#diagnostics.clear();
    for (const { folder, problems } of states) this.#diagnostics.set(fileIn(folder.uri), problems.map(diagnostic));
    this.#changed.fire();
    const { problem } = this;
    if (problem !== undefined && problem !== this.#told) {
      offerFile(problem, this.file).catch((error: unknown) => { this.#log.warn(`${PROJECT_FILE}: ${safeErrorMessage(error)}`); });
    }
    this.#told = problem ?? '';
  }

  /** The folder that a site is in, the innermost of several, else the first; and what of its paths the site's own begins with. */
  #folderOf({ file }: HideableSite): { readonly folder: vscode.Uri; readonly path: string } {
    const all = [...this.#folders.values()].flatMap(({ folder, paths }) => paths.map((path) => ({ folder: folder.uri, path })));
    const own = file === null ? [] : all.filter(({ path }) => isInside(path, file));
    const [found = all[0]] = own.sort((a, b) => b.path.length - a.path.length);
    if (found === undefined) throw new Error(`Open a folder first: what is hidden is kept in its ${PROJECT_FILE}.`);
    return found;
  }

  #edit(folder: vscode.Uri, change: (text: string | undefined) => string): Promise<void> {
    const edit = this.#writing.then(async () => {
      const uri = fileIn(folder);
      if (vscode.workspace.textDocuments.some((document) => document.isDirty && document.uri.toString() === uri.toString())) {
        throw new Error(`${PROJECT_FILE} has changes that are not saved. Save it, and try again.`);
      }
      await replaceFile(uri.fsPath, change(await readText(uri)));
      await this.#read(folder);
    });
    this.#writing = edit.catch(() => undefined);
    return edit;
  }
}

async function offerFile(problem: string, file: vscode.Uri | undefined): Promise<void> {
  const open = 'Open File';
  if ((await vscode.window.showWarningMessage(problem, open)) === open && file !== undefined) await vscode.window.showTextDocument(file);
}

function diagnostic({ message, line, column }: ProjectProblem): vscode.Diagnostic {
  const at = new vscode.Position(line - 1, column - 1);
  const made = new vscode.Diagnostic(new vscode.Range(at, at.translate(0, 1)), message, vscode.DiagnosticSeverity.Warning);
  made.source = 'Asyncscope';
  return made;
}

function fileIn(folder: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(folder, PROJECT_FILE);
}

/** @returns undefined when there is no such file. */
async function readText(file: vscode.Uri): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return undefined;
    throw error;
  }
}

/** Whoever reads the file meanwhile sees the old or the new one, never a part; a symbolic link stays one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const mode = (await stat(target).catch(() => undefined))?.mode;
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx', ...(mode !== undefined && { mode }) });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new Error(`${PROJECT_FILE} could not be written: ${safeErrorMessage(error)}`, { cause: error });
  }
}
