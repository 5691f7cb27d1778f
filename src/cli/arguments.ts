/** What was typed, checked. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { PathMappings } from '../core/base/pathMapping';
import { unusableGlobText, unusableGlobs } from '../core/model/origin';
import type { OriginRules } from '../core/model/origin';
import type { Filter } from '../core/view/filter';
import { EMPTY_FILTER, FILTER_EXAMPLES, parseFilter } from '../core/view/filter';

export type SortOrder = 'count' | 'age' | 'growth';
const SORT_ORDERS: readonly SortOrder[] = ['count', 'age', 'growth'];

/** How long `ps` looks before it prints, in seconds: long enough for a rate. */
export const DEFAULT_DURATION_S = 2;
/** Between two pictures of `ps --watch`, in seconds. */
export const DEFAULT_INTERVAL_S = 1;
/** Shorter intervals would cost the target more than they show, longer ones would outlast the agent's lease. Seconds. */
export const INTERVAL_RANGE_S = [0.1, 5] as const;
/** What `--lookup-budget` takes at most, in seconds. */
export const LOOKUP_BUDGET_LIMIT_S = 600;
/** Less would hold too few tasks to tell anything; more than the agent can number. */
const MEMORY_LIMIT_RANGE_MB = [1, 256] as const;
/** Options that one of the commands has alone. */
const PS_OPTIONS = ['memory-limit', 'duration', 'watch', 'follow', 'interval', 'sort', 'filter', 'before-promises'] as const;
/** Those of `dump` that a snapshot file has no use for; that nobody is to be asked is true there anyway. */
const PROCESS_OPTIONS = ['keep-snapshot', 'no-lookups', 'lookup-budget'] as const;
const DUMP_OPTIONS = ['yes', ...PROCESS_OPTIONS] as const;
/** A day, in seconds. */
export const DURATION_LIMIT_S = 86_400;

export type Source =
  | { readonly kind: 'attach'; readonly target: string; readonly allowRemote: boolean; readonly allowSignal: boolean }
  | { readonly kind: 'spawn'; readonly command: readonly string[] };

export interface PsArguments {
  readonly source: Source;
  readonly json: boolean;
  readonly watch: boolean;
  /** With `watch`: go on with the process that takes the place of one that ends. */
  readonly follow: boolean;
  /** Seconds; undefined is {@link DEFAULT_DURATION_S}, and without an end for `watch`. */
  readonly durationS: number | undefined;
  readonly intervalS: number;
  /** Bytes that the agent may take in the target; undefined is what it takes by itself. */
  readonly memoryLimitBytes: number | undefined;
  readonly all: boolean;
  readonly sort: SortOrder;
  readonly filter: Filter;
  /** Globs that say whose code a file is, beside those of `.asyncscope.json`. */
  readonly origins: OriginRules;
  /** Where directories of the process are on this machine. */
  readonly pathMappings: PathMappings;
  /** Whether `.asyncscope.json` is read. */
  readonly config: boolean;
  readonly color: boolean;
  /** Promises from before the attach are counted however long that stops the target. */
  readonly beforePromises: boolean;
}

export interface DumpArguments {
  readonly source: { readonly kind: 'attach'; readonly target: string; readonly allowRemote: boolean; readonly allowSignal: boolean } | { readonly kind: 'file'; readonly file: string };
  readonly json: boolean;
  /** Absolute path where the snapshot is kept as well. */
  readonly keepSnapshot: string | undefined;
  /** What belongs to dependencies and to Node itself too. */
  readonly all: boolean;
  /** Milliseconds that all look-ups of await lines may take; 0 makes none, undefined is what a dump takes by itself. */
  readonly lookupBudgetMs: number | undefined;
  /** Do not ask before a long stop. */
  readonly yes: boolean;
  readonly origins: OriginRules;
  readonly pathMappings: PathMappings;
  readonly config: boolean;
  readonly color: boolean;
}

export interface ListArguments {
  readonly json: boolean;
}

export type Arguments =
  | { readonly command: 'list'; readonly list: ListArguments }
  | { readonly command: 'ps'; readonly ps: PsArguments }
  | { readonly command: 'dump'; readonly dump: DumpArguments }
  | { readonly command: 'help' }
  | { readonly command: 'version' };

/** What was typed makes no sense; `message` says what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const HELP = `Usage: asyncscope ps <target> [options]
       asyncscope ps [options] -- node app.js [arguments]
       asyncscope dump <target | file.heapsnapshot> [options]
       asyncscope list [--json]

"ps" lists the live async tasks of a Node process by the source line that started them;
"dump" shows every suspended function of a process at one moment, what it waits for and
whether that can ever come; it stops the process for a heap snapshot, and says so before;
"list" lists your running Node processes and how each can be attached to.

<target>  port (9229), host:port, pid:1234, or the ws:// address that Node printed. A
          process that was started without --inspect opens its inspector on SIGUSR1,
          which pid:1234 sends.
          Tasks from before the attach stand at the function that they will call, promises
          from then are a number: "-- node app.js" shows where all of them began.

Options of "ps":
  --duration <s>  look for so long, then print (default ${DEFAULT_DURATION_S}; with --watch without an end)
  --watch         print again and again, until Ctrl-C
  --follow        with --watch: when the process ends, wait for it to come back at the
                  same address (node --watch, nodemon, a container that is restarted)
  --interval <s>  between two prints of --watch (default ${DEFAULT_INTERVAL_S})
  --sort <by>     count (default), age or growth
  --filter <text> list only what it asks for, such as 'kind:promise >30s -file:test':
${FILTER_EXAMPLES.map(([text, meaning]) => `              ${text.padEnd(21)} ${meaning}`).join('\n')}
  --memory-limit <MB>
                  what the tasks that are followed may take in the process (default 64);
                  near it, samples are taken more thinly
  --before-promises  count the promises from before the attach in a large process too:
                  it stands still for about 15 ms per megabyte of heap

Options of "dump":
  --yes           do not ask before the process stops for longer than a few seconds
  --keep-snapshot <file>
                  write the heap snapshot to a new file as well, for its owner only
  --no-lookups    do not look up await lines, each of which stops the process again
  --lookup-budget <s>
                  look up for so long: 2 to 10 s, depending on the heap, unless given

Options of both:
  --json          print JSON (see docs/ps-format.md and docs/dump-format.md)
  --all           list what belongs to dependencies and to Node itself too
  --app <glob>, --dependency <glob>
                  files that count as your own code, or as that of others, such as
                  --app 'node_modules/@mine/**'; may be given several times
  --map <remote>=<local>
                  a directory of the process, and where it is on this machine, for a
                  process in a container: --map /app=.; may be given several times
  --no-config     do not read .asyncscope.json, which hides known sites; it is looked for
                  in this directory and in that of the process
  --no-color      plain text
  --pid <id>      the same as the target pid:<id>
  --force-signal  send SIGUSR1 also to a program that may handle that signal itself
  --allow-remote  attach to an inspector on another machine
  --help, --version

Exit codes: 0 done, 1 the target cannot be watched, 2 wrong usage, 3 the target ended
early, 130 and 143 interrupted before there was a result.
`;

/**
 * @param argv without the names of the interpreter and of the script.
 * @throws {UsageError}
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const separator = argv.indexOf('--');
  const own = separator < 0 ? argv : argv.slice(0, separator);
  const command = separator < 0 ? undefined : argv.slice(separator + 1);
  const { values, positionals } = parse(own);
  if (values.help === true || (own.length === 0 && command === undefined)) return { command: 'help' };
  if (values.version === true) return { command: 'version' };
  const [name, target, ...rest] = positionals;
  if (name === 'list') {
    if (target !== undefined || command !== undefined) throw new UsageError('"asyncscope list" takes no target.');
    return { command: 'list', list: { json: values.json === true } };
  }
  if (name !== 'ps' && name !== 'dump') throw new UsageError(name === undefined ? 'Name a command: asyncscope ps <target>.' : `There is no command "${name}". Try: asyncscope ps <target>`);
  if (rest[0] !== undefined) throw new UsageError(`One target at a time: "${rest[0]}" is one too many.`);
  const foreign = (name === 'dump' ? PS_OPTIONS : DUMP_OPTIONS).find((option) => values[option] !== undefined);
  if (foreign !== undefined) throw new UsageError(`--${foreign} goes with "asyncscope ${name === 'dump' ? 'ps' : 'dump'}".`);
  if (name === 'dump') {
    const source = dumpSource(targetOf(target, values.pid), command, { allowRemote: values['allow-remote'] === true, allowSignal: values['force-signal'] === true });
    refuseForFile(source, values);
    return {
      command: 'dump',
      dump: {
        source,
        json: values.json === true,
        keepSnapshot: values['keep-snapshot'] === undefined ? undefined : resolve(values['keep-snapshot']),
        all: values.all === true,
        lookupBudgetMs: lookupBudget(values['lookup-budget'], values['no-lookups'] === true),
        yes: values.yes === true,
        origins: originRules(values.app, values.dependency),
        pathMappings: pathMappings(values.map),
        config: values['no-config'] !== true,
        color: values['no-color'] !== true,
      },
    };
  }
  return {
    command: 'ps',
    ps: {
      source: sourceOf(targetOf(target, values.pid), command, { allowRemote: values['allow-remote'] === true, allowSignal: values['force-signal'] === true }),
      json: values.json === true,
      watch: values.watch === true,
      follow: follow(values.follow === true, values.watch === true, command !== undefined),
      durationS: values.duration === undefined ? undefined : seconds('--duration', values.duration, 0, DURATION_LIMIT_S),
      intervalS: values.interval === undefined ? DEFAULT_INTERVAL_S : seconds('--interval', values.interval, ...INTERVAL_RANGE_S),
      memoryLimitBytes: memoryLimit(values['memory-limit']),
      all: values.all === true,
      sort: sortOrder(values.sort),
      filter: filterOf(values.filter),
      origins: originRules(values.app, values.dependency),
      pathMappings: pathMappings(values.map),
      config: values['no-config'] !== true,
      color: values['no-color'] !== true,
      beforePromises: values['before-promises'] === true,
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: joinFilter(args),
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        watch: { type: 'boolean' },
        follow: { type: 'boolean' },
        all: { type: 'boolean' },
        duration: { type: 'string' },
        interval: { type: 'string' },
        sort: { type: 'string' },
        filter: { type: 'string' },
        app: { type: 'string', multiple: true },
        dependency: { type: 'string', multiple: true },
        map: { type: 'string', multiple: true },
        'no-config': { type: 'boolean' },
        pid: { type: 'string' },
        'allow-remote': { type: 'boolean' },
        'force-signal': { type: 'boolean' },
        'no-color': { type: 'boolean' },
        'before-promises': { type: 'boolean' },
        'memory-limit': { type: 'string' },
        'keep-snapshot': { type: 'string' },
        'no-lookups': { type: 'boolean' },
        'lookup-budget': { type: 'string' },
        yes: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    });
  } catch (error) {
    // Node's messages end with advice of their own; the first sentence says which option is wrong.
    const [sentence = 'unknown option'] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')}. See: asyncscope --help`);
  }
}

function memoryLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const megabytes = Number(text);
  const [least, most] = MEMORY_LIMIT_RANGE_MB;
  if (text.trim() === '' || !(megabytes >= least && megabytes <= most)) throw new UsageError(`--memory-limit takes ${least} to ${most} megabytes, not "${text}".`);
  return megabytes * 1024 * 1024;
}

function follow(asked: boolean, watch: boolean, spawns: boolean): boolean {
  if (asked && !watch) throw new UsageError('--follow goes with --watch.');
  if (asked && spawns) throw new UsageError('--follow goes with a target, not with a command after "--".');
  return asked;
}

/** A filter can begin with a minus, which would be taken for an option. */
function joinFilter(args: readonly string[]): string[] {
  const at = args.indexOf('--filter');
  const text = args[at + 1];
  return at < 0 || text === undefined ? [...args] : [...args.slice(0, at), `--filter=${text}`, ...args.slice(at + 2)];
}

function targetOf(target: string | undefined, pid: string | undefined): string | undefined {
  if (pid === undefined) return target;
  if (target !== undefined) throw new UsageError('Give either a target or --pid, not both.');
  if (!/^\d{1,10}$/.test(pid)) throw new UsageError(`--pid takes the id of a process, not "${pid}".`);
  return `pid:${pid}`;
}

function sourceOf(
  target: string | undefined,
  command: readonly string[] | undefined,
  consents: { readonly allowRemote: boolean; readonly allowSignal: boolean },
): Source {
  if (command !== undefined) {
    if (target !== undefined) throw new UsageError('Give either a target or a command after "--", not both.');
    if (command.length === 0) throw new UsageError('After "--" comes the command to start, such as: -- node app.js');
    return { kind: 'spawn', command };
  }
  if (target === undefined) throw new UsageError('Name a target: a port such as 9229, host:port, pid:1234, a ws:// address, or -- node app.js.');
  return { kind: 'attach', target, ...consents };
}

/** What ends like a snapshot, or is written like a path, is a file. */
function dumpSource(
  target: string | undefined,
  command: readonly string[] | undefined,
  consents: { readonly allowRemote: boolean; readonly allowSignal: boolean },
): DumpArguments['source'] {
  if (command !== undefined) throw new UsageError('"asyncscope dump" takes a process that runs already, not a command after "--".');
  if (target === undefined) throw new UsageError('Name what to dump: a port such as 9229, host:port, pid:1234, a ws:// address, or a .heapsnapshot file.');
  const isFile = /\.heapsnapshot$/i.test(target) || (/[\\/]/.test(target) && !target.includes('://'));
  return isFile ? { kind: 'file', file: resolve(target) } : { kind: 'attach', target, ...consents };
}

/** What goes with a process alone. */
function refuseForFile(source: DumpArguments['source'], values: Readonly<Record<string, unknown>>): void {
  const given = source.kind === 'file' ? PROCESS_OPTIONS.find((option) => values[option] !== undefined) : undefined;
  if (given !== undefined) throw new UsageError(`--${given} goes with a process: in a snapshot file nothing is stopped or looked up.`);
}

function lookupBudget(text: string | undefined, none: boolean): number | undefined {
  if (none && text !== undefined) throw new UsageError('Give either --no-lookups or --lookup-budget, not both.');
  if (none) return 0;
  return text === undefined ? undefined : 1000 * seconds('--lookup-budget', text, 0, LOOKUP_BUDGET_LIMIT_S);
}

function seconds(option: string, text: string, min: number, max: number): number {
  const value = /^(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw new UsageError(`${option} takes seconds from ${min} to ${max}, not "${text}".`);
  return value;
}

function originRules(app: readonly string[] = [], dependency: readonly string[] = []): OriginRules {
  const rules: OriginRules = { app, dependency };
  const [bad] = unusableGlobs(rules);
  if (bad !== undefined) throw new UsageError(unusableGlobText(bad));
  return rules;
}

function pathMappings(texts: readonly string[] = []): PathMappings {
  return Object.fromEntries(
    texts.map((text) => {
      const [, remote, local] = /^((?:\/|[a-z]:[\\/])[^=]*)=(.+)$/i.exec(text) ?? [];
      if (remote === undefined || local === undefined) throw new UsageError(`--map takes <remote>=<local>, the first an absolute path, as in --map /app=., not ${JSON.stringify(text)}.`);
      return [remote, resolve(local)];
    }),
  );
}

function sortOrder(text: string | undefined): SortOrder {
  const order = text === undefined ? 'count' : SORT_ORDERS.find((each) => each === text);
  if (!order) throw new UsageError(`--sort takes ${SORT_ORDERS.join(', ')}, not "${text ?? ''}".`);
  return order;
}

function filterOf(text: string | undefined): Filter {
  if (text === undefined) return EMPTY_FILTER;
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new UsageError(`--filter, at "${text.slice(parsed.error.start, parsed.error.end)}": ${parsed.error.message}`);
  return parsed.filter;
}
