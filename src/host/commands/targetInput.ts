/** What people type when asked for a target. Pure. */

const MAX_PORT = 65_535;

/** What is wrong with an address, or undefined when it is a port, `host:port` or a `ws://` URL. */
export function targetProblem(input: string): string | undefined {
  const text = input.trim();
  if (text === '') return 'Type a port, host:port or ws:// address.';
  if (/^wss?:\/\//i.test(text)) return URL.canParse(text) ? undefined : 'This is not a valid ws:// address.';
  const match = /^(?:(\[[0-9a-f:.]+\]|[^\s:/@]+):)?(\d+)$/i.exec(text);
  if (match === null) return 'Type a port such as 9229, host:port, or a ws:// address.';
  const port = Number(match[2]);
  return port >= 1 && port <= MAX_PORT ? undefined : `Ports go from 1 to ${String(MAX_PORT)}.`;
}

/** An address for titles and keys: a `ws://` URL without its secret path, a bare port with its host. */
export function targetName(input: string): string {
  const text = input.trim();
  if (/^wss?:\/\//i.test(text) && URL.canParse(text)) return new URL(text).host;
  return /^\d+$/.test(text) ? `127.0.0.1:${text}` : text;
}
