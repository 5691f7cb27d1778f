/**
 * `node leash.mjs <command> <arguments>` runs a command and ends it, with everything it started, as soon as its own
 * standard input closes. Whoever holds the other end of that pipe may die in any way, SIGKILL included: the system
 * closes the pipe, and nothing is left behind. Has to be the leader of a process group of its own.
 */
import { spawn } from 'node:child_process';

/** Milliseconds between asking the group to end and forcing it. */
const GRACE_MS = 5000;

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });

let ending = false;
function end() {
  if (ending) return;
  ending = true;
  setTimeout(killGroup, GRACE_MS);
  process.kill(-process.pid, 'SIGTERM');
}
function killGroup() {
  process.kill(-process.pid, 'SIGKILL');
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
process.stdin.on('end', end).on('error', end).resume();

child.on('error', (error) => {
  console.error(`${command} cannot be started: ${error.message}`);
  process.exit(127);
});
child.on('exit', (code) => {
  // Descendants that outlived the command go with it.
  if (ending) killGroup();
  process.exitCode = code ?? 1;
  process.stdin.destroy();
  ending = true;
  process.kill(-process.pid, 'SIGTERM');
  process.exit();
});
