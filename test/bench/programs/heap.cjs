/**
 * A process with data and suspended functions, which writes its own heap snapshot and says what that took:
 *
 *   node heap.cjs <file> <orders> <tasks>
 */
const v8 = require('node:v8');
const [file, orders, tasks] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

const cache = new Map();
for (let i = 0; i < orders; i++) {
  const customer = { name: `customer number ${i}`, address: { street: `Main street ${i}`, zip: i % 9999 } };
  const lines = [
    { sku: `A${i % 1000}`, count: i % 7 },
    { sku: `B${i % 1000}`, count: i % 5 },
  ];
  cache.set(`order-${i}`, { id: i, customer, lines, at: new Date(i), total: i * 1.5 });
}
const jobs = [];
const timers = [];
const answer = () => new Promise((resolve) => jobs.push(resolve));
async function query(id) {
  return id % 3 === 0 ? await new Promise((resolve) => timers.push(setTimeout(resolve, 1e8, id))) : await answer();
}
async function load(id) {
  const [order] = await Promise.all([query(id), cache.get(`order-${id}`)]);
  return order;
}
async function onRequest(id) {
  try {
    return await load(id);
  } finally {
    jobs.length = 0;
  }
}
const running = Array.from({ length: tasks }, (_, id) => onRequest(id));
setImmediate(() => {
  const began = performance.now();
  const before = process.cpuUsage();
  v8.writeHeapSnapshot(file, { exposeNumericValues: true });
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(JSON.stringify({ ms: (user + system) / 1000, elapsed: performance.now() - began, tasks: running.length }));
  process.exit();
});
