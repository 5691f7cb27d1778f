/** What of the user's settings the server is told. Pure. */
import { joinOriginRules } from '../core/model/origin';
import type { OriginRules } from '../core/model/origin';
import type { ServerSettings } from '../protocol/lsp';
import type { Settings } from './contributions';

const WORKSPACE_FOLDER = '${workspaceFolder}';

export interface Editor {
  /** Whether the editor shows code lenses at all. */
  readonly hasCodeLenses: boolean;
  /** The first folder of the workspace, for `${workspaceFolder}`; undefined where none is open. */
  readonly folder: string | undefined;
}

/**
 * The ranges are those of `package.json`; VS Code warns about values outside them but hands them on.
 * @param projects origins of `.asyncscope.json`, which add to those of the settings
 */
export function serverSettings(settings: Settings, projects: readonly OriginRules[], { hasCodeLenses, folder }: Editor): ServerSettings {
  const rules = joinOriginRules([{ app: settings['origin.app'], dependency: settings['origin.dependency'] }, ...projects]);
  return {
    pollIntervalMs: Math.round(Math.min(5_000, Math.max(100, settings.pollInterval))),
    budgetPercent: Math.min(100, Math.max(0.1, settings.overheadBudget)),
    memoryLimitMb: Math.min(256, Math.max(1, settings.memoryLimit)),
    codeLens: settings.codeLens && hasCodeLenses,
    suspendedLens: settings.suspendedMarks,
    followRestarts: settings.followRestarts,
    origin: { app: [...(rules.app ?? [])], dependency: [...(rules.dependency ?? [])], node: [...(rules.node ?? [])] },
    ...(settings.dumpLookupBudget >= 0 && { dumpLookupMs: Math.round(1000 * Math.min(600, settings.dumpLookupBudget)) }),
    pathMappings: localMappings(settings.pathMappings, folder),
  };
}

/** With the workspace's folder put in; entries that are none, or that need a folder where none is open, are left out. */
function localMappings(mappings: Readonly<Record<string, unknown>> | null, folder: string | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(mappings ?? {}).flatMap(([remote, local]): [string, string][] => {
      if (typeof local !== 'string' || (folder === undefined && local.includes(WORKSPACE_FOLDER))) return [];
      return [[remote, local.replaceAll(WORKSPACE_FOLDER, () => folder ?? '')]];
    }),
  );
}
