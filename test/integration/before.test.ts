/** What was there before the attach: programs whose tasks are known by construction, attached to once they stand. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { attach } from '../../src/cdp/attach.ts';
import { connect } from '../../src/cdp/connection.ts';
import type { AttachedTarget } from '../../src/cdp/target.ts';
import { SessionModel } from '../../src/core/model/sessionModel.ts';
import type { Site } from '../../src/core/model/task.ts';
import { pollInto } from '../../src/server/session.ts';
import { createSourceMaps } from '../../src/server/sourceMaps.ts';
import { evaluate } from '../support/evaluate.ts';
import { NODES } from '../support/nodes.ts';
import type { TestNode } from '../support/nodes.ts';
import { startTarget, stopTargets } from '../support/target.ts';
import type { TestTarget } from '../support/target.ts';
import { expectedPicture } from '../support/truth.ts';
import { until } from '../support/until.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/before/tasks.ts');
const OPTIONS = { budgetPercent: 100 };
const EXPECTED = expectedPicture([FIXTURE]);
/** As many as the agent follows. */
const FOLLOWED = 20_000;
/** What is left of it when all of `end` was called. */
const LEFT = readFileSync(FIXTURE, 'utf8')
  .split('\n')
  .flatMap((text, index) =>
    [...text.matchAll(/(?<=\/\/= |, )(\d+) (\w+)(?: -> (\d+))?/g)].flatMap(([, count, kind, left = count]) =>
      left === '0' ? [] : [`tasks.ts:${String(index + 1).padStart(3)} ${String(kind)} ${String(left)}`],
    ),
  )
  .sort();

let directory: string;
let program: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asyncscope-before-'));
  program = join(directory, 'tasks.cjs');
  await build({ entryPoints: [FIXTURE], outfile: program, bundle: true, platform: 'node', format: 'cjs', minify: true, sourcemap: 'linked' });
});

afterEach(stopTargets);

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function startFixture(node: TestNode): Promise<TestTarget> {
  const fifo = join(directory, `fifo-${node.version}`);
  execFileSync('sh', ['-c', 'test -p "$0" || mkfifo "$0"', fifo]);
  const fixture = JSON.stringify({ directory, fifo });
  return startTarget(node, `globalThis.fixture = ${fixture}; require(${JSON.stringify(program)}); // console.log('idle')`);
}

/** A model that is polled, and what it shows of the user's code. */
function watch(target: AttachedTarget): { readonly model: SessionModel; readonly poll: () => Promise<unknown> } {
  const model = new SessionModel();
  const positions = createSourceMaps();
  return { model, poll: () => pollInto(model, target, positions) };
}

function live(model: SessionModel): readonly Site[] {
  return [...model.sites()].filter((site) => site.origin === 'app' && site.count > 0);
}

function picture(model: SessionModel, since: Site['since'] = 'before'): readonly string[] {
  return live(model)
    .filter((site) => site.since === since && site.file !== null)
    .map((site) => `${(site.file ?? '').replace(/^.*[\\/]/, '')}:${String(site.line).padStart(3)} ${site.kind} ${site.count}`)
    .sort();
}

describe.each(NODES)('Node $version', (node) => {
  test('every task stands at the function that it will call, through a source map', async () => {
    const target = await startFixture(node);
    const attached = await attach(target.url, OPTIONS);
    const { model, poll } = watch(attached);
    await attached.countPromises();
    await poll();
    expect(picture(model)).toEqual(EXPECTED);
    const nowhere = live(model).filter((site) => site.file === null);
    expect(nowhere.map(({ kind, count, function: name }) => [kind, count, name]).sort()).toEqual([
      // 50 that nothing settles, and 4 that wait for timers, whose callback is a builtin
      ['promise', 54, '(promise)'],
      ['timeout', 4, '(timer that settles a promise)'],
    ]);
    expect(picture(model, 'attach')).toEqual([]);
    expect(live(model).every((site) => site.exact && site.started === 0 && site.ratePerSec === 0 && site.sinceBaseline === 0)).toBe(true);
    expect(model.before).toEqual(model.totals);
    await attached.detach();
  });

  test('promises are not counted once others were passed over: in the heap they are like those from before', async () => {
    const target = await startTarget(node, "globalThis.kept = [new Promise(() => {})]; globalThis.make = () => { for (let i = 0; i < 300000; i++) kept.push(new Promise(() => {})); }; setInterval(() => {}, 1000); console.log('idle')");
    const attached = await attach(target.url, { budgetPercent: 0.1 });
    const { model, poll } = watch(attached);
    await until(async () => {
      await evaluate(target.url, 'make()');
      await poll();
      return !model.canCountPromises;
    });
    await expect(attached.countPromises()).rejects.toMatchObject({ reason: 'agent failed', message: expect.stringContaining('cannot be told from the others any more') as string });
    await poll();
    expect(model.before.promise).toBe(0);
    expect(model.beforePromises).toBeUndefined();
    await attached.detach();
  });

  test('says of each what it is doing', async () => {
    const target = await startFixture(node);
    const attached = await attach(target.url, OPTIONS);
    const { model, poll } = watch(attached);
    await attached.countPromises();
    await poll();
    await attached.watch(live(model).flatMap(({ id }) => model.rawSiteIds(id)));
    await poll();
    const states = model.taskLists().flatMap(({ siteId, tasks }) =>
      tasks.map((task) => `${String(model.site(siteId)?.line ?? 0)} ${[task.path, task.state].filter(Boolean).join(' | ')}`
        .replace(/due in 16 min 3\d s|due in 33 min 1\d s/, 'due in time')
        .replace(/(?<=every 20 ms, ).*/, 'soon')
        .replace(/(?<=running ).*(?=bin.node)/, '')),
    );
    expect([...new Set(states)].sort()).toEqual([
      '0 due in time',
      '0 pending',
      '21 due in time',
      "28 due in time · unref'd",
      '30 due in time',
      '38 every 20 ms, soon',
      '44 listening · 3 connections',
      '45 idle',
      '50 idle',
      '59 carries a request',
      '59 listening · 1 connection',
      '64 GET 127.0.0.1/orders?id=1 | waiting for the response',
      '64 carries a request',
      '72 running bin/node -e process.stdin.resume()',
      '77 open',
      '78 open',
      '82 open',
      '83 under way',
    ]);
    await attached.detach();
  });

  test('what ends leaves the count, once, and intervals live on', async () => {
    const target = await startFixture(node);
    const attached = await attach(target.url, OPTIONS);
    const { model, poll } = watch(attached);
    await attached.countPromises();
    await poll();
    const ticks = Number(await evaluate(target.url, 'ticks()'));
    await until(async () => Number(await evaluate(target.url, 'ticks()')) > ticks + 3);
    await poll();
    expect(picture(model)).toEqual(EXPECTED);
    await evaluate(target.url, 'for (const each of Object.values(end)) each(); 0');
    await until(async () => {
      await poll();
      return picture(model).join('|') === LEFT.join('|');
    }, 5_000).catch(() => undefined);
    expect(picture(model)).toEqual(LEFT);
    await evaluate(target.url, 'settle(); 0');
    await until(async () => {
      await poll();
      return model.before.promise === 44;
    });
    await attached.detach();
  });

  test('finds them while the target is paused at a breakpoint, in the middle of an interval', async () => {
    const target = await startFixture(node);
    const user = await connect(target.url);
    await user.send('Debugger.enable');
    const paused = new Promise((resolve) => user.on('Debugger.paused', resolve));
    await user.send('Debugger.pause');
    await paused;
    const attached = await attach(target.url, OPTIONS);
    const { model, poll } = watch(attached);
    await attached.countPromises();
    await poll();
    expect(picture(model)).toEqual(EXPECTED);
    expect(model.before.promise).toBe(54);
    await user.send('Debugger.resume');
    await user.close();
    await attached.detach();
  });

  test('of 100,000 timers follows as many as it may, and counts the rest', async () => {
    const target = await startTarget(
      node,
      `globalThis.kept = Array.from({ length: 100_000 }, (_, i) => setTimeout(() => kept, 1e6 + (i % 50)));
       for (let i = 0; i < 3; i++) setTimeout(function other() {}, 2e6);
       // of a script of which no function has run lately V8 tells no name, as docs/what-counts.md says: this one has such a function
       globalThis.used = () => 1;
       used();
       console.log('idle')`,
    );
    const attached = await attach(target.url, OPTIONS);
    const { model, poll } = watch(attached);
    await poll();
    expect(model.before.timeout).toBe(FOLLOWED);
    expect(model.before.timeout + model.beforeNotFollowed).toBe(100_003);
    expect(live(model).some((site) => site.count > FOLLOWED - 1000 && site.line === 1 && !site.exact)).toBe(true);
    await evaluate(target.url, 'for (const each of kept) clearTimeout(each); 0');
    await until(async () => {
      await poll();
      return model.before.timeout + model.beforeNotFollowed <= 3;
    });
    await attached.detach();
  });
});
