/** The language server's process. The client chooses the transport: `--stdio`, `--node-ipc` or `--socket=<port>`. */
import { createConnection } from 'vscode-languageserver/node';
import { version } from '../../package.json';
import { attach } from '../cdp/attach';
import { discoverInspectors } from '../cdp/discover';
import { TargetError } from '../cdp/target';
import { serve } from './server';
import { systemClock } from './systemClock';

const connection = createConnection();
serve(connection, {
  attach: ({ target, proxy }, options) => {
    const address = target ?? (proxy && `ws://${proxy.host}:${proxy.port}${proxy.path ?? ''}`);
    if (address === undefined) return Promise.reject(new TargetError('bad target', 'Name a target: a port, host:port or a ws:// URL.'));
    return attach(address, options);
  },
  discover: () => discoverInspectors(),
  clock: systemClock,
  version,
});
connection.listen();
