/**
 * The servers that the truth programs of libraries talk to: PostgreSQL and Redis as the system's packages have them, stubs
 * for the rest. All on free ports of the loopback interface, in a temporary directory, and gone with this process.
 */
import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startLeashed } from '../../scripts/lib/processes.ts';
import type { LeashedProcess } from '../../scripts/lib/processes.ts';
import { findPostgres, findRedis } from '../../scripts/lib/setup.ts';
import { startHttpStub, startMongoStub, startMysqlStub } from './stubs.ts';
import { until } from './until.ts';

export interface Services {
  /** The variables in which programs find the servers: `PG_URL`, `REDIS_URL`, `MYSQL_URL`, `MONGO_URL`, `HTTP_URL`. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends all of them. Idempotent. */
  stop(): Promise<void>;
}

interface Service {
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const execute = promisify(execFile);
/** The user that Debian's package makes: PostgreSQL refuses to run as root. */
const POSTGRES_USER = 'postgres';

/** @throws {Error} when a server is not installed or does not start; nothing is left running then */
export async function startServices(): Promise<Services> {
  const directory = await mkdtemp(join(tmpdir(), 'asyncscope-services-'));
  const outcomes = await Promise.allSettled([
    startPostgres(join(directory, 'postgres')),
    startRedis(directory),
    stubService('MYSQL_URL', (port) => `mysql://root@127.0.0.1:${port}/test`, startMysqlStub),
    stubService('MONGO_URL', (port) => `mongodb://127.0.0.1:${port}/test`, startMongoStub),
    stubService('HTTP_URL', (port) => `http://127.0.0.1:${port}/`, startHttpStub),
  ]);
  const started = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((service) => service.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  return { env: Object.assign({}, ...started.map((service) => service.env)) as Record<string, string>, stop };
}

async function startPostgres(data: string): Promise<Service> {
  const bin = await findPostgres();
  await mkdir(data);
  const prefix = await asPostgres(data);
  const command = (program: string, args: readonly string[]): [string, string[]] => {
    const all = [...prefix, join(bin, program), ...args];
    return [all[0] as string, all.slice(1)];
  };
  await execute(...command('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions']));
  const port = await freePort();
  const options = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', max_connections: 100 };
  const settings = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = startLeashed(...command('postgres', ['-D', data, ...settings]));
  return ready(server, 'PostgreSQL', /ready to accept connections/, { PG_URL: `postgres://postgres@127.0.0.1:${port}/postgres` }, async () => {
    // a fast shutdown, which ends sessions; what the leash sends first would wait for them
    const pid = Number((await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
    if (pid > 0) process.kill(pid, 'SIGINT');
  });
}

/** What to put before a command so that PostgreSQL runs it. */
async function asPostgres(data: string): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const id = async (flag: string) => Number((await execute('id', [flag, POSTGRES_USER])).stdout);
  const [uid, gid] = await Promise.all([id('-u'), id('-g')]);
  await chown(data, uid, gid);
  await chown(join(data, '..'), uid, gid);
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
}

async function startRedis(directory: string): Promise<Service> {
  const program = await findRedis();
  const port = await freePort();
  const options = { port, bind: '127.0.0.1', dir: directory, save: '', appendonly: 'no', daemonize: 'no' };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return ready(startLeashed(program, args), 'Redis', /Ready to accept connections/, { REDIS_URL: `redis://127.0.0.1:${port}` });
}

async function ready(
  server: LeashedProcess,
  name: string,
  sign: RegExp,
  env: Readonly<Record<string, string>>,
  shutDown?: () => Promise<void>,
): Promise<Service> {
  let output = '';
  let ended: number | undefined;
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = server.exited.then((code) => (ended = code));
  const stop = async (): Promise<void> => {
    if (ended === undefined) await shutDown?.();
    await server.stop();
    await exited;
  };
  try {
    await until(() => {
      if (ended !== undefined) throw new Error(`${name} ended with code ${ended}:\n${output}`);
      return sign.test(output);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { env, stop };
}

async function stubService(
  variable: string,
  url: (port: number) => string,
  start: () => Promise<{ readonly port: number; close(): Promise<void> }>,
): Promise<Service> {
  const stub = await start();
  return { env: { [variable]: url(stub.port) }, stop: () => stub.close() };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}
