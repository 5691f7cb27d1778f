import { describe, expect, test } from 'vitest';
import type { CallSite } from '../../../src/agent/host.ts';
import { createScripts } from '../../../src/agent/scripts.ts';
import type { Script, Scripts } from '../../../src/agent/scripts.ts';

/** The script of a frame in a text of this name. */
function scriptOf(scripts: Scripts, name: string, text = ''): Script {
  const site = { getScriptNameOrSourceURL: () => name, getScriptHash: () => text } as unknown as CallSite;
  const script = scripts.of(site);
  if (script === null) throw new Error('a builtin has no name');
  return script;
}

const EVALUATED = 'evalmachine.<anonymous>';

describe('scripts', () => {
  test('of one name are told apart by their texts, up to a limit, and share one beyond', () => {
    const scripts = createScripts([]);
    const found = Array.from({ length: 12_000 }, (_, i) => scriptOf(scripts, EVALUATED, `${i}`));
    const [first, second] = found;
    const rest = found.slice(10_000);
    expect(new Set(found.map(({ name }) => name)).size).toBe(10_001);
    expect([first?.name, second?.name, first?.unsure]).toEqual([EVALUATED, `${EVALUATED} #2`, true]);
    expect(new Set(rest).size).toBe(1);
    expect(rest[0]).toMatchObject({ origin: 'app', unsure: false });
    // what is known stays what it is, and what has another name or a place is met as ever
    expect(scriptOf(scripts, EVALUATED, '1')).toBe(second);
    expect(scriptOf(scripts, 'other.<anonymous>', '1')).toMatchObject({ name: 'other.<anonymous>', unsure: false });
    expect(scriptOf(scripts, '/app/late.js')).toMatchObject({ name: '/app/late.js', unsure: true });
  });

  test('of more names than there can be share one for whose code it is', () => {
    const scripts = createScripts([]);
    const ids = new Set<number>();
    for (let i = 0; i < 30_000; i++) ids.add(scriptOf(scripts, `/app/${i}.js`).id).add(scriptOf(scripts, `${i}.<anonymous>`, `${i}`).id);
    for (let i = 0; i < 100; i++) ids.add(scriptOf(scripts, `/app/node_modules/${i}/index.js`).id);
    expect(ids.size).toBe(20_002);
    expect(scriptOf(scripts, '/app/node_modules/late/index.js').origin).toBe('dependency');
    expect(scriptOf(scripts, '/app/late.js')).toMatchObject({ origin: 'app', unsure: false });
    expect(scriptOf(scripts, 'node:internal/timers')).toMatchObject({ origin: 'node', plumbing: true });
  });

  test('are unsure until the client has told of them', () => {
    const scripts = createScripts([]);
    const [a, b] = [scriptOf(scripts, '/app/a.js'), scriptOf(scripts, '/app/b.js')];
    scriptOf(scripts, 'node:net');
    expect(scripts.unsure()).toEqual([a, b]);
    a.unsure = false;
    const c = scriptOf(scripts, '/app/c.js');
    expect(scripts.unsure()).toEqual([b, c]);
  });
});
