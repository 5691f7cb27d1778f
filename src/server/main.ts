/** The language server's process. The client chooses the transport: `--stdio`, `--node-ipc` or `--socket=<port>`. */
import { createConnection } from 'vscode-languageserver/node';
import { version } from '../../package.json';
import { attach } from '../cdp/attach';
import { attachThroughProxy } from '../cdp/debuggerProxy';
import { discoverInspectors } from '../cdp/discover';
import { listNodeProcesses, processSystem } from '../cdp/processes/nodeProcesses';
import { TargetError } from '../cdp/target';
import { serve } from './server';
import { systemClock } from './systemClock';

// The DevTools client library calls `url.parse`, and Node would fill the client's log with its opinion of that.
// Read-only, and true already, under `--no-deprecation`, which VS Code hands on to its children.
if (process.noDeprecation !== true) process.noDeprecation = true;

const connection = createConnection();
serve(connection, {
  attach({ target, proxy, connection: by }, options) {
    if (proxy) return attachThroughProxy(proxy, options, by);
    if (target !== undefined) return attach(target, options);
    return Promise.reject(new TargetError('bad target', 'Name a target: a port, host:port or a ws:// URL.'));
  },
  discover: () => discoverInspectors(),
  processes: () => listNodeProcesses(processSystem()),
  clock: systemClock,
  version,
});
connection.listen();
