import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HideEntry } from '../../../src/core/config/projectFile';
import { HIDE_ENTRY_LIMIT, PROJECT_FILE, PROJECT_FILE_VERSION } from '../../../src/core/config/projectFile';
import type { DumpGroup } from '../../../src/core/model/dump';
import { TASK_KINDS } from '../../../src/core/model/task';
import {
  COLORS,
  COMMANDS,
  CONFIGURATION_SECTION,
  CONTEXT_KEYS,
  DEFAULT_SETTINGS,
  DUMP_ROW_CONTEXTS,
  HIDDEN_COMMANDS,
  ROW_CONTEXTS,
  VIEWS,
  WALKTHROUGH,
} from '../../../src/host/contributions';
import type { DumpRow } from '../../../src/host/dump/dumpTree';
import { dumpRows } from '../../../src/host/dump/dumpTree';
import { sampleDump } from '../../support/sampleDump';

interface MenuItem {
  readonly command?: string;
  readonly submenu?: string;
  readonly when?: string;
}

interface Manifest {
  readonly icon: string;
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly icon?: string; readonly enablement?: string }[];
    readonly views: Readonly<Record<string, readonly { readonly id: string; readonly icon: string; readonly when?: string }[]>>;
    readonly viewsWelcome: readonly { readonly view: string; readonly contents: string; readonly when: string }[];
    readonly submenus: readonly { readonly id: string }[];
    readonly menus: Readonly<Record<string, readonly MenuItem[]>>;
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly default: unknown; readonly minimum?: number; readonly maximum?: number }>> };
    readonly keybindings: readonly { readonly command: string; readonly key: string; readonly when: string }[];
    readonly jsonValidation: readonly { readonly fileMatch: string; readonly url: string }[];
    readonly languages: readonly { readonly filenames: readonly string[] }[];
    readonly walkthroughs: readonly {
      readonly id: string;
      readonly steps: readonly {
        readonly description: string;
        readonly media: { readonly svg?: string; readonly altText?: string; readonly markdown?: string };
        readonly completionEvents: readonly string[];
      }[];
    }[];
    readonly colors: readonly { readonly id: string; readonly defaults: Readonly<Record<string, string>> }[];
  };
}

const ROOT = join(__dirname, '../../..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const { contributes } = manifest;
const commandIds: readonly string[] = Object.values(COMMANDS);
const rowContexts: readonly string[] = [...Object.values(ROW_CONTEXTS), ...Object.values(DUMP_ROW_CONTEXTS)];

describe('package.json', () => {
  it('contributes the commands of the table, and no others', () => {
    expect(contributes.commands.map(({ command }) => command).sort()).toEqual([...commandIds].sort());
  });

  it('contributes the settings of the table with their defaults, and no others', () => {
    const declared = Object.fromEntries(Object.entries(contributes.configuration.properties).map(([key, { default: value }]) => [key, value]));
    const known = Object.fromEntries(Object.entries(DEFAULT_SETTINGS).map(([key, value]) => [`${CONFIGURATION_SECTION}.${key}`, value]));
    expect(declared).toEqual(known);
  });

  it('contributes the views to the debug container', () => {
    expect(contributes.views['debug']?.map(({ id }) => id)).toEqual(Object.values(VIEWS));
    for (const { view } of contributes.viewsWelcome) expect(Object.values(VIEWS)).toContain(view);
  });

  it('contributes a colour for each verdict and each heat in all four kinds of theme', () => {
    expect(contributes.colors.map(({ id }) => id)).toEqual([...Object.values(COLORS.verdict), ...Object.values(COLORS.heat)]);
    for (const { defaults } of contributes.colors) expect(Object.keys(defaults).sort()).toEqual(['dark', 'highContrast', 'highContrastLight', 'light']);
  });

  it('uses only context keys, rows and menus that the code knows', () => {
    const submenus = contributes.submenus.map(({ id }) => id);
    const clauses = [
      ...Object.values(contributes.menus).flatMap((items) => items.map(({ when }) => when ?? '')),
      ...contributes.viewsWelcome.map(({ when }) => when),
      ...Object.values(contributes.views).flatMap((views) => views.map(({ when }) => when ?? '')),
      ...contributes.commands.map(({ enablement }) => enablement ?? ''),
      ...contributes.keybindings.map(({ when }) => when),
    ];
    for (const clause of clauses) {
      for (const key of clause.match(/asyncscope\.\w+/g) ?? []) {
        expect([...CONTEXT_KEYS, ...Object.values(VIEWS)], clause).toContain(key);
      }
      for (const [, value = ''] of clause.matchAll(/viewItem == (\S+)/g)) expect(rowContexts, clause).toContain(value);
      for (const [, pattern = ''] of clause.matchAll(/viewItem =~ \/(.+?)\/(?: |$)/g)) {
        expect(rowContexts.some((context) => new RegExp(pattern).test(context)), clause).toBe(true);
      }
    }
    for (const [menu, items] of Object.entries(contributes.menus)) {
      expect(['view/title', 'view/item/context', 'commandPalette', ...submenus]).toContain(menu);
      for (const { command, submenu } of items) expect([...commandIds, ...submenus]).toContain(command ?? submenu);
    }
  });

  it('offers a line or a declaration in the menu of a row of a dump only where it has one', () => {
    const [place] = sampleDump().groups.filter(({ id }) => id === 'place-insert');
    if (place === undefined) throw new Error('no group');
    // where it waits is known, where it begins is not
    const undeclared: DumpGroup = { ...place, id: 'undeclared', chain: place.chain.map((frame) => ({ ...frame, declared: null })) };
    const dump = sampleDump('/srv/orders', { groups: [...sampleDump().groups, undeclared] });
    const below = (rows: readonly DumpRow[]): readonly DumpRow[] => rows.flatMap((row) => [row, ...below(row.children())]);
    const rows = below(dumpRows([{ id: 'd1', name: 'orders', dump, sessionId: '1', processRestarts: 0 }], 'verdict'))
      // these stand for several lines, or for none: the command says so
      .filter(({ context }) => context !== DUMP_ROW_CONTEXTS.group && context !== DUMP_ROW_CONTEXTS.chain);
    const offers = (command: string, { context }: DumpRow): boolean =>
      (contributes.menus['view/item/context'] ?? []).some(({ command: each, when = '' }) => {
        const [, equal, pattern = '$^'] = /viewItem (?:== (\S+)|=~ \/(.+)\/)$/.exec(when) ?? [];
        return each === command && (equal === context || new RegExp(pattern).test(context));
      });
    for (const command of [COMMANDS.openDumpRow, COMMANDS.openDumpRowToSide]) {
      expect(rows.filter((row) => offers(command, row)).map(({ id }) => id)).toEqual(rows.filter(({ open }) => open !== undefined).map(({ id }) => id));
    }
    expect(rows.filter((row) => offers(COMMANDS.openDeclaration, row)).map(({ id }) => id)).toEqual(rows.filter(({ declared }) => declared !== undefined).map(({ id }) => id));
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

  it('has keys for its own views only, not for their find boxes, and no two alike', () => {
    const keys = contributes.keybindings.map(({ key, when }) => `${key} ${when}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { command, when } of contributes.keybindings) {
      expect(commandIds).toContain(command);
      expect(Object.values(VIEWS).map((view) => `focusedView == ${view} && !inputFocus`)).toContain(when);
    }
  });

  it('has a walkthrough whose commands, events and pictures are there', () => {
    expect(contributes.walkthroughs.map(({ id }) => id)).toEqual([WALKTHROUGH]);
    for (const { description, media, completionEvents } of contributes.walkthroughs.flatMap(({ steps }) => steps)) {
      for (const [, command = ''] of description.matchAll(/\(command:([\w.]+)\)/g)) {
        expect([...commandIds, 'workbench.action.debug.start', `${VIEWS.liveTasks}.focus`]).toContain(command);
      }
      for (const event of completionEvents) {
        const [kind, name = ''] = event.split(':');
        expect({ onCommand: commandIds, onContext: CONTEXT_KEYS as readonly string[], onView: Object.values(VIEWS) as readonly string[] }[kind ?? '']).toContain(name);
      }
      expect(existsSync(join(ROOT, media.svg ?? media.markdown ?? ''))).toBe(true);
      if (media.svg !== undefined) expect(media.altText).toBeDefined();
    }
  });

  it('describes .asyncscope.json as it is read', () => {
    expect(contributes.jsonValidation.map(({ fileMatch }) => fileMatch)).toEqual([PROJECT_FILE]);
    expect(contributes.languages.flatMap(({ filenames }) => filenames)).toEqual([PROJECT_FILE]);
    const schema = JSON.parse(readFileSync(join(ROOT, contributes.jsonValidation[0]?.url ?? ''), 'utf8')) as {
      readonly properties: {
        readonly version: { readonly const: number };
        readonly hide: { readonly maxItems: number; readonly items: { readonly properties: Readonly<Record<string, { readonly enum?: readonly string[] }>> } };
        readonly origin: { readonly properties: Readonly<Record<string, unknown>> };
      };
    };
    const { version, hide, origin } = schema.properties;
    expect([version.const, hide.maxItems]).toEqual([PROJECT_FILE_VERSION, HIDE_ENTRY_LIMIT]);
    expect(hide.items.properties['kind']?.enum).toEqual(TASK_KINDS);
    const entry: Required<HideEntry> = { file: 'a', function: 'f', kind: 'promise', line: 1, reason: 'r' };
    expect(Object.keys(hide.items.properties)).toEqual(Object.keys(entry));
    expect(Object.keys(origin.properties)).toEqual(['app', 'dependency', 'node']);
  });

  it('names pictures that are there', () => {
    for (const file of [manifest.icon, ...(contributes.views['debug'] ?? []).map(({ icon }) => icon)]) {
      expect(existsSync(join(ROOT, file)), file).toBe(true);
    }
  });
});
