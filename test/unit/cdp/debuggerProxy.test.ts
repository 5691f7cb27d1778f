/** What goes through a debugger's session, and what never does. */
import { describe, expect, test } from 'vitest';
import { guarded } from '../../../src/cdp/debuggerProxy';
import type { Connection } from '../../../src/cdp/connection';

function recorder(): { readonly connection: Connection; readonly sent: string[] } {
  const sent: string[] = [];
  const connection: Connection = {
    send(method) {
      sent.push(method);
      return Promise.resolve({});
    },
    on: () => () => undefined,
    setReading: () => undefined,
    close: () => Promise.resolve(),
    closed: new Promise(() => undefined),
  };
  return { connection: guarded(connection), sent };
}

describe("a debugger's session", () => {
  test.each([
    'Debugger.enable',
    'Debugger.disable',
    'Debugger.pause',
    'Debugger.resume',
    'Debugger.setAsyncCallStackDepth',
    'Debugger.setBreakpointByUrl',
    'Debugger.setPauseOnExceptions',
    'Debugger.setSkipAllPauses',
    'Runtime.enable',
    'Runtime.disable',
    'Runtime.runIfWaitingForDebugger',
    'Runtime.discardConsoleEntries',
    'HeapProfiler.disable',
    'Profiler.stop',
    'Profiler.startPreciseCoverage',
    'NodeRuntime.notifyWhenWaitingForDisconnect',
    'NodeWorker.disable',
    'JsDebug.subscribe',
  ])('is never sent %s', async (method) => {
    const { connection, sent } = recorder();
    await expect(connection.send(method)).rejects.toMatchObject({ name: 'TargetError', reason: 'agent failed' });
    expect(sent).toEqual([]);
  });

  test('is sent what the agent and a dump need', async () => {
    const { connection, sent } = recorder();
    const needed = ['Runtime.evaluate', 'Runtime.addBinding', 'Runtime.removeBinding', 'Runtime.getProperties', 'Runtime.releaseObjectGroup', 'Runtime.getHeapUsage', 'Runtime.queryObjects', 'HeapProfiler.takeHeapSnapshot', 'HeapProfiler.getObjectByHeapObjectId'];
    for (const method of needed) await connection.send(method);
    expect(sent).toEqual(needed);
  });
});
