/** What the server is told of the user's settings, with the ranges of `package.json` and the server's own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Settings } from '../../../src/host/contributions';
import { DEFAULT_SETTINGS } from '../../../src/host/contributions';
import { serverSettings } from '../../../src/host/serverSettings';
import { DEFAULT_SERVER_SETTINGS, serverSettings as schema } from '../../../src/protocol/lsp';

const EDITOR = { hasCodeLenses: true, folder: '/home/me/shop' };
const told = (changed: Partial<Record<keyof Settings, unknown>> = {}, editor: Parameters<typeof serverSettings>[2] = EDITOR) =>
  serverSettings({ ...DEFAULT_SETTINGS, ...changed } as Settings, [], editor);

type Range = Readonly<Record<'minimum' | 'maximum', number>>;
const manifest = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8')) as { contributes: { configuration: { properties: Record<string, Range> } } };
const RANGED = [
  ['pollInterval', 'pollIntervalMs', 1],
  ['overheadBudget', 'budgetPercent', 1],
  ['memoryLimit', 'memoryLimitMb', 1],
  ['dumpLookupBudget', 'dumpLookupMs', 1000],
] as const;

describe('the server', () => {
  it('is told its own defaults by the defaults of the settings', () => {
    expect(told()).toEqual({ ...DEFAULT_SERVER_SETTINGS, origin: { app: [], dependency: [], node: [] } });
  });

  it.each(RANGED)('gets %s within the range that is declared, whatever is set', (setting, key, unit) => {
    const { minimum, maximum } = manifest.contributes.configuration.properties[`asyncscope.${setting}`] as Range;
    for (const value of [minimum, maximum, minimum - 1, maximum + 1, -Infinity, Infinity]) {
      const settings = told({ [setting]: value });
      // below 0 a dump takes what it takes by itself
      const expected = Math.min(maximum, Math.max(minimum, value)) * unit;
      expect(settings[key]).toBe(key === 'dumpLookupMs' && value < 0 ? undefined : expected);
      expect(schema['~run']({ value: settings }, {}).issues).toBeUndefined();
    }
  });

  it('makes lenses where both the editor and the user want them', () => {
    expect(told().codeLens).toBe(true);
    expect(told({ codeLens: false }).codeLens).toBe(false);
    expect(told({}, { ...EDITOR, hasCodeLenses: false }).codeLens).toBe(false);
  });

  it('makes lenses of a dump where its lines are marked', () => {
    expect(told().suspendedLens).toBe(true);
    expect(told({ suspendedMarks: false }).suspendedLens).toBe(false);
  });

  it('follows restarts only where that is wanted', () => {
    expect(told({ followRestarts: false }).followRestarts).toBe(false);
  });

  it('adds the origins of the project to those of the user', () => {
    const settings = { ...DEFAULT_SETTINGS, 'origin.app': ['src/**'], 'origin.dependency': ['vendor/**'] };
    expect(serverSettings(settings, [{ app: ['lib/**'], node: ['shim/**'] }], EDITOR).origin).toEqual({
      app: ['src/**', 'lib/**'],
      dependency: ['vendor/**'],
      node: ['shim/**'],
    });
  });

  it('gets directories with the folder of the workspace put in, as it is', () => {
    const pathMappings = { '/app': '${workspaceFolder}/src', '/lib': '/opt/lib' };
    expect(told({ pathMappings }).pathMappings).toEqual({ '/app': '/home/me/shop/src', '/lib': '/opt/lib' });
    expect(told({ pathMappings }, { ...EDITOR, folder: "/a $& b/$'" }).pathMappings['/app']).toBe("/a $& b/$'/src");
  });

  it('is told no directory that needs a folder where none is open, or that is no text', () => {
    const pathMappings = { '/app': '${workspaceFolder}', '/lib': '/opt/lib', '/bad': 1 };
    expect(told({ pathMappings }, { ...EDITOR, folder: undefined }).pathMappings).toEqual({ '/lib': '/opt/lib' });
    expect(told({ pathMappings: null }).pathMappings).toEqual({});
  });
});
