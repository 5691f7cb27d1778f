/** Finds inspectors: what runs behind one address, and which are open on this machine. */
import CDP from 'chrome-remote-interface';
import * as v from 'valibot';
import type { DiscoveredInspector } from '../protocol/lsp';
import { DEFAULT_INSPECTOR_PORT, formatAddress } from './address';
import { connectError, withTimeout } from './connection';
import { TargetError } from './target';

const LOOKUP_TIMEOUT_MS = 3_000;
/** `node --inspect` takes the next ports by convention when several processes run side by side. */
const SCANNED_PORTS = 12;

const listing = v.array(
  v.object({
    webSocketDebuggerUrl: v.optional(v.string()),
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
 * @throws {TargetError} `refused`, `timeout`, `not an inspector` or `not node`
 */
export async function lookUp(host: string, port: number): Promise<InspectorTarget> {
  const where = formatAddress(host, port);
  const timedOut = () => new TargetError('timeout', `${where} accepts connections but does not answer. Is it an inspector port?`);
  let version: unknown;
  let targets: unknown;
  try {
    version = await withTimeout(CDP.Version({ host, port }), LOOKUP_TIMEOUT_MS, timedOut);
    targets = await withTimeout(CDP.List({ host, port }), LOOKUP_TIMEOUT_MS, timedOut);
  } catch (error) {
    throw connectError(error, where);
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
