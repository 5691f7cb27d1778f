/** What people type when asked for a target. Pure. */

const MAX_PORT = 65_535;

/** What is wrong with an address, or undefined when it is a port, `host:port`, `pid:1234` or a `ws://` URL. */
export function targetProblem(input: string): string | undefined {
  const text = input.trim();
  if (text === '') return 'Type a port, host:port, pid:1234 or ws:// address.';
  if (/^wss?:\/\//i.test(text)) return URL.canParse(text) ? undefined : 'This is not a valid ws:// address.';
  if (/^pid:\d{1,10}$/i.test(text)) return undefined;
  const match = /^(?:(\[[0-9a-f:.]+\]|[^\s:/@]+):)?(\d+)$/i.exec(text);
  if (match === null) return 'Type a port such as 9229, host:port, pid:1234, or a ws:// address.';
  const port = Number(match[2]);
  return port >= 1 && port <= MAX_PORT ? undefined : `Ports go from 1 to ${String(MAX_PORT)}.`;
}

/** An address for titles and keys: a `ws://` URL without its secret path, a bare port with its host. */
export function targetName(input: string): string {
  const text = input.trim();
  if (/^wss?:\/\//i.test(text) && URL.canParse(text)) return new URL(text).host;
  return /^\d+$/.test(text) ? `127.0.0.1:${text}` : text;
}

/** The host that an address names, for remembering what the user said of it. */
export function targetHost(input: string): string {
  return targetName(input).replace(/:\d+$/, '').toLowerCase();
}
