import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { ConfigError, DEFAULT_PORT, readNumber } from './config.js';
import { startLoad } from './loadGenerator.js';

/** The load generator as a process of its own, so that its tasks do not mix with the service's. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: `http://127.0.0.1:${DEFAULT_PORT}` },
      rate: { type: 'string', default: '5' },
      duration: { type: 'string', default: '3600' },
    },
  });
  const ratePerSecond = readNumber('--rate', values.rate, 500);
  const seconds = readNumber('--duration', values.duration, 86_400);
  if (ratePerSecond === 0) {
    throw new ConfigError('--rate must be above 0.');
  }

  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  process.once('SIGTERM', () => stopping.abort());

  console.log(`Sending ${ratePerSecond} requests/s to ${values.url} for ${seconds} s.`);
  const load = startLoad({ url: values.url, ratePerSecond });
  await delay(seconds * 1_000, undefined, { signal: stopping.signal }).catch(() => undefined);
  await load.stop();

  const { sent, failed, skipped } = load.report();
  console.log(`Sent ${sent}, failed ${failed}, left out ${skipped}.`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(error instanceof ConfigError ? 2 : 1);
});
