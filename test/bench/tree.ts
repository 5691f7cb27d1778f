/**
 * What an update of Live Tasks costs the extension host: building the rows of many sites anew and finding what changed.
 *
 *   npm run bench -- tree [--sites 10000] [--changed 200] [--rounds 200]
 *
 * Milliseconds of CPU (which other processes on the machine do not change much), median and 95th percentile. Each round is one poll: some sites have another count, all are
 * a second older.
 */
import { parseArgs } from 'node:util';
import type { SessionUpdate, SiteRow } from '../../src/protocol/lsp.ts';
import { SessionStore } from '../../src/host/sessions/sessionStore.ts';
import type { TreeOptions, TreePicture } from '../../src/host/tree/treeModel.ts';
import { buildTree, diffTree, RowCache } from '../../src/host/tree/treeModel.ts';
import { parseFilter } from '../../src/core/view/filter.ts';
import { site, update } from '../unit/host/sample.ts';

const { values } = parseArgs({ options: { sites: { type: 'string', default: '10000' }, changed: { type: 'string', default: '200' }, rounds: { type: 'string', default: '200' } } });
const [SITES, CHANGED, ROUNDS] = [Number(values.sites), Number(values.changed), Number(values.rounds)];

const FIRST_PAGE: ReadonlySet<string> = new Set();
const VARIANTS: Readonly<Record<string, TreeOptions>> = {
  'sites, as they are at first': { order: 'count', internals: 'folded', open: FIRST_PAGE },
  'sites, every page unfolded': { order: 'count', internals: 'folded' },
  'by age': { order: 'age', internals: 'folded', open: FIRST_PAGE },
  'grouped by file': { order: 'count', internals: 'folded', grouping: 'file', open: FIRST_PAGE },
  'grouped by package': { order: 'count', internals: 'inline', grouping: 'package', open: FIRST_PAGE },
  'filtered: kind:promise >30s -file:test': { order: 'count', internals: 'folded', filter: filterOf('kind:promise >30s -file:test'), open: FIRST_PAGE },
  'filtered: text': { order: 'count', internals: 'folded', filter: filterOf('handler'), open: FIRST_PAGE },
};

for (const [name, options] of Object.entries(VARIANTS)) console.log(`${name.padEnd(42)} ${measure(options)}`);

function measure(options: TreeOptions): string {
  const random = generator(7);
  const store = new SessionStore();
  const rows = Array.from({ length: SITES }, (_, index) => someSite(index, random));
  store.apply(update({ sites: rows, clockMs: 0 }));
  const cache = new RowCache();
  let picture: TreePicture = buildTree(store.all(), options, cache);
  const times: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const changed = Array.from({ length: CHANGED }, (): SiteRow => {
      const old = rows[Math.floor(random() * rows.length)] ?? site();
      return { ...old, count: Math.max(1, old.count + Math.round(random() * 6 - 3)) };
    });
    const delta: SessionUpdate = update({ full: false, sites: changed, clockMs: round * 1000 });
    const began = process.cpuUsage();
    store.apply(delta);
    const next = buildTree(store.all(), { ...options, places: picture.places }, cache);
    diffTree(picture.rows, next.rows);
    const { user, system } = process.cpuUsage(began);
    times.push((user + system) / 1000);
    picture = next;
  }
  times.sort((a, b) => a - b);
  return `median ${at(times, 0.5)} ms, 95 % ${at(times, 0.95)} ms`;
}

function someSite(index: number, random: () => number): SiteRow {
  const kinds = ['promise', 'timeout', 'interval', 'handle', 'request'] as const;
  const dependency = index % 5 === 0;
  return site({
    id: `s${String(index)}`,
    kind: kinds[index % kinds.length] ?? 'promise',
    origin: dependency ? 'dependency' : 'app',
    function: index % 7 === 0 ? 'handler' : `f${String(index)}`,
    file: dependency ? `/srv/node_modules/p${String(index % 60)}/lib/index.js` : `/srv/src/m${String(index % 400)}/file.ts`,
    line: index,
    count: 1 + Math.floor(random() ** 4 * 1000),
    oldestMs: random() * 100_000,
  });
}

/** The same numbers in every run (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function at(sorted: readonly number[], share: number): string {
  return (sorted[Math.floor((sorted.length - 1) * share)] ?? NaN).toFixed(1);
}

function filterOf(text: string): NonNullable<TreeOptions['filter']> {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.filter;
}
