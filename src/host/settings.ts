import * as vscode from 'vscode';
import { unusableGlobText, unusableGlobs } from '../core/model/origin';
import type { OriginRules } from '../core/model/origin';
import { DEBUGGER_CONNECTIONS } from '../protocol/lsp';
import type { ServerSettings } from '../protocol/lsp';
import type { Settings } from './contributions';
import { CONFIGURATION_SECTION, DEFAULT_SETTINGS } from './contributions';
import { serverSettings } from './serverSettings';

/** VS Code's own switch: where it shows no lenses, none are made. */
const EDITOR_CODE_LENS = 'editor.codeLens';

/** Whether {@link readSettings} or {@link readServerSettings} may say something else by now. */
export function affectsSettings(change: vscode.ConfigurationChangeEvent): boolean {
  return change.affectsConfiguration(CONFIGURATION_SECTION) || change.affectsConfiguration(EDITOR_CODE_LENS);
}

/** The user's settings, every one with the type that its default has. */
export function readSettings(): Settings {
  const configuration = vscode.workspace.getConfiguration(CONFIGURATION_SECTION);
  const read = <K extends keyof Settings>(key: K): Settings[K] => {
    const value = configuration.get<Settings[K]>(key);
    // A settings file can hold anything.
    const standard = DEFAULT_SETTINGS[key];
    const fits = Array.isArray(standard) ? Array.isArray(value) && value.every((each) => typeof each === 'string') : typeof value === typeof standard;
    return fits && value !== undefined ? value : standard;
  };
  return {
    autoAttach: read('autoAttach'),
    pollInterval: read('pollInterval'),
    overheadBudget: read('overheadBudget'),
    memoryLimit: read('memoryLimit'),
    followRestarts: read('followRestarts'),
    connection: DEBUGGER_CONNECTIONS.find((each) => each === read('connection')) ?? DEFAULT_SETTINGS.connection,
    codeLens: read('codeLens'),
    gutter: read('gutter'),
    endOfLineText: read('endOfLineText'),
    overviewRuler: read('overviewRuler'),
    suspendedMarks: read('suspendedMarks'),
    snapshotDirectory: read('snapshotDirectory'),
    dumpLookupBudget: read('dumpLookupBudget'),
    'origin.app': read('origin.app'),
    'origin.dependency': read('origin.dependency'),
    pathMappings: read('pathMappings'),
  };
}

/** What is wrong in a setting that VS Code does not check itself, a sentence; undefined when nothing is. */
export function settingsProblem(): string | undefined {
  const settings = readSettings();
  const [bad] = unusableGlobs({ app: settings['origin.app'], dependency: settings['origin.dependency'] });
  return bad === undefined ? undefined : `The setting ${CONFIGURATION_SECTION}.origin: ${unusableGlobText(bad)}`;
}

/** What the settings and the workspace come to for the server. @param projects origins of `.asyncscope.json` */
export function readServerSettings(projects: readonly OriginRules[]): ServerSettings {
  return serverSettings(readSettings(), projects, {
    hasCodeLenses: vscode.workspace.getConfiguration().get(EDITOR_CODE_LENS) !== false,
    folder: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath,
  });
}
