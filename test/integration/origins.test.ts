/** Globs that say whose code a file is decide where a task stands, in the agent as in the model. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spawnTarget } from '../../src/cdp/spawn.ts';
import type { OriginRules } from '../../src/core/model/origin.ts';
import { SessionModel } from '../../src/core/model/sessionModel.ts';
import { pollInto } from '../../src/server/session.ts';
import { createSourceMaps } from '../../src/server/sourceMaps.ts';
import { NODES } from '../support/nodes.ts';
import { until } from '../support/until.ts';

const FILES: Readonly<Record<string, string>> = {
  'main.mjs': `import { open } from 'mine';
import { load } from './generated/client.mjs';
globalThis.kept = [open(), load(), open()];
process._rawDebug('ready');
setInterval(() => {}, 60_000);`,
  'node_modules/mine/package.json': '{ "name": "mine", "type": "module", "exports": "./index.js" }',
  'node_modules/mine/index.js': 'export function open() {\n  return new Promise(() => {});\n}',
  'generated/client.mjs': 'export function load() {\n  return new Promise(() => {});\n}',
};

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asyncscope-origins-'));
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
});

afterAll(() => rm(directory, { recursive: true, force: true }));

const MAIN_PROMISES = 'main.mjs:3 promise';
test.each<[string, OriginRules, Readonly<Record<string, number>>]>([
  ['nothing is said', {}, { [MAIN_PROMISES]: 2, 'client.mjs:2 promise': 1 }],
  ['a package is your own', { app: ['node_modules/mine/**'] }, { 'index.js:2 promise': 2, 'client.mjs:2 promise': 1 }],
  ['a folder is of others', { dependency: ['**/generated/**'] }, { [MAIN_PROMISES]: 3 }],
  ['both', { app: ['node_modules/mine'], dependency: ['generated'] }, { 'index.js:2 promise': 2, [MAIN_PROMISES]: 1 }],
])('%s', async (_, rules, expected) => {
  for (const node of NODES) {
    let ready = false;
    const { child, target, exited } = await spawnTarget([node.path, join(directory, 'main.mjs')], {
      budgetPercent: 100,
      origins: rules,
      stdout: 'inherit',
      stderr: (line) => (ready ||= line === 'ready'),
    });
    try {
      await until(() => ready);
      const model = new SessionModel(rules);
      await pollInto(model, target, createSourceMaps(undefined, rules));
      const shown: Record<string, number> = {};
      for (const { origin, kind, file, line, count } of model.sites()) {
        if (origin !== 'app' || kind !== 'promise' || count === 0) continue;
        const key = `${(file ?? '').replace(/^.*[\\/]/, '')}:${line} ${kind}`;
        shown[key] = (shown[key] ?? 0) + count;
      }
      expect(shown, `Node ${node.version}`).toEqual(expected);
    } finally {
      await target.detach();
      child.kill('SIGKILL');
      await exited;
    }
  }
});
