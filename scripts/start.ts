/**
 * `npm start`: the sample service, leaking under the inspector, and VS Code with the extension attached to it.
 * `npm start -- --terminal`: the same in the terminal, without VS Code. Ctrl-C ends everything.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DIST, ROOT, SAMPLE } from './lib/paths.ts';
import { exitOnSignals, run, startLeashed } from './lib/processes.ts';
import type { LeashedProcess } from './lib/processes.ts';
import { SetupError, ensureWorkbench, findProgram } from './lib/setup.ts';
import { TEST_VSIX, packageVsix } from './lib/vsix.ts';
import { findFreePort, startWorkbenchServer } from './lib/workbenchServer.ts';

/** Where people expect an inspector; another free port is taken when it is busy. */
const INSPECTOR_PORT = 9229;
/** Requests per second that the sample sends to itself. */
const LOAD = 5;
/** Read by the extension when it activates. */
const ATTACH_VARIABLE = 'ASYNCSCOPE_ATTACH';

exitOnSignals();
const { values } = parseArgs({ options: { terminal: { type: 'boolean' } } });
try {
  await start(values.terminal === true);
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 1;
}

async function start(terminal: boolean): Promise<void> {
  const code = terminal ? undefined : await findProgram(process.platform === 'win32' ? ['code.cmd'] : ['code']);
  const inBrowser = !terminal && code === undefined;
  if (inBrowser) {
    await ensureWorkbench();
    await packageVsix(TEST_VSIX);
  } else if ((await run(process.execPath, [join(ROOT, 'scripts', 'build.ts'), '--production'])) !== 0) {
    process.exitCode = 1;
    return;
  }

  const port = await findFreePort(INSPECTOR_PORT);
  const target = `127.0.0.1:${port}`;
  const sample = await startSample(target, !terminal);
  if (terminal) {
    process.exitCode = await watchInTerminal(port);
    await sample.stop();
    return;
  }
  if (code !== undefined) await openDesktop(code, target);
  else await openBrowser(target);
  console.log('Ctrl-C ends the sample service.');
  process.exitCode = await sample.exited;
}

/** Resolves once the service is open. */
async function startSample(inspector: string, print: boolean): Promise<LeashedProcess> {
  const args = [`--inspect=${inspector}`, '--enable-source-maps', join('dist', 'server.js'), '--load', String(LOAD), '--leak', 'all'];
  const sample = startLeashed(process.execPath, args, { cwd: SAMPLE, env: process.env });
  let output = '';
  const ready = new Promise<void>((resolve, reject) => {
    const onOutput = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes(' at http://')) resolve();
      if (print) process.stdout.write(chunk);
    };
    sample.stdout.on('data', onOutput);
    sample.stderr.on('data', onOutput);
    sample.exited.then(
      (code) => reject(new Error(`The sample service ended with exit code ${code}.\n${output}`)),
      (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))),
    );
  });
  await ready;
  return sample;
}

function watchInTerminal(port: number): Promise<number> {
  return run(process.execPath, [join(DIST, 'cli.js'), 'ps', String(port), '--watch']);
}

async function openDesktop(code: string, target: string): Promise<void> {
  const args = [`--extensionDevelopmentPath=${ROOT}`, SAMPLE];
  if ((await run(code, args, { env: { ...process.env, [ATTACH_VARIABLE]: target } })) !== 0) {
    throw new Error(`"${code} ${args.join(' ')}" failed; see above.`);
  }
}

async function openBrowser(target: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'asyncscope-start-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const server = await startWorkbenchServer({ directory, vsix: [TEST_VSIX], env: { [ATTACH_VARIABLE]: target } });
  console.log(`\nVS Code with Asyncscope, attached to the sample service at ${target}:\n\n    ${server.url(SAMPLE)}\n`);
}
