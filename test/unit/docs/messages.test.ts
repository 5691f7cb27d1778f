/** The messages that the user guide and docs/attaching.md explain are messages that the code has. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lossTexts } from '../../../src/core/format/losses';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SOURCES = join(ROOT, 'src');
/** The part of a document below a heading. */
const below = (name: string, heading: string): string =>
  readFileSync(join(ROOT, 'docs', name), 'utf8').split(/^## /m).find((section) => section.startsWith(`${heading}\n`)) ?? '';
const code = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(SOURCES, name), 'utf8'))
  .join('\n');

const tables = `${below('user-guide.md', 'Troubleshooting')}\n${below('attaching.md', 'Messages')}`;
const messages = tables
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, message = '']) => message));

test('each sentence that says what is missing from the figures is explained', () => {
  const all = lossTexts({ dropped: 1, lostPolls: 1, restarts: 1, stacks: 'none', beforeMissed: true });
  const cut = lossTexts({ dropped: 0, lostPolls: 0, restarts: 0, stacks: 'cut', beforeMissed: false });
  for (const text of [...all, ...cut]) expect(messages.some((message) => text.endsWith(message.replace('…', ''))), text).toBe(true);
});

test('the table has messages', () => {
  expect(messages.length).toBeGreaterThan(25);
});

test.each(messages)('%s', (message) => {
  // What stands for a value in the guide is an expression in the code.
  expect(message.split('…').filter((part) => !code.includes(part))).toEqual([]);
});
