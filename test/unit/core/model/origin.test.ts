import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOrigins, joinOriginRules, originOfScript, originPatterns, unusableGlobs } from '../../../../src/core/model/origin';
import { placeFrame, placeSite } from '../../../../src/core/model/placement';
import type { RawFrame, RawSite } from '../../../../src/core/model/rawPoll';
import { ASYNC_FRAME, NATIVE_FRAME } from '../../../../src/core/model/rawPoll';

const RULES = { app: ['node_modules/@mine/**'], dependency: ['**/generated/**', 'node_modules/@mine/vendored'], node: ['polyfills/**'] };

test.each([
  ['/w/node_modules/@mine/a/index.js', 'app'],
  ['C:\\w\\node_modules\\@mine\\a\\index.js', 'app'],
  ['file:///w/node_modules/@mine/a/index.mjs?x=1', 'app'],
  // where several fit, your own code goes first
  ['/w/node_modules/@mine/vendored/index.js', 'app'],
  ['/w/node_modules/other/index.js', 'dependency'],
  ['/w/src/generated/a.js', 'dependency'],
  ['file:///C:/w/src/generated/a.js', 'dependency'],
  ['/w/src/a.js', 'app'],
  ['/w/polyfills/fetch.js', 'node'],
  ['node:fs', 'node'],
])('%s is %s', (script, origin) => {
  expect(createOrigins(RULES).of(script)).toBe(origin);
});

test("Node's own modules are Node's, whatever is said", () => {
  expect(createOrigins({ app: ['**'] }).of('node:internal/timers')).toBe('node');
});

test('without rules, names decide', () => {
  fc.assert(
    fc.property(fc.string(), (script) => {
      expect(createOrigins().of(script)).toBe(originOfScript(script));
    }),
  );
});

test('names globs that cannot be used, and leaves them out', () => {
  const rules = { app: ['{a', 'b'], dependency: [''] };
  expect(unusableGlobs(rules)).toEqual(['{a', '']);
  expect(originPatterns(rules)).toHaveLength(1);
});

test('rules of several places are one', () => {
  expect(joinOriginRules([{ app: ['a'] }, { app: ['b'], node: ['c'] }])).toEqual({ app: ['a', 'b'], dependency: [], node: ['c'] });
});

test('what is said of the source goes before what is said of the script, and both before names', () => {
  const at = (script: string): RawFrame => ['f', script, 1, 1, 0];
  const map = (script: string, line: number, column: number) => ({ file: script.replace('/dist/', '/src/'), line, column });
  const origin = (rules: Parameters<typeof createOrigins>[0], script: string) => placeFrame(at(script), map, createOrigins(rules)).origin;
  expect(origin({ dependency: ['src/**'] }, '/w/dist/a.js')).toBe('dependency');
  expect(origin({ app: ['src/**'], dependency: ['dist/**'] }, '/w/dist/a.js')).toBe('app');
  expect(origin({ dependency: ['dist/**'] }, '/w/dist/a.js')).toBe('dependency');
  expect(origin({ app: ['node_modules/shared/src/**'] }, '/w/node_modules/shared/dist/a.js')).toBe('app');
  expect(origin({}, '/w/node_modules/shared/dist/a.js')).toBe('dependency');
});

const script = fc.constantFrom('/app/a.js', '/app/b.js', '/app/generated/c.js', '/app/node_modules/x/d.js', '/app/node_modules/@mine/e.js', 'node:fs');
const frame = fc.oneof(
  fc.tuple(fc.constantFrom('f', 'g', null), script, fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, ASYNC_FRAME)),
  fc.constant<RawFrame>(['Promise', null, 0, 0, NATIVE_FRAME]),
);
const sites = fc.array(
  fc.record({ frames: fc.array(frame, { maxLength: 6 }), inner: fc.boolean(), asyncCall: fc.boolean(), cause: fc.option(fc.nat({ max: 4 })) }),
  { minLength: 1, maxLength: 5 },
);

test('a site stands at one of its own frames or of its causes, with their origin, and plumbing never at the app', () => {
  const whose = createOrigins(RULES);
  fc.assert(
    fc.property(sites, (given) => {
      const placed = given.map(({ frames }) => frames.map((each) => placeFrame(each, (file, line, column) => ({ file, line, column }), whose)));
      const raw: RawSite[] = given.map((each, id) => ({ ...each, id, kind: 'promise', type: 'PROMISE', label: null, frames: each.frames.map((_, index) => index) }));
      for (const site of raw) {
        const placement = placeSite(site, (of) => placed[of.id] ?? [], (id) => raw[id]);
        const own = placed[site.id] ?? [];
        if (site.inner) expect(placement.origin).not.toBe('app');
        if (placement.file === null) expect(own.every(({ origin }) => origin === null || (site.inner && origin === 'app'))).toBe(true);
        else {
          expect(placed.flat().some((each) => each.file === placement.file && each.line === placement.line && each.origin === placement.origin)).toBe(true);
          expect(whose.of(placement.file)).toBe(placement.origin);
        }
        if (!site.inner && own.some(({ origin }) => origin === 'app')) expect(placement.origin).toBe('app');
      }
    }),
    { numRuns: 1_000 },
  );
});
