import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pictureOf, toJsonLine } from '../../../src/cli/psFormat';
import type { PsPicture } from '../../../src/cli/psFormat';
import { SessionModel } from '../../../src/core/model/sessionModel';
import { PollBuilder, at, native } from '../core/model/pollBuilder';

const EVIL = '\u001b[2J\u009b\u202e"\u2028';

function picture(): PsPicture {
  const agent = new PollBuilder();
  const model = new SessionModel();
  const asIs = (file: string, line: number, column: number) => ({ file, line, column });
  agent.change(agent.site([native('Promise'), at('/app/a.js', 3, 7, 'load'), at('node:fs', 1)]), { live: 12, variance: 4, oldest: 100 });
  agent.alive([at(`/app/node_modules/${EVIL}.js`, 1)], 1, { kind: 'timeout' });
  const ended = agent.alive([at('/app/b.js', 1)], 1);
  model.apply(agent.poll(0), asIs);
  agent.change(ended, { live: 0, started: 1 });
  model.apply(agent.poll(2000, { sampledPromises: true, promiseCounting: 'duty-cycled', measured: { percent: 0.71234, error: 0.3 } }), asIs);
  const result = pictureOf(model, { pid: 1, node: 'v24.0.0', url: '127.0.0.1:9229', title: 'a', cwd: '/app' }, [...model.sites()], 1);
  if (!result) throw new Error('no picture');
  return result;
}

describe('the JSON', () => {
  test('has all live sites, of every origin', () => {
    expect(picture()).toMatchObject({
      formatVersion: 1,
      target: { pid: 1, node: 'v24.0.0', url: '127.0.0.1:9229' },
      at: '1970-01-01T00:16:42.000Z',
      observedMs: 2000,
      dropped: 0,
      origins: { app: 12, dependency: 1, node: 0 },
      sites: [
        {
          id: 's1',
          kind: 'promise',
          origin: 'app',
          file: '/app/a.js',
          line: 3,
          column: 7,
          function: 'load',
          count: 12,
          exact: false,
          error: 4.612,
          oldestMs: 1900,
          ratePerSec: 6,
          stack: [
            { function: 'Promise', file: null, line: 0, column: 0 },
            { function: 'load', file: '/app/a.js', line: 3, column: 7 },
            { function: 'f', file: 'node:fs', line: 1, column: 1 },
          ],
        },
        { kind: 'timeout', origin: 'dependency' },
      ],
    });
  });

  test('is one line without anything that a terminal acts on, and loses nothing by it', () => {
    const line = toJsonLine(picture());
    expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    expect((JSON.parse(line) as PsPicture).sites[1]?.file).toBe(`/app/node_modules/${EVIL}.js`);
  });

  test('is what the documentation says', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/ps-format.md'), 'utf8');
    const documented = new Set([...text.matchAll(/^\| `([\w[\].]+)` \|/gm)].map((match) => match[1]));
    expect(new Set(fieldsOf(JSON.parse(toJsonLine(picture()))))).toEqual(documented);
  });

  test('has nothing before the first poll', () => {
    expect(pictureOf(new SessionModel(), { pid: 1, node: '', url: '', title: '', cwd: '' }, [], 1)).toBeUndefined();
  });
});

/** Names of leaves, such as `sites[].stack[].line`. What has names of its own, such as active resources, is a leaf. */
function fieldsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => fieldsOf(each, `${path}[]`));
  if (typeof value !== 'object' || value === null || path === 'activeResources') return [path];
  return Object.entries(value).flatMap(([name, each]) => fieldsOf(each, path === '' ? name : `${path}.${name}`));
}
