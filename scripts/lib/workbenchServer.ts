/** A real VS Code server with its web workbench, out of the workbench package. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { SERVER_ROOT, toolNode } from './setup.ts';
import { run, startLeashed } from './processes.ts';

/** Milliseconds within which the server has to be ready; it takes about half a second on two cores. */
const START_TIMEOUT_MS = 60_000;

export interface WorkbenchServerOptions {
  /** A directory of its own: settings, extensions and logs go there. */
  readonly directory: string;
  /** Packages to install before the start. */
  readonly vsix?: readonly string[];
  /** Added to the settings that keep the workbench quiet. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Added to the environment of the server, and so of the extension host. */
  readonly env?: Readonly<Record<string, string>>;
  /** Needed by extension tests to report their end. Hides notification toasts. */
  readonly smokeTestDriver?: boolean;
  /** The port to listen on; any free one unless given. */
  readonly port?: number;
}

export interface WorkbenchServer {
  /** `127.0.0.1:port`, the authority in the workbench's URIs. */
  readonly host: string;
  readonly settingsFile: string;
  /** The address to open, which carries the secret that the server asks for. */
  url(folder: string, payload?: readonly (readonly [key: string, value: string])[]): string;
  /** What the server has printed so far. */
  log(): string;
  readonly exited: Promise<number>;
  stop(): Promise<void>;
}

/** What a fresh workbench would say, ask or fetch on its own is off. */
export const QUIET_SETTINGS: Readonly<Record<string, unknown>> = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.editor.useModal': 'off',
  'workbench.enableExperiments': false,
  'workbench.settings.enableNaturalLanguageSearch': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.colorTheme': 'Default Dark Modern',
  'telemetry.telemetryLevel': 'off',
  'security.workspace.trust.enabled': false,
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'npm.fetchOnlinePackageInfo': false,
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'typescript.disableAutomaticTypeAcquisition': true,
  'js/ts.tsserver.automaticTypeAcquisition.enabled': false,
  'git.enabled': false,
  'editor.minimap.enabled': false,
};

/**
 * Starts a server that ends when this process ends.
 * @throws {Error} with the server's output when it does not come up
 */
export async function startWorkbenchServer(options: WorkbenchServerOptions): Promise<WorkbenchServer> {
  const data = join(options.directory, 'data');
  const settingsFile = join(data, 'User', 'settings.json');
  await mkdir(join(data, 'User'), { recursive: true });
  await mkdir(join(options.directory, 'extensions'), { recursive: true });
  await writeFile(settingsFile, JSON.stringify({ ...QUIET_SETTINGS, ...options.settings }, undefined, 2));

  const node = toolNode();
  const env = { ...cleanEnvironment(), ...options.env };
  const main = join(SERVER_ROOT, 'out', 'server-main.js');
  const directories = [
    ...['--server-data-dir', join(options.directory, 'server')],
    ...['--user-data-dir', data],
    ...['--extensions-dir', join(options.directory, 'extensions')],
  ];
  for (const vsix of options.vsix ?? []) {
    const logFile = join(options.directory, 'install.log');
    const code = await run(node, [main, ...directories, '--install-extension', vsix, '--force'], { env, quiet: true, logFile });
    if (code !== 0) throw new Error(`Installing ${vsix} failed; see ${logFile}`);
  }

  const port = options.port ?? (await findFreePort());
  const host = `127.0.0.1:${port}`;
  const token = randomBytes(16).toString('hex');
  const server = startLeashed(
    node,
    [
      main,
      ...directories,
      ...['--host', '127.0.0.1', '--port', String(port), '--connection-token', token],
      ...['--accept-server-license-terms', '--telemetry-level', 'off', '--disable-telemetry'],
      ...['--disable-workspace-trust', '--disable-experiments'],
      ...(options.smokeTestDriver === true ? ['--enable-smoke-test-driver'] : []),
    ],
    { env },
  );
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The VS Code server is not ready after ${START_TIMEOUT_MS / 1000} s.\n${log}`)), START_TIMEOUT_MS);
    const onOutput = (chunk: Buffer): void => {
      log += chunk.toString();
      if (!log.includes('Extension host agent listening on')) return;
      clearTimeout(timer);
      resolve();
    };
    server.stdout.on('data', onOutput);
    server.stderr.on('data', onOutput);
    server.exited.then(
      (code) => {
        clearTimeout(timer);
        reject(new Error(`The VS Code server ended with exit code ${code}.\n${log}`));
      },
      (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))),
    );
  });
  return {
    host,
    settingsFile,
    url(folder, payload = []) {
      const url = new URL(`http://${host}/`);
      url.searchParams.set('tkn', token);
      url.searchParams.set('folder', folder);
      if (payload.length > 0) url.searchParams.set('payload', JSON.stringify(payload));
      return url.href;
    },
    log: () => log,
    exited: server.exited,
    stop: () => server.stop(),
  };
}

/** A TCP port of the loopback interface that was free a moment ago; `preferred` if that one is. */
export async function findFreePort(preferred = 0): Promise<number> {
  const listen = (port: number): Promise<number | undefined> =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(undefined));
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
      });
    });
  const port = (preferred === 0 ? undefined : await listen(preferred)) ?? (await listen(0));
  if (port === undefined) throw new Error('No free TCP port on 127.0.0.1.');
  return port;
}

/** The environment without what the surrounding npm, Node or VS Code has put there. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$|npm_|VITEST)/i.test(name)));
}
