import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  COLORS,
  COMMANDS,
  CONFIGURATION_SECTION,
  CONTEXT_KEYS,
  DEFAULT_SETTINGS,
  HIDDEN_COMMANDS,
  ROW_CONTEXTS,
  VIEWS,
} from '../../../src/host/contributions';
import { DEFAULT_SERVER_SETTINGS, serverSettings as serverSettingsSchema } from '../../../src/protocol/lsp';

interface MenuItem {
  readonly command?: string;
  readonly submenu?: string;
  readonly when?: string;
}

interface Manifest {
  readonly icon: string;
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly icon?: string; readonly enablement?: string }[];
    readonly views: Readonly<Record<string, readonly { readonly id: string; readonly icon: string }[]>>;
    readonly viewsWelcome: readonly { readonly view: string; readonly contents: string; readonly when: string }[];
    readonly submenus: readonly { readonly id: string }[];
    readonly menus: Readonly<Record<string, readonly MenuItem[]>>;
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly default: unknown; readonly minimum?: number; readonly maximum?: number }>> };
    readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<string, string>> }[];
  };
}

const ROOT = join(__dirname, '../../..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const { contributes } = manifest;
const commandIds: readonly string[] = Object.values(COMMANDS);

describe('package.json', () => {
  it('contributes the commands of the table, and no others', () => {
    expect(contributes.commands.map(({ command }) => command).sort()).toEqual([...commandIds].sort());
  });

  it('contributes the settings of the table with their defaults, and no others', () => {
    const declared = Object.fromEntries(Object.entries(contributes.configuration.properties).map(([key, { default: value }]) => [key, value]));
    const known = Object.fromEntries(Object.entries(DEFAULT_SETTINGS).map(([key, value]) => [`${CONFIGURATION_SECTION}.${key}`, value]));
    expect(declared).toEqual(known);
  });

  it('gives the server the defaults that the server has', () => {
    expect(DEFAULT_SETTINGS.pollInterval).toBe(DEFAULT_SERVER_SETTINGS.pollIntervalMs);
    expect(DEFAULT_SETTINGS.overheadBudget).toBe(DEFAULT_SERVER_SETTINGS.budgetPercent);
    expect(DEFAULT_SETTINGS.codeLens).toBe(DEFAULT_SERVER_SETTINGS.codeLens);
  });

  it('allows no setting that the server would refuse', () => {
    const range = (key: string): { minimum?: number; maximum?: number } => contributes.configuration.properties[key] ?? {};
    const { minimum: least = NaN, maximum: most = NaN } = range('asyncscope.pollInterval');
    const { minimum: lowest = NaN, maximum: highest = NaN } = range('asyncscope.overheadBudget');
    for (const [pollIntervalMs, budgetPercent] of [[least, lowest], [most, highest]]) {
      expect(serverSettingsSchema['~run']({ value: { pollIntervalMs, budgetPercent, codeLens: true } }, {}).issues).toBeUndefined();
    }
  });

  it('contributes the view to the debug container', () => {
    expect(contributes.views['debug']?.map(({ id }) => id)).toEqual(Object.values(VIEWS));
    for (const { view } of contributes.viewsWelcome) expect(Object.values(VIEWS)).toContain(view);
  });

  it('contributes a colour for each heat in all four kinds of theme', () => {
    expect(contributes.colors.map(({ id }) => id)).toEqual(Object.values(COLORS.heat));
    for (const { defaults } of contributes.colors) expect(Object.keys(defaults).sort()).toEqual(['dark', 'highContrast', 'highContrastLight', 'light']);
  });

  it('uses only context keys, rows and menus that the code knows', () => {
    const submenus = contributes.submenus.map(({ id }) => id);
    const clauses = [
      ...Object.values(contributes.menus).flatMap((items) => items.map(({ when }) => when ?? '')),
      ...contributes.viewsWelcome.map(({ when }) => when),
      ...contributes.commands.map(({ enablement }) => enablement ?? ''),
    ];
    for (const clause of clauses) {
      for (const key of clause.match(/asyncscope\.\w+/g) ?? []) {
        expect([...CONTEXT_KEYS, ...Object.values(VIEWS)], clause).toContain(key);
      }
      for (const [, value = ''] of clause.matchAll(/viewItem == (\S+)/g)) expect(Object.values(ROW_CONTEXTS), clause).toContain(value);
      for (const [, pattern = ''] of clause.matchAll(/viewItem =~ \/(.+?)\/(?: |$)/g)) {
        expect(Object.values(ROW_CONTEXTS).some((context) => new RegExp(pattern).test(context)), clause).toBe(true);
      }
    }
    for (const [menu, items] of Object.entries(contributes.menus)) {
      expect(['view/title', 'view/item/context', 'commandPalette', ...submenus]).toContain(menu);
      for (const { command, submenu } of items) expect([...commandIds, ...submenus]).toContain(command ?? submenu);
    }
  });

  it('keeps commands that need arguments out of the palette', () => {
    const hidden = contributes.menus['commandPalette']?.filter(({ when }) => when === 'false').map(({ command }) => command);
    expect([...(hidden ?? [])].sort()).toEqual([...HIDDEN_COMMANDS].sort());
  });

  it('links only commands that exist from the empty view', () => {
    for (const { contents } of contributes.viewsWelcome) {
      for (const [, command = ''] of contents.matchAll(/\(command:([\w.]+)\)/g)) {
        if (command.startsWith('asyncscope.')) expect(commandIds).toContain(command);
        else expect(command).toBe('workbench.action.debug.start');
      }
    }
  });

  it('names pictures that are there', () => {
    for (const file of [manifest.icon, ...(contributes.views['debug'] ?? []).map(({ icon }) => icon)]) {
      expect(existsSync(join(ROOT, file)), file).toBe(true);
    }
  });
});
