/**
 * For services: the libraries that the truth programs use, too, the word to the benchmark that the service listens, and an answer to each of
 * its messages: `{ yardstickMs }`.
 */
import { createRequire } from 'node:module';

/** `require` as from beside the truth programs' libraries. */
export const library = createRequire(new URL('../../fixtures/truth/libraries/package.json', import.meta.url));

/** @param server of node:http, listening; @param request what the loader is to send */
export function ready(server, request) {
  // connections rest while another service is measured
  server.keepAliveTimeout = 600_000;
  process.on('message', () => process.send({ yardstickMs: yardstick() }));
  process.send({ port: server.address().port, request });
}

const ROUNDS = 3;
const STEPS = 50_000;
const KEYS = 5_000;

/**
 * How long a fixed piece of work takes here, now: the machine's speed, on this thread. It begins no task, so it takes the same whether the
 * process is watched or not. Milliseconds, the shortest of a few rounds.
 */
function yardstick() {
  let shortest = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    const map = new Map();
    let sum = 0;
    for (let i = 0; i < STEPS; i++) {
      map.set(i % KEYS, { i, sum });
      sum += map.get((i * 7) % KEYS)?.i ?? 0;
    }
    shortest = Math.min(shortest, performance.now() - begin);
  }
  return shortest;
}
