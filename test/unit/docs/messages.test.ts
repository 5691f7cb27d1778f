/** The messages that the user guide explains are messages that the code has. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SOURCES = join(ROOT, 'src');
const guide = readFileSync(join(ROOT, 'docs', 'user-guide.md'), 'utf8');
const code = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(SOURCES, name), 'utf8'))
  .join('\n');

const troubleshooting = guide.split(/^## /m).find((section) => section.startsWith('Troubleshooting\n')) ?? '';
const messages = troubleshooting
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, message = '']) => message));

test('the table has messages', () => {
  expect(messages.length).toBeGreaterThan(10);
});

test.each(messages)('%s', (message) => {
  // What stands for a value in the guide is an expression in the code.
  expect(message.split('…').filter((part) => !code.includes(part))).toEqual([]);
});
