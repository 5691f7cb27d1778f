/**
 * `npm start`: the sample service, leaking under the inspector, and VS Code with the extension attached to it.
 * `npm start -- --terminal`: the same in the terminal, without VS Code. Ctrl-C ends everything.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DIST, ROOT, SAMPLE } from './lib/paths.ts';
import { run, startLeashed } from './lib/processes.ts';
import type { LeashedProcess } from './lib/processes.ts';
import { SetupError, ensureWorkbench, findProgram } from './lib/setup.ts';
import { TEST_VSIX, TEST_VSIX_LOG, packageVsix } from './lib/vsix.ts';
import { findFreePort, startWorkbenchServer } from './lib/workbenchServer.ts';

/** Where people expect an inspector; another free port is taken when it is busy. */
const INSPECTOR_PORT = 9229;
/** Requests per second that the sample sends to itself: so few that everything can be counted exactly within the default budget. */
const LOAD = 2;
/** Read by the extension when it activates. */
const ATTACH_VARIABLE = 'ASYNCSCOPE_ATTACH';

/** What has to be ended and removed, in reverse order, however this ends. */
const cleanups: (() => Promise<void> | void)[] = [];

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
  process.once(signal, () => {
    cleanUp().then(
      () => process.exit(code),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
const { values } = parseArgs({ options: { terminal: { type: 'boolean' } } });
try {
  process.exitCode = await start(values.terminal === true);
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 1;
} finally {
  await cleanUp();
}

/** Resolves with the exit code when it is over. */
async function start(terminal: boolean): Promise<number> {
  const code = terminal ? undefined : await findProgram(process.platform === 'win32' ? ['code.cmd'] : ['code']);
  const inBrowser = !terminal && code === undefined;
  if (inBrowser) {
    await ensureWorkbench();
    console.log('Building and packaging ...');
    await packageVsix(TEST_VSIX, TEST_VSIX_LOG);
  } else {
    const failed = await run(process.execPath, [join(ROOT, 'scripts', 'build.ts'), '--production']);
    if (failed !== 0) return failed;
  }

  const port = await findFreePort(INSPECTOR_PORT);
  const target = `127.0.0.1:${port}`;
  const sample = await startSample(target, !terminal);
  if (terminal) return watchInTerminal(port);
  if (code === undefined) await openBrowser(target);
  else await openDesktop(code, target);
  console.log('Ctrl-C ends the sample service.');
  return sample.exited;
}

async function cleanUp(): Promise<void> {
  for (let next = cleanups.pop(); next !== undefined; next = cleanups.pop()) await next();
}

/** Resolves once the service is open. */
async function startSample(inspector: string, print: boolean): Promise<LeashedProcess> {
  const args = [`--inspect=${inspector}`, '--enable-source-maps', join('dist', 'server.js'), '--load', String(LOAD), '--leak', 'all'];
  const sample = startLeashed(process.execPath, args, { cwd: SAMPLE, env: process.env });
  cleanups.push(() => sample.stop());
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

/** The terminal front end draws on this terminal itself, and Ctrl-C reaches it directly: it detaches, and then all ends. */
async function watchInTerminal(port: number): Promise<number> {
  const child = spawn(process.execPath, [join(DIST, 'cli.js'), 'ps', String(port), '--watch'], { stdio: 'inherit' });
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  cleanups.push(async () => {
    child.kill('SIGINT');
    await exited;
  });
  return exited;
}

async function openDesktop(code: string, target: string): Promise<void> {
  const args = [`--extensionDevelopmentPath=${ROOT}`, SAMPLE, '--goto', firstSight()];
  if ((await run(code, args, { env: { ...process.env, [ATTACH_VARIABLE]: target } })) !== 0) {
    throw new Error(`"${code} ${args.join(' ')}" failed; see above.`);
  }
}

async function openBrowser(target: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'asyncscope-start-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const server = await startWorkbenchServer({ directory, vsix: [TEST_VSIX], env: { [ATTACH_VARIABLE]: target } });
  cleanups.push(() => server.stop());
  const url = server.url(SAMPLE, [
    ['openFile', `vscode-remote://${server.host}${firstSight()}`],
    ['gotoLineMode', 'true'],
  ]);
  console.log(`\nVS Code with Asyncscope, attached to the sample service at ${target}:\n\n    ${url}\n`);
}

/** `file:line` of a leak in the sample: what people see first. */
function firstSight(): string {
  const file = join(SAMPLE, 'src', 'payments.ts');
  const lines = readFileSync(file, 'utf8').split('\n');
  return `${file}:${lines.findIndex((line) => line.includes('new Promise')) + 1}:1`;
}
