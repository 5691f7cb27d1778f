/** What users install. */
import { readFile } from 'node:fs/promises';

const KINDS = ['promise', 'timeout', 'interval', 'immediate', 'handle', 'request'];
const HEATS = [1, 2, 3, 4];
const VERDICTS = ['orphan', 'cycle', 'crowd', 'stuck', 'in-flight', 'none'];

/** Every file inside the package, exactly; the allow-list in `.vscodeignore` amounts to this. vsce renames the documents. */
export const VSIX_FILES: readonly string[] = [
  '[Content_Types].xml',
  'extension.vsixmanifest',
  'extension/package.json',
  'extension/readme.md',
  'extension/changelog.md',
  'extension/LICENSE.txt',
  'extension/THIRD-PARTY-NOTICES.md',
  'extension/dist/agent.js',
  'extension/dist/cli.js',
  'extension/dist/extension.js',
  'extension/dist/heapWorker.js',
  'extension/dist/preload.js',
  'extension/dist/server.js',
  'extension/dist/webview/graph.css',
  'extension/dist/webview/graph.js',
  'extension/media/asyncscope.schema.json',
  'extension/media/graph-dark.svg',
  'extension/media/graph-light.svg',
  'extension/media/icon.png',
  'extension/media/icon.svg',
  'extension/media/view.svg',
  ...['attach.svg', 'baseline.svg', 'dump.md', 'filter.md', 'hide.md', 'read.svg', 'stack.svg'].map((name) => `extension/media/walkthrough/${name}`),
  ...['dark', 'light'].flatMap((theme) => [
    ...KINDS.flatMap((kind) => HEATS.map((heat) => `extension/media/gutter/${theme}/${kind}-${heat}.svg`)),
    ...VERDICTS.map((verdict) => `extension/media/gutter/${theme}/suspended-${verdict}.svg`),
  ]),
].sort();

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;

/**
 * Names of the files in a zip archive, sorted, from its central directory (APPNOTE.TXT 4.3.12 and 4.3.16).
 * @throws {Error} when it is not a zip archive
 */
export async function listZip(path: string): Promise<readonly string[]> {
  const bytes = await readFile(path);
  const end = bytes.lastIndexOf(signature(END_OF_DIRECTORY));
  if (end < 0) throw new Error(`${path} is not a zip archive.`);
  const count = bytes.readUInt16LE(end + 10);
  const names: string[] = [];
  let at = bytes.readUInt32LE(end + 16);
  for (let i = 0; i < count; i += 1) {
    if (bytes.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`${path} has a damaged directory.`);
    const [name, extra, comment] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)];
    names.push(bytes.toString('utf8', at + 46, at + 46 + name));
    at += 46 + name + extra + comment;
  }
  return names.sort();
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
