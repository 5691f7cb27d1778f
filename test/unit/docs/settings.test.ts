/** docs/settings.md and docs/commands.md say what package.json says; README.md names the package as it is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../scripts/lib/referenceDocs';
import { COMMAND_TEXTS, commandsPage, settingsPage } from '../../../scripts/lib/referenceDocs';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest & { readonly version: string; readonly engines: { readonly vscode: string } };
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const { commands, menus } = manifest.contributes;

describe('the reference', () => {
  it('of the settings is what "npm run docs" writes', () => {
    expect(read('docs/settings.md')).toBe(settingsPage(manifest));
  });

  it('of the commands is what "npm run docs" writes', () => {
    expect(read('docs/commands.md')).toBe(commandsPage(manifest));
  });

  it('says what each command of the palette does, and knows no others', () => {
    const internal = new Set(menus['commandPalette']?.filter(({ when }) => when === 'false').map(({ command }) => command));
    expect(Object.keys(COMMAND_TEXTS).sort()).toEqual(commands.map(({ command }) => command).filter((command) => !internal.has(command)).sort());
  });
});

describe('README.md', () => {
  const readme = read('README.md');

  it('names the version of the package and the oldest VS Code', () => {
    expect(readme).toContain(`asyncscope-${manifest.version}.vsix`);
    expect(readme).toContain(`VS Code ${manifest.engines.vscode.replace(/^\^|\.0$/g, '')} or newer`);
  });

  it('has the commands to start with, each on a line of its own', () => {
    for (const command of ['npm ci && npm start', 'npm ci && npm test']) expect(readme).toContain(`\n\`\`\`sh\n${command}\n\`\`\`\n`);
  });
});
