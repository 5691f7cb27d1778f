import { ConfigError, readConfig } from './config.js';
import type { Config } from './config.js';
import { startService } from './service.js';
import type { Service } from './service.js';

/** A close that takes longer than this, in milliseconds, is cut short. */
const CLOSE_TIMEOUT_MS = 2_000;

async function main(): Promise<void> {
  const config = readConfig(process.argv.slice(2), process.env);
  const service = await startService(config);
  process.once('SIGINT', () => void closeAndExit(service));
  process.once('SIGTERM', () => void closeAndExit(service));
  console.log(greeting(service.url, config));
}

function greeting(url: string, { load, leaks }: Config): string {
  const leaking = leaks.size === 0 ? 'none' : [...leaks].join(', ');
  const customers = load === 0 ? 'none' : `${load} requests/s`;
  return `Orders service is open at ${url} | load: ${customers} | leaks: ${leaking}`;
}

async function closeAndExit(service: Service): Promise<void> {
  setTimeout(() => process.exit(0), CLOSE_TIMEOUT_MS).unref();
  try {
    await service.close();
  } catch (error) {
    console.error('The service did not close cleanly.', error);
    process.exit(1);
  }
  // Leaked timers and sockets would keep the process alive.
  process.exit(0);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(error instanceof ConfigError ? 2 : 1);
});
