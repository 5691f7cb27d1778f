/** Every row of the fault and bad-input tables names the tests that prove it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const rows = readFileSync(join(ROOT, 'docs', 'robustness.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| What happens |'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const sources = new Map<string, string>();

function sourceOf(file: string): string {
  const path = join(ROOT, 'test', file);
  const source = sources.get(file) ?? (existsSync(path) ? readFileSync(path, 'utf8') : '');
  sources.set(file, source);
  return source;
}

/** As the name of a test is written, whole. */
function isQuoted(name: string, source: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${name}${quote}`));
}

test('there are rows of three cells', () => {
  expect(rows.length).toBeGreaterThan(25);
  expect(rows.filter((cells) => cells.length !== 5 || cells.slice(1, 4).includes(''))).toEqual([]);
});

test('each row names tests that exist', () => {
  const missing: string[] = [];
  for (const [, what = '', , proofs = ''] of rows) {
    // `file below test/`: name of the test; the next
    const named = proofs.split(/; (?=`)/).map((proof) => /^`([^`]+\.test\.ts)`: (.+)$/.exec(proof));
    for (const proof of named) {
      const [, file = '', name = ''] = proof ?? [];
      if (name === '' || !isQuoted(name, sourceOf(file))) missing.push(`${what}: ${file} ${name}`);
    }
  }
  expect(missing).toEqual([]);
});
