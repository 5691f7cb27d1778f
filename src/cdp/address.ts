/** What people write to name a target, and what it means. */
import { TargetError } from './target';

export const DEFAULT_INSPECTOR_PORT = 9229;

/** An inspector's HTTP end (`host:port`), or the WebSocket URL of one target behind it. */
export type InspectorAddress =
  | { readonly kind: 'inspector'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly host: string; readonly port: number; readonly url: string };

/** An inspector, or a process of this machine whose inspector need not be open. */
export type TargetAddress = InspectorAddress | { readonly kind: 'process'; readonly pid: number };

/**
 * Reads `9229`, `:9229`, `host:9229`, `[::1]:9229`, `http://host:9229`, `ws://host:9229/id`, `pid:1234`.
 * @throws {TargetError} `bad target`
 */
export function parseTarget(text: string): TargetAddress {
  const pid = /^\s*pid:(\d{1,10})\s*$/i.exec(text)?.[1];
  return pid === undefined ? parseInspector(text) : { kind: 'process', pid: Number(pid) };
}

/**
 * As {@link parseTarget}, for what cannot be a process.
 * @throws {TargetError} `bad target`
 */
export function parseInspector(text: string): InspectorAddress {
  const target = text.trim();
  if (/^wss?:\/\//i.test(target)) {
    const url = parseUrl(target);
    if (url === undefined) throw badTarget(text);
    return { kind: 'socket', host: bare(url.hostname), port: portOf(url, text), url: target };
  }
  if (/^https?:\/\//i.test(target)) {
    const url = parseUrl(target);
    if (url === undefined) throw badTarget(text);
    return { kind: 'inspector', host: bare(url.hostname), port: portOf(url, text) };
  }
  const plain = /^(?:(?<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)?:)?(?<port>\d{1,5})$/i.exec(target);
  const port = Number(plain?.groups?.['port']);
  if (plain === null || port < 1 || port > 65_535) throw badTarget(text);
  return { kind: 'inspector', host: bare(plain.groups?.['host'] ?? '127.0.0.1'), port };
}

/** For people: `host:port`, or `pid:1234`. */
export function formatTarget(address: TargetAddress): string {
  return address.kind === 'process' ? `pid:${address.pid}` : formatAddress(address.host, address.port);
}

/** `host:port`, with brackets around an IPv6 address. Never the path, which is the inspector's only secret. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function portOf(url: URL, text: string): number {
  const port = url.port === '' ? (url.protocol === 'wss:' || url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (port === 0) throw badTarget(text);
  return port;
}

function badTarget(text: string): TargetError {
  // the path behind an inspector's address is its only secret
  const named = text.replace(/^(\s*\w+:\/\/[^/\s]*).*$/s, '$1');
  const shown = named.length > 80 ? `${named.slice(0, 80)}…` : named;
  return new TargetError(
    'bad target',
    `"${shown}" names no target. Give a port (9229), host:port (127.0.0.1:9229), pid:1234 or the ws:// address that Node printed.`,
  );
}
