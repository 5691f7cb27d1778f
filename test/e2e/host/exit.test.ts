import { after, before, describe, it } from 'mocha';
import { deepEqual, equal } from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debug } from 'vscode';
import type { AsyncscopeTestApi } from '../../../src/host/testApi.ts';
import { activate, attachedSession, eventually, noSessions, setting } from './support.ts';

/** How a program comes to its end, and the exit code that it ends with. */
const ENDS = [
  { how: 'ends naturally', code: '', exitCode: 0 },
  { how: 'calls process.exit', code: 'process.exit(7);', exitCode: 7 },
  { how: 'throws', code: "throw new Error('on purpose');", exitCode: 1 },
] as const;

/** Waits for a file named `go`, then ends; says when it does. */
const program = (code: string) => `const { existsSync, writeFileSync } = require('node:fs');
process.on('exit', () => writeFileSync('ending', String(Date.now())));
const waiting = setInterval(() => {
  if (!existsSync('go')) return;
  clearInterval(waiting);
  ${code}
}, 20);
`;

/** Stands for node, and says how and when it was gone. */
const WRAPPER = `#!/bin/sh
node "$@"
echo "$? $(date +%s%3N)" > gone.part
mv gone.part gone
`;

describe('the end of a program under the debugger', () => {
  let api: AsyncscopeTestApi;

  before(async () => {
    api = await activate();
    await noSessions(api);
  });

  after(async () => {
    await setting('autoAttach', undefined);
    await noSessions(api);
  });

  for (const attached of [false, true]) {
    for (const { how, code, exitCode } of ENDS) {
      it(`${how}, ${attached ? 'with' : 'without'} us: same exit code, and nobody holds it back`, async () => {
        const directory = await mkdtemp(join(tmpdir(), 'asyncscope-exit-'));
        const file = (name: string) => join(directory, name);
        await writeFile(file('program.js'), program(code));
        await writeFile(file('node.sh'), WRAPPER);
        await chmod(file('node.sh'), 0o755);
        await setting('autoAttach', attached);
        const started = await debug.startDebugging(undefined, {
          type: 'node',
          request: 'launch',
          name: 'ending',
          program: file('program.js'),
          cwd: directory,
          runtimeExecutable: file('node.sh'),
          internalConsoleOptions: 'neverOpen',
        });
        equal(started, true);
        if (attached) await attachedSession(api);
        else await eventually('a process', () => (debug.activeDebugSession?.parentSession === undefined ? undefined : true));
        await writeFile(file('go'), '');
        const gone = await eventually('the exit', () => readFile(file('gone'), 'utf8').catch(() => undefined));
        const [status, at] = gone.trim().split(' ').map(Number);
        console.log(`${how}, ${attached ? 'with' : 'without'} us: gone ${String(Number(at) - Number(await readFile(file('ending'), 'utf8')))} ms after its exit event`);
        equal(status, exitCode);
        if (attached) {
          await eventually('the end of the session', () => (api.sessions().every(({ status }) => status === 'ended') ? true : undefined));
          deepEqual(api.sessions().map(({ end }) => end?.reason), ['target exited']);
          await noSessions(api);
        }
        await rm(directory, { recursive: true, force: true });
      });
    }
  }
});
