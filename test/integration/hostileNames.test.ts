/** Names that are Markdown, HTML, commands to a terminal or very long, from a real process to what a person reads. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderTable } from '../../src/cli/table.ts';
import { pictureOf, toJsonLine } from '../../src/cli/psFormat.ts';
import { sortSites } from '../../src/cli/sortSites.ts';
import type { SessionModel } from '../../src/core/model/sessionModel.ts';
import { createDocumentStore } from '../../src/server/documents.ts';
import { hoverAt } from '../../src/server/features/hover.ts';
import { lensTitle } from '../../src/server/features/lineSummary.ts';
import { documentSites } from '../../src/server/lineSites.ts';
import { urlOfPath } from '../../src/server/paths.ts';
import type { Session } from '../../src/server/session.ts';
import { siteTooltip } from '../../src/host/tree/siteText.ts';
import { NODES } from '../support/nodes.ts';
import { watchProgram } from '../support/watchProgram.ts';

const NAMES: readonly string[] = [
  '[click](command:workbench.action.terminal.new)',
  '<img src=x onerror=alert(1)>',
  '$(alert) **bold** `code` ~~no~~',
  '\u001b[31mred\u001b]0;title\u0007\u009b2J',
  'a\u202egnp.js\u2066\u200b',
  'line\r\n\n# heading\n- list',
  '&lt;b&gt; https://example.org/ www.example.org me@example.org',
  'x'.repeat(1_000_000),
];
/** A name that a file system takes, too. */
const FILE = 'evil [x](command:a) <img> $(bug) \u001b[1m \n # &amp;.cjs';

let directory: string;

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'asyncscope-names-')));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What a terminal or an editor would act on. Line ends are the table's own. */
const ACTING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f]/;

/** What is left of Markdown once every escaped character is taken out. */
function unescaped(markdown: string): string {
  return markdown.replace(/\\[!-/:-@[-`{-~]/g, '').replace(/&(?:amp|lt);/g, '');
}

describe.each(NODES)('Node $version', (node) => {
  test('are shown as the text that they are', async () => {
    const file = join(directory, FILE);
    const source = `global.kept = [];
const names = ${JSON.stringify(NAMES)};
for (const name of names) {
  const holder = { async [name]() { await new Promise((resolve) => kept.push(resolve)); } };
  kept.push(holder[name]());
}
for (const name of names) kept.push(setTimeout({ [name]() {} }[name], 1e6));
setTimeout(() => process.stderr.write('ready\\n'), 20);
`;
    await writeFile(file, source);
    await watchProgram(node, [file], async ({ model, poll }) => {
      await poll();
      const sites = [...model.sites()].filter((site) => site.origin === 'app' && site.count > 0);
      // every name is there
      expect(sites.reduce((sum, site) => sum + site.count, 0)).toBeGreaterThanOrEqual(3 * NAMES.length);
      checkTerminal(model);
      for (const site of model.sites()) checkMarkdown(siteTooltip({ ...site, id: site.id }));
      checkEditor(model, file, source);
    });
  });
});

function checkTerminal(model: SessionModel): void {
  const info = { pid: 1, node: 'v24.0.0', url: '127.0.0.1:1', title: FILE, cwd: directory };
  const sites = sortSites(model.sites(), 'count');
  const table = renderTable(model, info, sites, { columns: 120, rows: Infinity, color: false, all: true, cwd: directory });
  expect(table).toContain('promise');
  expect(table).not.toMatch(ACTING);
  expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  const picture = pictureOf(model, info, sites, 1);
  const json = picture === undefined ? '' : toJsonLine(picture);
  expect(json.trimEnd()).not.toMatch(ACTING);
  expect(json.length).toBeLessThan(200_000);
}

function checkEditor(model: SessionModel, file: string, source: string): void {
  const documents = createDocumentStore(() => 0);
  const uri = urlOfPath(file);
  documents.open(uri, 'javascript', 1, source, source);
  const document = documents.get(uri);
  if (document === undefined) throw new Error('the document is not open');
  const session = { id: 's', name: NAMES[0], model, sitesInFile: (path: string) => model.sitesInFile(path), end: undefined, endedAt: undefined, emptySince: undefined } as unknown as Session;
  const sites = documentSites(document, [session], 0);
  expect(sites.length).toBeGreaterThan(0);
  expect(lensTitle(sites)).toMatch(/^[\w ,.·<+~/−-]+$/);
  for (const line of new Set(sites.map(({ site }) => site.line - 1))) {
    const hover = hoverAt(document, sites, { line, character: 0 });
    const { value } = hover?.contents as { value: string };
    checkMarkdown(value);
    // links lead to the file itself, and to nowhere else
    for (const [, target] of unescapedLinks(value)) expect(target).toMatch(/^(?:file:\/\/\/|node:)/);
  }
}

function unescapedLinks(markdown: string): readonly (readonly string[])[] {
  return [...markdown.matchAll(/(?<!\\)\]\(([^)]*)\)/g)];
}

function checkMarkdown(markdown: string): void {
  // our own links to files aside
  const left = unescaped(markdown.replace(/(?<!\\)\]\(file:\/\/\/[\w/:.%#,-]*\)/g, ']'));
  expect(left).not.toMatch(/<[a-z!/]/i);
  expect(left).not.toMatch(/command:/);
  expect(left).not.toMatch(/\$\(/);
  expect(left).not.toMatch(/^# /m);
  expect(markdown).not.toMatch(ACTING);
  expect(markdown.length).toBeLessThan(100_000);
}
