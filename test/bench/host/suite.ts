/** What `npm run bench -- host` measures inside VS Code's extension host. VS Code calls `run`. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, extensions, Uri, window, workspace } from 'vscode';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import type { TreeRow } from '../../../src/host/tree/treeModel.ts';

/** Named by the variable {@link TASK_VARIABLE}. */
export interface HostTask {
  readonly resultFile: string;
  /** A Node, and the program that changes its tasks. */
  readonly node: string;
  readonly program: string;
  readonly source: string;
  readonly sites: number;
  /** Sites of which a count changes each second. */
  readonly changing: number;
  /** Length of the measurement. Milliseconds. */
  readonly spanMs: number;
}

export interface HostFigures {
  /** From the call that activates to its end: loading the bundle included. Milliseconds. */
  readonly activationMs: number;
  readonly activationCpuMs: number;
  /** Percent of a core that the extension host takes: without us, attached with the view closed, with it open, and with an editor. */
  readonly idlePercent: number;
  readonly hiddenPercent: number;
  readonly shownPercent: number;
  readonly editorPercent: number;
  /** Each drawing of the tree. Milliseconds. */
  readonly drawMs: readonly number[];
  readonly heapMb: number;
  readonly rows: number;
}

export const TASK_VARIABLE = 'ASYNCSCOPE_HOST_BENCH';
const LIMIT_MS = 120_000;
const LOOK_MS = 100;
/** Between two polls, and so between two drawings. */
const DRAW_MS = 1_000;
/** Until what runs every second is compiled. */
const WARM_UP_MS = 10_000;

export async function run(): Promise<void> {
  const task = JSON.parse(process.env[TASK_VARIABLE] ?? '') as HostTask;
  const extension = extensions.getExtension<AsyncscopeTestApi>('asyncscope.asyncscope');
  if (extension === undefined) throw new Error('VS Code does not know asyncscope.asyncscope.');
  if (extension.isActive) throw new Error('The extension is active already: nothing is left to measure.');
  await sleep(WARM_UP_MS);
  const before = process.cpuUsage();
  const began = performance.now();
  const api = await extension.activate();
  const activationMs = performance.now() - began;
  const activation = process.cpuUsage(before);
  await sleep(WARM_UP_MS);
  const idlePercent = await share(task.spanMs);

  const target = await start(task);
  try {
    await commands.executeCommand('workbench.view.explorer');
    // every line is to be seen
    await workspace.getConfiguration('asyncscope').update('overheadBudget', 100, true);
    await commands.executeCommand('asyncscope.attach', target.address);
    await eventually(() => api.sessions().some(({ status }) => status === 'attached'));
    await sleep(WARM_UP_MS);
    const hiddenPercent = await share(task.spanMs);
    await commands.executeCommand('asyncscope.liveTasks.focus');
    await eventually(() => rowsBelow(api.tree().rows).filter(({ context }) => context === 'site').length >= task.sites);
    await sleep(WARM_UP_MS);
    const shownPercent = await share(task.spanMs);
    await window.showTextDocument(Uri.file(task.source));
    await eventually(() => api.marksOf(Uri.file(task.source)).length > 0);
    await sleep(WARM_UP_MS);
    const editorPercent = await share(task.spanMs);
    // asking builds all rows: not while shares are measured
    const drawMs: number[] = [];
    const end = performance.now() + task.spanMs;
    while (performance.now() < end) {
      await sleep(DRAW_MS);
      drawMs.push(api.tree().drawMs);
    }
    const figures: HostFigures = {
      activationMs,
      activationCpuMs: (activation.user + activation.system) / 1000,
      idlePercent,
      hiddenPercent,
      shownPercent,
      editorPercent,
      drawMs,
      heapMb: process.memoryUsage().heapUsed / 2 ** 20,
      rows: rowsBelow(api.tree().rows).length,
    };
    await writeFile(task.resultFile, JSON.stringify(figures));
  } finally {
    target.child.kill('SIGKILL');
  }
}

/** Percent of a core that this process takes over a span. */
async function share(spanMs: number): Promise<number> {
  const before = process.cpuUsage();
  const began = performance.now();
  await sleep(spanMs);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1000 / (performance.now() - began)) * 100;
}

async function start({ node, program, source, sites, changing }: HostTask): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(node, ['--inspect=127.0.0.1:0', join(program), source, String(sites), String(changing)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (data: Buffer) => {
      text += data.toString();
      const match = /ws:\/\/(127\.0\.0\.1:\d+)\//.exec(text);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    child.once('exit', () => {
      reject(new Error(`the target ended: ${text}`));
    });
  });
  return { child, address };
}

function rowsBelow(rows: readonly TreeRow[]): readonly TreeRow[] {
  return rows.flatMap((row) => [row, ...rowsBelow(row.children)]);
}

async function eventually(look: () => boolean): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!look()) {
    if (performance.now() > end) throw new Error(`Not within ${LIMIT_MS / 1000} s: ${look.toString()}`);
    await sleep(LOOK_MS);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
