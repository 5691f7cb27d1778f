import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TASK_KINDS } from '../../../../src/core/model/task';
import type { Filter, FilterSubject, FilterTerm } from '../../../../src/core/view/filter';
import { asksForInternals, FILTER_EXAMPLES, FILTER_LENGTH_LIMIT, FILTER_STATES, formatFilter, matchesFilter, parseFilter } from '../../../../src/core/view/filter';

const SITE: FilterSubject = {
  kind: 'promise',
  origin: 'app',
  function: 'placeOrder',
  file: '/srv/orders/src/orders.ts',
  line: 42,
  count: 12,
  exact: true,
  error: 0,
  oldestMs: 41_000,
  ratePerSec: 3,
  endedPerSec: 1,
  abandoned: 0,
  sinceBaseline: 3,
  since: 'attach',
};

function filterOf(text: string): Filter {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.filter;
}

const matches = (text: string, part: Partial<FilterSubject> = {}): boolean => matchesFilter(filterOf(text), { ...SITE, ...part });

describe('a filter', () => {
  it('matches everything when it is empty', () => {
    for (const text of ['', '   ', '""']) expect(filterOf(text)).toEqual([]);
    expect(matches('')).toBe(true);
  });

  it.each([
    ['placeorder', 'PLACEOTHER'],
    ['orders.ts:42', 'orders.ts:7'],
    ['src\\orders', 'src\\other'],
    ['kind:promise', 'kind:handle'],
    ['kind:timeouts,Promises', 'kind:timeout,interval'],
    ['origin:app', 'origin:dependency,node'],
    ['>30s', '>1m'],
    ['age:<1m', 'age:<=40s'],
    ['>=41s <=41s', '<41s'],
    ['age:>0.5min', 'age:>1.5min'],
    ['count:>11', 'count:>12'],
    ['count:12', 'count:=13'],
    ['count:<1,000', 'count:>1_000'],
    ['state:new', 'state:abandoned'],
    ['state:growing,sampled', 'state:sampled'],
    ['file:src/orders', 'file:orders/lib'],
    ['function:place', 'function:orders.ts'],
    ['-kind:handle', '-kind:promise'],
    ['-"no such thing" orders', '-orders'],
    ['placeOrder kind:promise >30s', 'placeOrder kind:promise >50s'],
    ['file:nothing,ORDERS', 'file:"src orders"'],
  ])('%s matches, %s does not', (yes, no) => {
    expect(matches(yes)).toBe(true);
    expect(matches(no)).toBe(false);
  });

  it('knows names where there are none', () => {
    expect(matches('(anonymous)', { function: null })).toBe(true);
    expect(matches('(internal)', { function: null, file: null })).toBe(true);
    expect(matches('node:net', { file: 'node:net', origin: 'node' })).toBe(true);
  });

  it('knows packages', () => {
    const file = '/srv/node_modules/.pnpm/pg@8/node_modules/@scope/pg/lib/client.js';
    expect(matches('package:@scope/pg', { file, origin: 'dependency' })).toBe(true);
    expect(matches('package:pg', { file: '/srv/pg/client.js' })).toBe(false);
    expect(matches('package:node', { file: null, origin: 'node' })).toBe(true);
  });

  it('takes the age as of now, and none of what is not alive', () => {
    expect(matchesFilter(filterOf('>1m'), SITE, 61_000)).toBe(true);
    expect(matches('<1d', { count: 0 })).toBe(false);
  });

  it('takes no growth for granted that is within the error', () => {
    expect(matches('state:new', { exact: false, error: 40, sinceBaseline: 3 })).toBe(false);
    expect(matches('state:sampled', { exact: false, error: 40 })).toBe(true);
    expect(matches('state:before')).toBe(false);
    expect(matches('state:before', { since: 'before' })).toBe(true);
    expect(matches('state:abandoned', { abandoned: 1 })).toBe(true);
  });

  it('tells when somebody asks for what is folded away', () => {
    expect(asksForInternals(filterOf('origin:node'))).toBe(true);
    expect(asksForInternals(filterOf('package:pg'))).toBe(true);
    expect(asksForInternals(filterOf('origin:app'))).toBe(false);
    expect(asksForInternals(filterOf('-origin:node pg'))).toBe(false);
  });

  it.each([
    ['kind:promis', 'After "kind:" comes one of', 0, 11],
    ['a kind:', 'After "kind:" comes one of', 2, 7],
    ['origin:me', 'After "origin:" comes one of app, dependency, node', 0, 9],
    ['state:odd', 'After "state:" comes one of', 0, 9],
    ['age:30s', 'An age is compared', 0, 7],
    ['>100', 'An age is compared and has a unit', 0, 4],
    ['>30x', 'An age is compared', 0, 4],
    ['count:many', 'After "count:" comes a number', 0, 10],
    ['file:', 'After "file:" comes a part of the path', 0, 5],
    ['knd:promise', 'There is no "knd:"', 0, 11],
    ['a "b c', 'closing quotation mark', 2, 6],
    ['a - b', 'A "-" stands directly before', 2, 3],
    ['x'.repeat(FILTER_LENGTH_LIMIT + 1), 'at most', FILTER_LENGTH_LIMIT, FILTER_LENGTH_LIMIT + 1],
  ])('refuses %s and says where', (text, message, start, end) => {
    const parsed = parseFilter(text);
    expect(parsed).toMatchObject({ ok: false, error: { start, end } });
    if (!parsed.ok) expect(parsed.error.message).toContain(message);
  });

  it.each(['C:\\srv\\a.ts', 'https://x/y.js', 'node:fs', '"kind:odd"', 'it"s'])('takes %s for text', (text) => {
    expect(filterOf(text)).toMatchObject([{ type: 'text' }]);
  });

  it('has examples that are filters', () => {
    for (const [text] of FILTER_EXAMPLES) expect(filterOf(text)).toHaveLength(1);
  });
});

const text = fc.oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.constantFrom('a b', 'kind:x', '-x', '>1s', '"', '\\', '\\"', 'node:fs', ',', 'a,b', ':', '/'));
const subset = <T>(values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values], { minLength: 1 });
const figure = fc.integer({ min: 0, max: 1e12 });
const term: fc.Arbitrary<FilterTerm> = fc
  .tuple(
    fc.boolean(),
    fc.oneof(
      fc.record({ type: fc.constant('text' as const), text }),
      fc.record({ type: fc.constant('kind' as const), values: subset(TASK_KINDS) }),
      fc.record({ type: fc.constant('origin' as const), values: subset(['app', 'dependency', 'node'] as const) }),
      fc.record({ type: fc.constant('state' as const), values: subset(FILTER_STATES) }),
      fc.record({ type: fc.constant('age' as const), comparison: fc.constantFrom('>' as const, '>=' as const, '<' as const, '<=' as const), ms: figure }),
      fc.record({ type: fc.constant('count' as const), comparison: fc.constantFrom('>' as const, '>=' as const, '<' as const, '<=' as const, '=' as const), count: figure }),
      fc.record({ type: fc.constantFrom('function' as const, 'file' as const, 'package' as const), values: fc.array(text, { minLength: 1, maxLength: 3 }) }),
    ),
  )
  .map(([negated, rest]) => ({ negated, ...rest }));

describe('whatever is typed', () => {
  it('is read or refused with a place inside of it, and never throws', () => {
    const piece = fc.oneof(text, fc.constantFrom(' ', 'kind:', 'age:', '>', '<=', '5', 's', '-', '"', 'count:', 'file:', ',', 'promise', 'state:new'));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.array(piece).map((pieces) => pieces.join(''))), (typed) => {
        const parsed = parseFilter(typed);
        if (parsed.ok) {
          matchesFilter(parsed.filter, SITE);
          expect(parseFilter(formatFilter(parsed.filter))).toEqual(parsed);
        } else {
          expect(parsed.error.start).toBeLessThanOrEqual(parsed.error.end);
          expect(parsed.error.end).toBeLessThanOrEqual(typed.length);
          expect(parsed.error.message).not.toBe('');
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('comes back from its text', () => {
    fc.assert(
      fc.property(fc.array(term, { maxLength: 6 }), (filter) => {
        const written = formatFilter(filter);
        fc.pre(written.length <= FILTER_LENGTH_LIMIT);
        expect(parseFilter(written)).toEqual({ ok: true, filter });
      }),
      { numRuns: 3000 },
    );
  });

  it('matches the opposite when it is negated', () => {
    fc.assert(
      fc.property(term, fc.record({ kind: fc.constantFrom(...TASK_KINDS), count: figure, oldestMs: figure }), (each, part) => {
        const site = { ...SITE, ...part };
        expect(matchesFilter([each], site)).toBe(!matchesFilter([{ ...each, negated: !each.negated }], site));
      }),
    );
  });
});
