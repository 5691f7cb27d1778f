import * as vscode from 'vscode';
import { DEBUGGER_CONNECTIONS } from '../protocol/lsp';
import type { ServerSettings } from '../protocol/lsp';
import type { Settings } from './contributions';
import { CONFIGURATION_SECTION, DEFAULT_SETTINGS } from './contributions';

/** The user's settings, every one with the type that its default has. */
export function readSettings(): Settings {
  const configuration = vscode.workspace.getConfiguration(CONFIGURATION_SECTION);
  const read = <K extends keyof Settings>(key: K): Settings[K] => {
    const value = configuration.get<Settings[K]>(key);
    // A settings file can hold anything.
    return typeof value === typeof DEFAULT_SETTINGS[key] && value !== undefined ? value : DEFAULT_SETTINGS[key];
  };
  return {
    autoAttach: read('autoAttach'),
    pollInterval: read('pollInterval'),
    overheadBudget: read('overheadBudget'),
    followRestarts: read('followRestarts'),
    connection: DEBUGGER_CONNECTIONS.find((each) => each === read('connection')) ?? DEFAULT_SETTINGS.connection,
    codeLens: read('codeLens'),
    gutter: read('gutter'),
    endOfLineText: read('endOfLineText'),
    overviewRuler: read('overviewRuler'),
    snapshotDirectory: read('snapshotDirectory'),
  };
}

/** The ranges are those of `package.json`; VS Code warns about values outside them but hands them on. */
export function serverSettings(settings: Settings): ServerSettings {
  return {
    pollIntervalMs: Math.round(Math.min(5_000, Math.max(100, settings.pollInterval))),
    budgetPercent: Math.min(100, Math.max(0.1, settings.overheadBudget)),
    codeLens: settings.codeLens,
    followRestarts: settings.followRestarts,
  };
}
