/** What may never be in the sources, whoever adds it. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = join(ROOT, 'src');
const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(SOURCES, name), 'utf8') }));
const having = (pattern: RegExp): string[] => files.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

test('no Markdown is trusted as a whole: only commands of ours by name', () => {
  expect(having(/isTrusted\s*[:=]\s*true/)).toEqual([]);
  for (const { name, text } of files) {
    for (const [, commands = ''] of text.matchAll(/enabledCommands\s*:\s*\[([^\]]*)\]/g)) {
      for (const command of commands.split(',').map((each) => each.trim())) expect(command, name).toMatch(/^(?:'asyncscope\.\w+'|[A-Z_]+_COMMAND|COMMANDS?\.\w+|)$/);
    }
  }
});

test('no Markdown may hold HTML', () => {
  expect(having(/supportHtml\s*[:=]\s*true/)).toEqual([]);
});

test('nothing that came from elsewhere is evaluated here', () => {
  expect(having(/\beval\(|new Function\(|\bvm\.runIn/)).toEqual([]);
});

test('no network but the inspector: no fetch, no telemetry', () => {
  expect(having(/\bfetch\(|XMLHttpRequest|sendBeacon|TelemetryReporter|createTelemetryLogger/)).toEqual([]);
  const modules = /from '(?:node:)?(?:https?|http2|tls|dgram|undici|ws)'|\{[^}]*\b(?:connect|createConnection|createServer|Socket)\b[^}]*\} from '(?:node:)?net'/;
  expect(having(modules)).toEqual([join('cdp', 'discover.ts')]);
});

test('untrusted workspaces are declared: nothing in them acts', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { capabilities: { untrustedWorkspaces: object } };
  // where files are written is the one thing that a folder could decide on
  expect(manifest.capabilities.untrustedWorkspaces).toMatchObject({ supported: 'limited', restrictedConfigurations: ['asyncscope.snapshotDirectory'] });
});
