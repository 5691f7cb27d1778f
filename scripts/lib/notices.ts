/** The licences of the packages that are in the bundles: what has to be said to whoever gets them. */
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { allBundles } from './bundles.ts';
import { ROOT } from './paths.ts';

export const NOTICES = join(ROOT, 'THIRD-PARTY-NOTICES.md');

const HEAD = `# Third-party notices

Asyncscope's bundles contain code of the packages below. Written by \`npm run notices\`; do not edit.
`;

/** What a package says of itself. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * The text of the notices, from the bundles as they are built for production.
 * @throws {Error} when a package comes without a licence text
 */
export async function thirdPartyNotices(): Promise<string> {
  const folders = await bundledPackages();
  const entries = await Promise.all(folders.map(noticeOf));
  return [HEAD, ...entries.sort((a, b) => (a.title < b.title ? -1 : 1)).map(({ title, text }) => `## ${title}\n\n${text}\n`)].join('\n');
}

/** Folders of the packages that have at least one byte in what is shipped. */
async function bundledPackages(): Promise<readonly string[]> {
  const shipped = (await allBundles(true)).filter(({ name }) => name !== 'sample');
  const results = await Promise.all(shipped.map(({ options }) => build({ ...options, sourcemap: false, write: false, metafile: true })));
  const files = results.flatMap(({ metafile }) =>
    Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? file : []))),
  );
  return [...new Set(files.filter((file) => file.includes('node_modules/')).map(packageFolder))];
}

/** The folder below the innermost `node_modules` of a path. */
function packageFolder(file: string): string {
  const [, folder = ''] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
  if (!existsSync(join(ROOT, folder, 'package.json'))) throw new Error(`${file} belongs to no package.`);
  return join(ROOT, folder);
}

async function noticeOf(folder: string): Promise<{ readonly title: string; readonly text: string }> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
  const names = (await readdir(folder)).filter((name) => /^(?:licen[cs]e|copying|notice|third-?party-?notices)(?:[.-]|$)/i.test(name)).sort();
  if (names.length === 0) throw new Error(`${manifest.name} comes without a licence text; look into ${folder}.`);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  const blocks = texts.map((text) => `\`\`\`\`text\n${text.replace(/\r\n?/g, '\n').replace(/[ \t]+$/gm, '').trim()}\n\`\`\`\``);
  return { title: `${manifest.name} ${manifest.version} (${manifest.license ?? 'see below'})`, text: blocks.join('\n\n') };
}
