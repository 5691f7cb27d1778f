import { describe, expect, it } from 'vitest';
import type { HideEntry } from '../../../../src/core/config/projectFile';
import type { HideableSite } from '../../../../src/core/view/hiddenSites';
import { hideEntryFor, HiddenSites, isInside, LINE_DRIFT_LIMIT } from '../../../../src/core/view/hiddenSites';

const FOLDER = '/srv/orders';
const site = (part: Partial<HideableSite> = {}): HideableSite => ({ id: 'a', kind: 'promise', function: 'place', file: '/srv/orders/src/a.ts', line: 42, ...part });
const hiding = (...entries: Partial<HideEntry>[]): HiddenSites => new HiddenSites(entries.map((entry) => ({ folder: FOLDER, entry: { reason: '', ...entry } })));
const ids = (hidden: HiddenSites, ...sites: HideableSite[]): readonly string[] => [...hidden.among('1', sites).keys()];

describe('hidden sites', () => {
  it('are those of file, function and kind, wherever edits have moved the line', () => {
    const hidden = hiding({ file: 'src/a.ts', function: 'place', kind: 'promise', line: 30 });
    expect(ids(hidden, site())).toEqual(['a']);
    expect(ids(hidden, site({ id: 'b', kind: 'handle' }), site({ id: 'c', function: 'other' }), site({ id: 'd', file: '/srv/orders/src/b.ts' }))).toEqual([]);
  });

  it('are told apart by the line where several are alike', () => {
    const two = [site({ id: 'upper', line: 40 }), site({ id: 'lower', line: 50 })];
    for (const [line, id] of [[40, 'upper'], [50, 'lower'], [43, 'upper'], [48, 'lower'], [45, 'upper'], [99, 'lower']] as const) {
      expect(ids(hiding({ file: 'src/a.ts', function: 'place', line }), ...two)).toEqual([id]);
    }
  });

  it('stay the same when the one that is meant is not alive', () => {
    const hidden = hiding({ file: 'src/a.ts', function: 'place', line: 40 });
    expect(ids(hidden, site({ id: 'upper', line: 40 }), site({ id: 'lower', line: 50 }))).toEqual(['upper']);
    expect(ids(hidden, site({ id: 'lower', line: 50 }))).toEqual([]);
    expect([...hidden.among('another session', [site({ id: 'lower', line: 50 })]).keys()]).toEqual(['lower']);
    hidden.keep(['another session']);
    expect(ids(hidden, site({ id: 'lower', line: 50 }))).toEqual(['lower']);
  });

  it('are not those that are too far away', () => {
    const hidden = hiding({ file: 'src/a.ts', function: 'place', line: 42 });
    expect(ids(hidden, site({ line: 42 + LINE_DRIFT_LIMIT }))).toEqual(['a']);
    expect(ids(hiding({ file: 'src/a.ts', function: 'place', line: 42 }), site({ line: 43 + LINE_DRIFT_LIMIT }))).toEqual([]);
  });

  it('are many where an entry says little', () => {
    const sites = [site(), site({ id: 'b', function: null, line: 900 }), site({ id: 'c', kind: 'handle', function: 'x' })];
    expect(ids(hiding({ file: 'src/a.ts' }), ...sites)).toEqual(['a', 'b', 'c']);
    expect(ids(hiding({ file: './src/a.ts', function: null }), ...sites)).toEqual(['b']);
    expect(ids(hiding({ function: 'place' }), ...sites)).toEqual(['a']);
  });

  it('are found on Windows, and outside of the folder', () => {
    const hidden = new HiddenSites([{ folder: 'C:\\srv\\orders', entry: { file: 'src/a.ts', reason: '' } }]);
    expect(ids(hidden, site({ file: 'c:\\srv\\orders\\src\\a.ts' }))).toEqual(['a']);
    expect(ids(hiding({ file: 'node:net' }), site({ file: 'node:net', line: 0 }))).toEqual(['a']);
    expect(ids(hiding({ file: '/opt/b.js' }), site({ file: '/opt/b.js' }))).toEqual(['a']);
  });

  it('are found from each of the paths that a folder has', () => {
    const entry: HideEntry = { file: 'src/a.ts', reason: '' };
    const hidden = new HiddenSites(['/home/me/orders', FOLDER].map((folder) => ({ folder, entry })));
    expect(ids(hidden, site(), site({ id: 'b', file: '/home/me/orders/src/a.ts' }), site({ id: 'c', file: '/tmp/src/a.ts' }))).toEqual(['a', 'b']);
  });

  it.each([
    ['/srv/orders', '/srv/orders/a.ts', true],
    ['/srv/orders/', '/srv/orders/a.ts', true],
    ['C:\\srv', 'c:\\srv\\a.ts', true],
    ['/srv/orders', '/srv/orders2/a.ts', false],
    ['/srv/orders', 'node:net', false],
  ])('a file in %s is told: %s', (folder, file, inside) => {
    expect(isInside(folder, file)).toBe(inside);
  });

  it('are what the entry for them says', () => {
    for (const each of [site(), site({ function: null }), site({ file: '/opt/x.js' }), site({ file: 'node:net', line: 0 }), site({ file: null, line: 0 })]) {
      const entry = hideEntryFor(each, FOLDER, 'known');
      expect(ids(hiding(entry), each)).toEqual(['a']);
    }
    expect(hideEntryFor(site(), FOLDER, 'known')).toEqual({ file: 'src/a.ts', function: 'place', kind: 'promise', line: 42, reason: 'known' });
    expect(hideEntryFor(site({ file: 'C:\\srv\\a.ts' }), 'c:\\srv\\', '')).toMatchObject({ file: 'a.ts' });
  });
});
