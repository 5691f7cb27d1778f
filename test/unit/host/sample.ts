import type { ProcessFigures } from '../../../src/core/model/task';
import type { SessionUpdate, SiteRow } from '../../../src/protocol/lsp';

export function site(part: Partial<SiteRow> = {}): SiteRow {
  return {
    id: 'site-1',
    since: 'attach',
    kind: 'promise',
    origin: 'app',
    function: 'placeOrder',
    file: '/srv/orders/src/orders.ts',
    line: 42,
    column: 7,
    count: 12,
    exact: true,
    bunched: false,
    error: 0,
    oldestMs: 41_000,
    ratePerSec: 3,
    endedPerSec: 1,
    started: 120,
    abandoned: 0,
    sinceBaseline: 3,
    ...part,
  };
}

export const FIGURES: ProcessFigures = {
  heap: { used: 50_331_648, total: 80_000_000, limit: 4_345_298_944, rss: 120_000_000, external: 3_000_000, arrayBuffers: 1_000_000 },
  loop: { delayP50Ms: 2, delayP99Ms: 5.4, delayMaxMs: 12, utilization: 0.23, stillMs: 0 },
  gc: { count: 41, totalMs: 88.2, estimated: false },
  activeResources: { Timeout: 2, TCPSocketWrap: 6 },
  uptimeMs: 93_000,
};

export function update(part: Partial<SessionUpdate> = {}): SessionUpdate {
  return {
    sessionId: '1',
    name: 'orders',
    status: 'attached',
    target: { pid: 4242, node: 'v24.9.0', url: '127.0.0.1:9229', title: 'main.js', cwd: '/srv/orders' },
    full: true,
    sites: [site()],
    removed: [],
    totals: { promise: 12, timeout: 0, interval: 0, immediate: 0, handle: 0, request: 0 },
    before: { totals: { promise: 0, timeout: 0, interval: 0, immediate: 0, handle: 0, request: 0 }, notFollowed: 0, canCountPromises: true, uptimeMs: 0 },
    origins: { app: 12, dependency: 0, node: 0 },
    dropped: 0,
    lostPolls: 0,
    stacks: 'whole',
    agentRestarts: 0,
    beforeMissed: false,
    processRestarts: 0,
    process: FIGURES,
    tasks: [],
    ...part,
  };
}
