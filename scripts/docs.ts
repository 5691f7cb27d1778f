/** `npm run docs`: writes docs/settings.md and docs/commands.md anew. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './lib/paths.ts';
import type { Manifest } from './lib/referenceDocs.ts';
import { commandsPage, settingsPage } from './lib/referenceDocs.ts';

const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest;
await writeFile(join(ROOT, 'docs', 'settings.md'), settingsPage(manifest));
await writeFile(join(ROOT, 'docs', 'commands.md'), commandsPage(manifest));
