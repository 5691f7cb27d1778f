import { parseArgs } from 'node:util';

/** The mistakes this service can be told to make, in the order of the README. */
export const LEAKS = ['interval', 'promise', 'body', 'queue', 'listener', 'cache', 'race'] as const;

export type Leak = (typeof LEAKS)[number];

/** Port to listen on when none is asked for; another free one is taken when it is busy. */
export const DEFAULT_PORT = 3000;

export interface Config {
  /** `undefined`: DEFAULT_PORT, or any free port when that is taken. 0: any free port. */
  readonly port: number | undefined;
  /** Requests per second that the service sends to itself; 0 sends none. */
  readonly load: number;
  readonly leaks: ReadonlySet<Leak>;
}

/** A flag or environment variable that cannot be understood. The message is for the user. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the flags; the environment fills in what they leave out. Throws ConfigError. */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): Config {
  const flags = readFlags(args);
  const port = flags.port ?? env['ORDERS_PORT'];
  return {
    port: port === undefined ? undefined : readNumber('--port', port, 65_535),
    load: readNumber('--load', flags.load ?? env['ORDERS_LOAD'] ?? '0', 500),
    leaks: readLeaks([...(flags.leak ?? [env['ORDERS_LEAKS'] ?? ''])]),
  };
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        load: { type: 'string' },
        leak: { type: 'string', multiple: true },
      },
    }).values;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}

/** A whole or decimal number from 0 to `max`. Throws ConfigError for anything else. */
export function readNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= max)) {
    throw new ConfigError(`${name} takes a number from 0 to ${max}, not '${text}'.`);
  }
  return value;
}

function readLeaks(lists: readonly string[]): ReadonlySet<Leak> {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim());
  const leaks = new Set<Leak>();
  for (const name of names.filter((name) => name !== '')) {
    if (name === 'all') {
      LEAKS.forEach((leak) => leaks.add(leak));
    } else if (isLeak(name)) {
      leaks.add(name);
    } else {
      throw new ConfigError(`There is no leak '${name}'. Known: ${LEAKS.join(', ')}, all.`);
    }
  }
  return leaks;
}

function isLeak(name: string): name is Leak {
  return (LEAKS as readonly string[]).includes(name);
}
