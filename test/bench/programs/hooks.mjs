/**
 * Calls async functions that wait for each other, with promise hooks that do nothing.
 *
 * Message: `{ hooks, calls }`, `hooks` of `init` and `settled`. Answer: `{ promises, us }`: promises that were made, and microseconds of
 * processor time.
 */
import { promiseHooks } from 'node:v8';

const AWAITS = 20;
/** As the hooks change what V8 has compiled. */
const LEAD = 4;

async function leaf() {
  return 1;
}

async function call() {
  for (let i = 0; i < AWAITS; i++) await leaf();
}

async function run(calls) {
  for (let i = 0; i < calls; i++) await call();
}

process.on('message', async ({ hooks, calls }) => {
  const stops = [];
  if (hooks.includes('init')) stops.push(promiseHooks.onInit(() => {}));
  if (hooks.includes('settled')) stops.push(promiseHooks.onSettled(() => {}));
  await run(calls / LEAD);
  const before = process.cpuUsage();
  await run(calls);
  const { user, system } = process.cpuUsage(before);
  for (const stop of stops) stop();
  // of each call and each await: the function's, and the one that V8 makes for itself
  process.send({ promises: calls * 2 * (AWAITS + 1), us: user + system });
});
process.send({});
