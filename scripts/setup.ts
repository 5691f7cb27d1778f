/** `npm run setup`: installs everything that the tests need, so that later runs start at once. */
import { ensureChromium, ensureLibraries, ensureNodes, ensureServers, ensureSourceTools, ensureWorkbench } from './lib/setup.ts';
import { exitOnSignals } from './lib/processes.ts';

exitOnSignals();
await ensureNodes();
await ensureSourceTools();
await ensureLibraries();
await ensureServers();
await ensureWorkbench();
console.log(`Chromium: ${await ensureChromium()}`);
