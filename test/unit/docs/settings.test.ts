/** The tables of README.md say what package.json says: every setting, every command of the palette, and no others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Setting {
  readonly order: number;
  readonly default: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly markdownDescription: string;
}

interface Manifest {
  readonly version: string;
  readonly engines: { readonly vscode: string };
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly category: string }[];
    readonly menus: { readonly commandPalette: readonly { readonly command: string; readonly when: string }[] };
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
  };
}

const ROOT = join(import.meta.dirname, '..', '..', '..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const { contributes } = manifest;

/** The cells of the rows of the table below a heading. */
function tableBelow(heading: string): readonly (readonly string[])[] {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).map((line) => line.slice(2, -2).split(' | '));
}

function defaultCell({ default: value, minimum, maximum }: Setting): string {
  const range = minimum === undefined || maximum === undefined ? '' : ` (${minimum} to ${maximum})`;
  return `\`${JSON.stringify(value)}\`${range}`;
}

describe('README.md', () => {
  it('lists the settings with their defaults, ranges and descriptions, in their order', () => {
    const settings = Object.entries(contributes.configuration.properties).sort(([, a], [, b]) => a.order - b.order);
    const expected = settings.map(([key, setting]) => [`\`${key}\``, defaultCell(setting), setting.markdownDescription]);
    expect(tableBelow('Settings')).toEqual(expected);
  });

  it('lists the commands of the palette', () => {
    const hidden = new Set(contributes.menus.commandPalette.filter(({ when }) => when === 'false').map(({ command }) => command));
    const expected = contributes.commands.filter(({ command }) => !hidden.has(command)).map(({ category, title }) => `${category}: ${title}`);
    expect(tableBelow('Commands').map(([command]) => command).sort()).toEqual(expected.sort());
  });

  it('names the version of the package and the oldest VS Code', () => {
    expect(readme).toContain(`asyncscope-${manifest.version}.vsix`);
    expect(readme).toContain(`VS Code ${manifest.engines.vscode.replace(/^\^|\.0$/g, '')} or newer`);
  });

  it('has the commands to start with, each on a line of its own', () => {
    for (const command of ['npm ci && npm start', 'npm ci && npm test']) expect(readme).toContain(`\n\`\`\`sh\n${command}\n\`\`\`\n`);
  });
});
