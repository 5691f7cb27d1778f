/** What rounds of attach, poll and detach leave in the heap of a target. */
import { attach } from '../../src/cdp/attach.ts';
import { connect } from '../../src/cdp/connection.ts';

/** What only the first rounds leave: caches that fill up once. */
const WARM_UP_ROUNDS = 5;

/**
 * @param url of a target that was started with `--expose-gc`
 * @returns bytes of the heap in use after a collection, before and after the rounds
 */
export async function measureRounds(url: string, rounds: number): Promise<{ readonly before: number; readonly after: number }> {
  await attachAndLeave(url, WARM_UP_ROUNDS);
  const before = await heapUsed(url);
  await attachAndLeave(url, rounds);
  return { before, after: await heapUsed(url) };
}

async function attachAndLeave(url: string, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const target = await attach(url, { budgetPercent: 100 });
    await target.poll();
    await target.detach();
  }
}

async function heapUsed(url: string): Promise<number> {
  const observer = await connect(url);
  // what is freed by a collection may free more in the next, after a turn of the loop
  const expression = `(async () => {
    for (let i = 0; i < 4; i++) { gc(); await new Promise((resolve) => setImmediate(resolve)); }
    return process.memoryUsage().heapUsed;
  })()`;
  const { result } = (await observer.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, 60_000)) as { result: { value: number } };
  await observer.close();
  return result.value;
}
