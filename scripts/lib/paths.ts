/** Where things are in this repository. */
import { resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..', '..');
export const DIST = resolve(ROOT, 'dist');
/** Logs, reports and screenshots of the last test run. Not under version control. */
export const TEST_RESULTS = resolve(ROOT, 'test-results');
/** The sample service that `npm start` shows. */
export const SAMPLE = resolve(ROOT, 'examples', 'orders');
/** The bundled VS Code server, the Node versions and the libraries for tests: packages with lock files of their own. */
export const WORKBENCH_PACKAGE = resolve(ROOT, 'test', 'e2e', 'workbench');
export const NODES_PACKAGE = resolve(ROOT, 'test', 'nodes');
export const SOURCES_PACKAGE = resolve(ROOT, 'test', 'sources');
export const LIBRARIES_PACKAGE = resolve(ROOT, 'test', 'fixtures', 'truth', 'libraries');
/** Other tools that watch asynchronous work, for a benchmark: a package of its own, too. */
export const PEERS_PACKAGE = resolve(ROOT, 'test', 'bench', 'peers');
/** Other readers of heap snapshots, likewise. */
export const HEAP_PEERS_PACKAGE = resolve(ROOT, 'test', 'bench', 'peersHeap');
