/**
 * Keeps as many pending promises or timers as it is told to, on as many lines.
 *
 * Messages, each answered: `{ do: 'make', what: 'promise' | 'timeout', count, sites }` makes more, evenly on all lines;
 * `{ do: 'exchange', count, sites }` settles that many promises, the oldest first, and makes as many new ones, on the first
 * `sites` lines; `{ do: 'memory' }` collects garbage and answers `{ bytes }`, what the heap and array buffers hold.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { runInThisContext } from 'node:vm';

const MOST_SITES = 2000;
const lines = Array.from({ length: MOST_SITES }, (_, n) => `{ promise(list) { new Promise((resolve) => list.push(resolve)); }, timeout(list) { list.push(setTimeout(list.later, 1e9)); } }`);
const makers = runInThisContext(`[\n${lines.join(',\n')}\n]`, { filename: '/srv/app/sites.js' });
/** Of each line. Promises are held by nothing but these functions that settle them. */
const kept = makers.map(() => Object.assign([], { later() {} }));
const oldest = new Uint32Array(MOST_SITES);

const ACTIONS = {
  async make({ what, count, sites }) {
    for (let i = 0; i < count; i++) makers[i % sites][what](kept[i % sites]);
    return {};
  },
  async exchange({ count, sites }) {
    for (let i = 0; i < count; i++) {
      const site = i % sites;
      kept[site][oldest[site]]();
      kept[site][oldest[site]++] = undefined;
      makers[site].promise(kept[site]);
    }
    return {};
  },
  async memory() {
    // what one collection frees may free more in the next, after a turn of the loop
    for (let i = 0; i < 4; i++) {
      gc();
      await turn();
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return { bytes: heapUsed + arrayBuffers };
  },
};

process.on('message', async (message) => {
  process.send(await ACTIONS[message.do](message));
});
process.send({});
