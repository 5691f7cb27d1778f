/** What Node's async resources are called in a reader's words. */

/** By the names of `async_hooks` (node: src/async_wrap.h, NODE_ASYNC_PROVIDER_TYPES). */
const NOUNS: Readonly<Record<string, string>> = {
  TCPWRAP: 'socket',
  TCPSERVERWRAP: 'server',
  PIPEWRAP: 'pipe',
  PIPESERVERWRAP: 'pipe server',
  TTYWRAP: 'terminal',
  UDPWRAP: 'UDP socket',
  FSEVENTWRAP: 'file watcher',
  STATWATCHER: 'file watcher',
  PROCESSWRAP: 'child process',
  WORKER: 'worker',
  MESSAGEPORT: 'message port',
  SIGNALWRAP: 'signal handler',
  FILEHANDLE: 'open file',
  DIRHANDLE: 'open directory',
  FSREQCALLBACK: 'file system request',
  FSREQPROMISE: 'file system request',
  FILEHANDLECLOSEREQ: 'file system request',
  GETADDRINFOREQWRAP: 'DNS look-up',
  GETNAMEINFOREQWRAP: 'DNS look-up',
  QUERYWRAP: 'DNS query',
  HTTPCLIENTREQUEST: 'HTTP request',
  HTTP2STREAM: 'HTTP/2 stream',
  ZLIB: 'compression',
  PROMISE: 'promise',
  Timeout: 'timer that settles a promise',
  Interval: 'interval',
  Immediate: 'immediate',
};

/** `socket`, `child process`; Node's own name where there is no better one. */
export function resourceNoun(type: string): string {
  return Object.hasOwn(NOUNS, type) ? (NOUNS[type] ?? type) : type;
}
