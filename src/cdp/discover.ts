/** Finds inspectors: what runs behind one address, and which are open on this machine. */
import { get } from 'node:http';
import * as v from 'valibot';
import type { DiscoveredInspector } from '../protocol/lsp';
import { DEFAULT_INSPECTOR_PORT, formatAddress } from './address';
import { connectError } from './connection';
import { TargetError } from './target';

const LOOKUP_TIMEOUT_MS = 3_000;
/** An inspector's answers are a few hundred bytes; whatever sends more than this is none. UTF-16 units. */
const LOOKUP_LIMIT = 1_000_000;
/** `node --inspect` takes the next ports by convention when several processes run side by side. */
const SCANNED_PORTS = 12;

const listing = v.array(
  v.object({
    webSocketDebuggerUrl: v.optional(v.pipe(v.string(), v.url(), v.regex(/^wss?:\/\//i))),
    title: v.optional(v.string(), ''),
    url: v.optional(v.string(), ''),
    type: v.optional(v.string(), ''),
  }),
);
const versionAnswer = v.object({ Browser: v.string() });

export interface InspectorTarget {
  readonly socketUrl: string;
  readonly title: string;
  /** Such as `node.js/v24.9.0`. */
  readonly runtime: string;
}

/**
 * Asks an inspector what it is.
 * @param host an IP address: Node answers only requests that name it by one, or as localhost (a guard against DNS
 * rebinding)
 * @throws {TargetError} `refused`, `timeout`, `not an inspector` or `not node`
 */
export async function lookUp(host: string, port: number, { timeoutMs = LOOKUP_TIMEOUT_MS } = {}): Promise<InspectorTarget> {
  const where = formatAddress(host, port);
  let version: unknown;
  let targets: unknown;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    version = await getJson(host, port, '/json/version', signal);
    targets = await getJson(host, port, '/json/list', signal);
  } catch (error) {
    if (!signal.aborted) throw connectError(error, where);
    throw new TargetError('timeout', `${where} accepts connections but does not answer. Is it an inspector port?`, { cause: error });
  }
  const checkedVersion = v.safeParse(versionAnswer, version);
  const checkedTargets = v.safeParse(listing, targets);
  if (!checkedVersion.success || !checkedTargets.success) throw connectError(undefined, where);
  const runtime = checkedVersion.output.Browser;
  if (!/^node/i.test(runtime)) {
    const name = runtime.slice(0, 60);
    throw new TargetError('not node', `${where} belongs to ${name}, not to Node. Asyncscope looks into Node processes only.`);
  }
  const target = checkedTargets.output.find((candidate) => candidate.webSocketDebuggerUrl !== undefined);
  if (target?.webSocketDebuggerUrl === undefined) throw connectError(undefined, where);
  // the inspector names itself by the address it listens on, which need not be the one we reach it by
  const socketUrl = new URL(target.webSocketDebuggerUrl);
  socketUrl.host = where;
  return { socketUrl: socketUrl.href, title: target.title, runtime };
}

/** Not `fetch`, which refuses a list of ports that an inspector may well listen on. */
function getJson(host: string, port: number, path: string, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port, path, signal, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > LOOKUP_LIMIT) request.destroy(new Error('too long'));
      });
      response.on('error', reject);
      response.on('end', () => {
        try {
          if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode ?? 0}`);
          resolve(JSON.parse(text));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    request.on('error', reject);
  });
}

/** The Node inspectors that are open on this machine's usual ports, in the order of the ports. */
export async function discoverInspectors(
  ports: readonly number[] = Array.from({ length: SCANNED_PORTS }, (_, i) => DEFAULT_INSPECTOR_PORT + i),
): Promise<DiscoveredInspector[]> {
  const found = await Promise.all(
    ports.map(async (port): Promise<DiscoveredInspector | undefined> => {
      try {
        const target = await lookUp('127.0.0.1', port);
        return { target: formatAddress('127.0.0.1', port), title: target.title, description: target.runtime };
      } catch {
        return undefined;
      }
    }),
  );
  return found.filter((inspector) => inspector !== undefined);
}
