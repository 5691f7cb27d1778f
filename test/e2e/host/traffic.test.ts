/**
 * Debugging is what it is without us: one program, debugged in the same way without Asyncscope, with a connection of its own,
 * and through the debugger's session, makes the same traffic between VS Code and the debugger.
 */
import { after, afterEach, before, describe, it } from 'mocha';
import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commands, debug, Location, Position, SourceBreakpoint, Uri } from 'vscode';
import type { DebugSession } from 'vscode';
import { NODES_VARIABLE } from '../hostResults.ts';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import { activate, attachedSession, eventually, noSessions, setting, treeRow } from './support.ts';

/** Lines, from 1, of {@link PROGRAM}. */
const BREAKPOINT_LINE = 10;
const PROGRAM = `const { existsSync } = require('node:fs');
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
function double(value) {
  const result = value * 2;
  return result;
}
async function inner(round) {
  const order = { round, items: ['a', 'b'] };
  await wait(5);
  const doubled = double(order.round);
  return doubled;
}
async function outer(round) {
  await wait(5);
  return inner(round);
}
function fail() {
  throw new Error('on purpose');
}
async function main() {
  do await wait(20); while (!existsSync('go'));
  console.log('begin');
  for (let round = 1; round <= 3; round++) console.log('round', await outer(round));
  try { fail(); } catch (error) { console.error(error.message); }
  setTimeout(() => { void outer(4).then(() => console.log('end')); }, 10);
}
void main();
`;

type Json = Readonly<Record<string, unknown>>;
interface Frame {
  readonly id: number;
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly presentationHint?: string;
  readonly source?: { readonly path?: string; readonly name?: string };
}

/** What the program runs on: the supported Nodes where they are installed, else the one of the path. */
const INSTALLED = [20, 22, 24, 26]
  .map((version) => ({ name: `Node ${String(version)}`, path: join(process.env[NODES_VARIABLE] ?? '', 'node_modules', `node${String(version)}`, 'bin', 'node') }))
  .filter(({ path }) => existsSync(path));
const RUNTIMES = INSTALLED.length > 0 ? INSTALLED : [{ name: 'Node', path: 'node' }];

describe('the traffic of the debugger', () => {
  let api: AsyncscopeTestApi;
  let directory: string;

  before(async () => {
    api = await activate();
    await setting('pollInterval', 100);
  });

  after(async () => {
    await setting('pollInterval', undefined);
    await setting('connection', undefined);
    await setting('autoAttach', undefined);
  });

  afterEach(async () => {
    await debug.stopDebugging();
    debug.removeBreakpoints(debug.breakpoints);
    await noSessions(api);
    await commands.executeCommand('workbench.action.closeAllEditors');
  });

  for (const runtime of RUNTIMES) {
    it(`is the same with and without us: ${runtime.name}`, async () => {
      directory = await mkdtemp(join(tmpdir(), 'asyncscope-traffic-'));
      const file = join(directory, 'program.js');
      await writeFile(file, PROGRAM);
      try {
        await setting('autoAttach', false);
        const without = await debugOnce(runtime.path, file, () => Promise.resolve());
        // That there is something to compare.
        equal(without.filter(({ event }) => event === 'stopped').length, 9);
        ok(without.some(({ reason }) => reason === 'exception'), 'a stop at a caught exception');
        ok(without.some(({ frames }) => Array.isArray(frames) && frames.some((frame) => String(frame).startsWith('label '))), 'async stacks');

        await setting('autoAttach', true);
        for (const connection of ['direct', 'proxy'] as const) {
          await setting('connection', connection);
          const watched = await debugOnce(runtime.path, file, async () => {
            const session = await attachedSession(api, ({ debugSessionId }) => debugSessionId !== undefined);
            equal(session.target?.throughDebugger ?? false, connection === 'proxy');
            await eventually('its tasks', () => (session.origins.app > 0 || (api.sessions()[0]?.origins.app ?? 0) > 0 ? true : undefined));
          }, async () => {
            await treeRow(api, 'of a process that is stopped', ({ description }) => description.includes('stopped by the debugger'));
          });
          await eventually('the end', () => (api.sessions().every(({ status, stoppedByDebugger }) => status === 'ended' && !stoppedByDebugger) ? true : undefined));
          deepEqual(watched, without, connection);
          await noSessions(api);
        }
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    });
  }

  /** Debugs the program from its start to its end; what the debugger told and answered, without what differs from run to run. */
  async function debugOnce(runtimeExecutable: string, program: string, ready: () => Promise<void>, atStop: () => Promise<void> = () => Promise.resolve()): Promise<Json[]> {
    await rm(join(directory, 'go'), { force: true });
    const record: Json[] = [];
    // What a program prints has a way of its own to VS Code: its place among the stops differs from run to run.
    const printed: Json[] = [];
    const stops: Json[] = [];
    let session: DebugSession | undefined;
    let over = false;
    const tracker = debug.registerDebugAdapterTrackerFactory('*', {
      createDebugAdapterTracker: (each) => {
        if (each.parentSession === undefined) return undefined;
        session = each;
        return {
          onDidSendMessage: (message: { readonly type: string; readonly event?: string; readonly body?: Json }) => {
            if (message.type !== 'event' || message.event === undefined) return;
            const told = normalizedEvent(message.event, message.body ?? {});
            if (told === undefined) return;
            (message.event === 'output' ? printed : record).push(told);
            if (message.event === 'stopped') stops.push(message.body ?? {});
            if (message.event === 'terminated') over = true;
          },
        };
      },
    });
    debug.addBreakpoints([new SourceBreakpoint(new Location(Uri.file(program), new Position(BREAKPOINT_LINE - 1, 0)))]);
    try {
      ok(await debug.startDebugging(undefined, { type: 'node', request: 'launch', name: 'traffic', program, cwd: directory, runtimeExecutable, console: 'internalConsole', skipFiles: [] }));
      const child = await eventually('the debugged process', () => session);
      await ready();
      await writeFile(join(directory, 'go'), '');

      const stopped = async (): Promise<number> => {
        const stop = await eventually('a stop', () => stops.shift(), () => record);
        return Number(stop['threadId']);
      };
      const look = async (threadId: number): Promise<readonly Frame[]> => {
        const { stackFrames } = (await child.customRequest('stackTrace', { threadId, startFrame: 0, levels: 50 })) as { stackFrames: readonly Frame[] };
        record.push({ frames: stackFrames.map(frameText) });
        return stackFrames;
      };
      const go = async (how: 'next' | 'stepIn' | 'stepOut' | 'continue', threadId: number): Promise<void> => {
        await child.customRequest(how, { threadId });
      };

      let threadId = await stopped();
      await atStop();
      // VS Code sends its own while the session begins, at any time before the first stop.
      await child.customRequest('setExceptionBreakpoints', { filters: ['all'] });
      const top = (await look(threadId))[0];
      const { scopes } = (await child.customRequest('scopes', { frameId: top?.id })) as { scopes: readonly { readonly name: string; readonly variablesReference: number }[] };
      const local = scopes[0];
      const { variables } = (await child.customRequest('variables', { variablesReference: local?.variablesReference })) as { variables: readonly { readonly name: string; readonly value: string }[] };
      record.push({ scopes: scopes.map(({ name }) => name), variables: variables.map(({ name, value }) => `${name} = ${value}`) });
      for (const expression of ['order.round + 1', 'order.items', 'missing', 'double(21)']) {
        record.push({ evaluate: expression, ...(await evaluate(child, expression, top?.id)) });
      }
      for (const step of ['stepIn', 'next', 'stepOut', 'next'] as const) {
        await go(step, threadId);
        threadId = await stopped();
        await look(threadId);
      }
      await go('continue', threadId);
      // Two more rounds, the exception, and the round that a timer begins.
      for (;;) {
        const stop = await eventually('a stop or the end', () => stops.shift() ?? (over ? 'over' : undefined), () => record.at(-1));
        if (stop === 'over') break;
        await look(Number(stop['threadId']));
        await go('continue', Number(stop['threadId']));
      }
      return [...record, ...printed];
    } finally {
      tracker.dispose();
      await debug.stopDebugging();
      debug.removeBreakpoints(debug.breakpoints);
    }
  }
});

async function evaluate(session: DebugSession, expression: string, frameId: number | undefined): Promise<Json> {
  try {
    const { result, type } = (await session.customRequest('evaluate', { expression, frameId, context: 'repl' })) as { result: string; type?: string };
    return { result, type: type ?? '' };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function frameText({ name, line, column, presentationHint, source }: Frame): string {
  return `${presentationHint ?? 'frame'} ${name} ${source?.path ?? source?.name ?? ''}:${String(line)}:${String(column)}`;
}

/** What of an event is the same from run to run; undefined for what comes at its own time, or is about our own script. */
function normalizedEvent(event: string, body: Json): Json | undefined {
  switch (event) {
    case 'stopped':
      return { event, reason: body['reason'], text: body['text'] ?? '' };
    case 'continued':
    case 'terminated':
      return { event };
    case 'output': {
      const category = String(body['category']);
      return category === 'telemetry' ? undefined : { event, category, output: String(body['output']).replace(/ws:\/\/\S+/g, 'ws://…') };
    }
    default:
      return undefined;
  }
}
