import * as vscode from 'vscode';
import { joinOriginRules } from '../core/model/origin';
import type { OriginRules } from '../core/model/origin';
import { DEBUGGER_CONNECTIONS } from '../protocol/lsp';
import type { ServerSettings } from '../protocol/lsp';
import type { Settings } from './contributions';
import { CONFIGURATION_SECTION, DEFAULT_SETTINGS } from './contributions';

/** VS Code's own switch: where it shows no lenses, none are made. */
const EDITOR_CODE_LENS = 'editor.codeLens';

/** Whether {@link readSettings} or {@link serverSettings} may say something else by now. */
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

/** The ranges are those of `package.json`; VS Code warns about values outside them but hands them on. */
export function serverSettings(settings: Settings, projects: readonly OriginRules[]): ServerSettings {
  const rules = joinOriginRules([{ app: settings['origin.app'], dependency: settings['origin.dependency'] }, ...projects]);
  return {
    pollIntervalMs: Math.round(Math.min(5_000, Math.max(100, settings.pollInterval))),
    budgetPercent: Math.min(100, Math.max(0.1, settings.overheadBudget)),
    memoryLimitMb: Math.min(256, Math.max(1, settings.memoryLimit)),
    codeLens: settings.codeLens && vscode.workspace.getConfiguration().get(EDITOR_CODE_LENS) !== false,
    followRestarts: settings.followRestarts,
    origin: { app: [...(rules.app ?? [])], dependency: [...(rules.dependency ?? [])], node: [...(rules.node ?? [])] },
    ...(settings.dumpLookupBudget >= 0 && { dumpLookupMs: Math.round(1000 * Math.min(600, settings.dumpLookupBudget)) }),
    pathMappings: localMappings(settings.pathMappings, vscode.workspace.workspaceFolders?.[0]?.uri.fsPath),
  };
}

const WORKSPACE_FOLDER = '${workspaceFolder}';

/** With the workspace's folder put in; entries that are none, or that need a folder where none is open, are left out. */
function localMappings(mappings: Readonly<Record<string, unknown>> | null, folder: string | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(mappings ?? {}).flatMap(([remote, local]): [string, string][] => {
      if (typeof local !== 'string' || (folder === undefined && local.includes(WORKSPACE_FOLDER))) return [];
      return [[remote, local.replaceAll(WORKSPACE_FOLDER, folder ?? '')]];
    }),
  );
}
