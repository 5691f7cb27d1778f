/**
 * Makes garbage of promises all the time, and takes down how long each collection of it holds it up.
 *
 * Message: any. Answer: `{ count, medianUs }`, of the turns since the last message that took longer than a turn does.
 */
const PROMISES_PER_TURN = 40;
/** A turn takes 5 us, a collection ten times as long. */
const LONG_MS = 0.03;
/** What took so long was no collection of young garbage. */
const TOO_LONG_MS = 4;

let pauses = [];
let last = performance.now();
let sink;

async function work(i) {
  const object = { i, list: [i, i + 1], text: `x${i}` };
  await null;
  return object;
}

async function turn() {
  for (let i = 0; i < PROMISES_PER_TURN; i++) sink = await work(i);
  sink = undefined;
  const now = performance.now();
  const took = now - last;
  last = now;
  if (took > LONG_MS && took < TOO_LONG_MS) pauses.push(took);
  setImmediate(turn);
}

process.on('message', () => {
  pauses.sort((a, b) => a - b);
  process.send({ count: pauses.length, medianUs: 1000 * pauses[pauses.length >> 1] });
  pauses = [];
});
turn();
process.send({});
