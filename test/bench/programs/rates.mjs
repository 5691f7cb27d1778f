/**
 * Creates promises at a rate on known lines and settles them after a while, and knows how many are alive on each.
 *
 * Arguments: creations per second. Messages: `{ do: 'still' }` answers `{ live: { function name: count }, made, ms }` and lets nothing
 * begin or end until `{ do: 'go' }`.
 */
import { runInThisContext } from 'node:vm';

const rate = Number(process.argv[2]);
const TICK_MS = 2;
/** Below its rate the program must not run away with what it could not do in time. */
const MOST_PER_TICK = 4 * TICK_MS * (rate / 1000);

/**
 * Share of the creations, and how long they live in ticks: from lines with most of the tasks to lines that hardly show in a sample.
 * The last keeps its tasks for ever.
 */
const LINES = [
  ['busy', 0.4, 10],
  ['long', 0.2, 200],
  ['short', 0.2, 1],
  ['middle', 0.1, 100],
  ['few', 0.05, 50],
  ['fewer', 0.03, 400],
  ['rare', 0.015, 100],
  ['rarest', 0.004, 200],
  ['leaking', 0.001, Infinity],
];

const source = LINES.map(([name]) => `function ${name}(list) { new Promise((resolve) => list.push(resolve)); }`).join('\n');
const makers = runInThisContext(`${source}\n[${LINES.map(([name]) => name).join(', ')}]`, { filename: '/srv/app/lines.js' });
/** For each line, batches of the functions that settle its promises, oldest first. */
const batches = LINES.map(() => []);
const live = LINES.map(() => 0);
const owed = LINES.map(() => 0);
let made = 0;
let running = true;
let last = performance.now();
const began = last;

function tick() {
  const now = performance.now();
  const wanted = Math.min(MOST_PER_TICK, ((now - last) * rate) / 1000);
  last = now;
  if (!running) return;
  for (let line = 0; line < LINES.length; line++) {
    const [, share, ticks] = LINES[line];
    const make = makers[line];
    const batch = [];
    for (owed[line] += wanted * share; owed[line] >= 1; owed[line]--) make(batch);
    made += batch.length;
    live[line] += batch.length;
    batches[line].push(batch);
    if (batches[line].length <= ticks) continue;
    const due = batches[line].shift();
    for (const settle of due) settle();
    live[line] -= due.length;
  }
}
setInterval(tick, TICK_MS);

process.on('message', (message) => {
  running = message.do === 'go';
  process.send({ live: Object.fromEntries(LINES.map(([name], line) => [name, live[line]])), made, ms: performance.now() - began });
});
process.send({});
