/**
 * Attaches by way of a debugger's CDP proxy (vscode-js-debug): the proxy tells where the target's inspector listens, and
 * a connection of our own goes there. It is isolated from the debugger's and does not pass through the extension host.
 */
import * as v from 'valibot';
import { parseInspector } from './address';
import { attachTo } from './attach';
import { connect } from './connection';
import { TargetError } from './target';
import type { AttachOptions, AttachedTarget } from './target';

/** The address of a proxy. Its path is its only secret. */
export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
  readonly path?: string | undefined;
}

const answer = v.object({ result: v.object({ value: v.optional(v.nullable(v.string())) }) });

/** Asked of the target through the debugger's session. Workers have no `url` of their own. */
const INSPECTOR_URL = `(() => {
  const load = typeof process.getBuiltinModule === 'function' ? process.getBuiltinModule : require;
  const { url } = load('inspector');
  return typeof url === 'function' ? (url() ?? null) : null;
})()
//# sourceURL=node:internal/asyncscope/address`;

/**
 * @throws {TargetError}
 */
export async function attachThroughProxy(proxy: ProxyAddress, options: AttachOptions): Promise<AttachedTarget> {
  const url = await inspectorUrl(proxy);
  options.signal?.throwIfAborted();
  const connection = await connect(url);
  return attachTo(connection, parseInspector(url), options);
}

async function inspectorUrl(proxy: ProxyAddress): Promise<string> {
  const path = proxy.path ?? '';
  const connection = await connect(`ws://${proxy.host}:${proxy.port}${path.startsWith('/') ? path : `/${path}`}`);
  try {
    const response = await connection.send('Runtime.evaluate', {
      expression: INSPECTOR_URL,
      silent: true,
      includeCommandLineAPI: true,
      returnByValue: true,
    });
    const checked = v.safeParse(answer, response);
    const url = checked.success ? checked.output.result.value : undefined;
    if (typeof url !== 'string' || !/^wss?:\/\//.test(url)) {
      throw new TargetError('refused', 'This debug session has no inspector of its own (a worker thread, or not Node).');
    }
    return url;
  } finally {
    await connection.close();
  }
}
