/** What the command line of a Node process says. Pure. */
import { DEFAULT_INSPECTOR_PORT } from '../address';

/** Options of Node that take their value as the next argument (node: src/node_options.cc), those with `=` aside. */
const WITH_VALUE = new Set([
  '-r', '--require', '--import', '-e', '--eval', '-p', '--print', '-pe', '-C', '--conditions', '--loader', '--experimental-loader',
  '--input-type', '--title', '--env-file', '--env-file-if-exists', '--stack-trace-limit', '--icu-data-dir', '--openssl-config',
  '--watch-path', '--inspect-port', '--debug-port', '--test-name-pattern', '--test-reporter', '--test-reporter-destination',
]);
const EVALUATES = /^(?:-e|--eval|-p|--print|-pe)(?:=|$)/;

/** `node`, `nodejs`, `node20`, `node.exe`: what a Node binary is called. */
export function isNodeBinary(path: string): boolean {
  return /(?:^|[\\/])node(?:js)?\d*(?:\.exe)?$/i.test(path.replace(/ \(deleted\)$/, ''));
}

export interface CommandLine {
  /** Node's own options. */
  readonly options: readonly string[];
  /** The script as it was typed; undefined for code on the command line, a REPL, or where a title stands in its place. */
  readonly script: string | undefined;
  /** The program is code on the command line. */
  readonly evaluates: boolean;
}

export function readCommandLine(args: readonly string[]): CommandLine {
  const options: string[] = [];
  let evaluates = false;
  for (let i = 1; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') return { options, script: evaluates ? undefined : args[i + 1], evaluates };
    if (!arg.startsWith('-') || arg === '-') return { options, script: evaluates || arg === '-' ? undefined : arg, evaluates };
    options.push(arg);
    evaluates ||= EVALUATES.test(arg);
    if (WITH_VALUE.has(arg)) options.push(args[++i] ?? '');
  }
  return { options, script: undefined, evaluates };
}

/** A name for people: the script without its directories but the last, or what the process calls itself. */
export function processName(args: readonly string[]): string {
  const { script, options, evaluates } = readCommandLine(args);
  if (script !== undefined) {
    const name = script.split(/[\\/]/).filter((part) => part !== '').slice(-2).join('/');
    return options.some((option) => /^--watch(?:=|-|$)/.test(option)) ? `${name} (--watch)` : name;
  }
  const first = args[0] ?? '';
  if (args.length > 1) return evaluates ? 'node -e' : 'node';
  return isNodeBinary(first) ? 'node' : first;
}

/** Where the inspector listens by the options that the process was started with. */
export interface InspectorOptions {
  /** Started with `--inspect` or one of its kin: it is open unless the program has closed it. */
  readonly opens: boolean;
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
}

/** `NODE_OPTIONS` come first and the command line has the last word, as in Node. */
export function inspectorOptions(args: readonly string[], nodeOptions = ''): InspectorOptions {
  let opens = false;
  let host = '127.0.0.1';
  let port = DEFAULT_INSPECTOR_PORT;
  const all = [...splitNodeOptions(nodeOptions), ...readCommandLine(args).options];
  for (const [index, option] of all.entries()) {
    const match = /^--(?<name>inspect(?:-brk|-wait|-port|-brk-node)?|debug-port)(?:=(?<value>.*))?$/.exec(option);
    if (match === null) continue;
    const { name, value } = match.groups as { name: string; value?: string };
    const takesNext = name === 'inspect-port' || name === 'debug-port';
    opens ||= !takesNext;
    const address = value ?? (takesNext ? all[index + 1] : undefined);
    const parts = /^(?:(?<host>\[[^\]]*\]|[^:]*):)?(?<port>\d*)$/.exec(address ?? '');
    const typedHost = parts?.groups?.['host'] ?? (parts === null ? address : undefined);
    const typedPort = parts?.groups?.['port'];
    if (typedHost !== undefined && typedHost !== '') host = typedHost.replace(/^\[|\]$/g, '');
    if (typedPort !== undefined && typedPort !== '') port = Number(typedPort);
  }
  return { opens, host, port };
}

/** The option that keeps SIGUSR1 from opening the inspector, as it was given. */
export function sigusr1Blocker(args: readonly string[], nodeOptions = ''): string | undefined {
  const all = [...splitNodeOptions(nodeOptions), ...readCommandLine(args).options];
  if (all.includes('--disable-sigusr1')) return '--disable-sigusr1';
  if (all.includes('--allow-inspector')) return undefined;
  return all.find((option) => option === '--permission' || option === '--experimental-permission');
}

/** Splits as Node does: at spaces, with double quotes and backslashes (node: src/node_options.cc, ParseNodeOptionsEnvVar). */
export function splitNodeOptions(text: string): string[] {
  const options: string[] = [];
  let current: string | undefined;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    let char = text.charAt(i);
    if (char === '\\' && quoted && i + 1 < text.length) char = text.charAt(++i);
    else if (char === ' ' && !quoted) {
      if (current !== undefined) options.push(current);
      current = undefined;
      continue;
    } else if (char === '"') {
      quoted = !quoted;
      continue;
    }
    current = (current ?? '') + char;
  }
  if (current !== undefined) options.push(current);
  return options;
}
