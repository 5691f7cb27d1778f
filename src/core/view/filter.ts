/**
 * The filter of sites: one line of text, the same in the editor and in the terminal. Terms are separated by spaces and
 * all of them have to hold: `kind:promise >30s -file:test placeOrder`. Pure.
 */
import { siteFunction } from '../format/functionName';
import { assertNever } from '../base/assertNever';
import type { Origin, Site, TaskKind } from '../model/task';
import { TASK_KINDS } from '../model/task';
import { formatGrowth, roundToError } from '../format/figures';
import { packageOfSite } from './package';

/** What a filter looks at. */
export type FilterSubject = Pick<
  Site,
  'kind' | 'origin' | 'function' | 'file' | 'line' | 'count' | 'exact' | 'error' | 'oldestMs' | 'ratePerSec' | 'endedPerSec' | 'abandoned' | 'sinceBaseline' | 'since'
>;

/**
 * What can be said of a site beyond its figures:
 * `new` more alive than at the baseline, `growing` more started than ended of late, `abandoned` promises of it were
 * collected while pending, `sampled` the count is an estimate, `before` its tasks are older than the attach.
 */
export type FilterState = 'new' | 'growing' | 'abandoned' | 'sampled' | 'before';
export const FILTER_STATES: readonly FilterState[] = ['new', 'growing', 'abandoned', 'sampled', 'before'];

const ORIGINS: readonly Origin[] = ['app', 'dependency', 'node'];

export type Comparison = '>' | '>=' | '<' | '<=' | '=';

/** One condition. Several values of one term are alternatives. */
export type FilterTerm = { readonly negated: boolean } & (
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'kind'; readonly values: readonly TaskKind[] }
  | { readonly type: 'origin'; readonly values: readonly Origin[] }
  | { readonly type: 'state'; readonly values: readonly FilterState[] }
  | { readonly type: 'age'; readonly comparison: Comparison; readonly ms: number }
  | { readonly type: 'count'; readonly comparison: Comparison; readonly count: number }
  | { readonly type: 'function' | 'file' | 'package'; readonly values: readonly string[] }
);

/** All terms have to hold; without terms everything matches. */
export type Filter = readonly FilterTerm[];

export const EMPTY_FILTER: Filter = [];

/** Why a text is no filter, and where: offsets in UTF-16 units. */
export interface FilterError {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

export type ParsedFilter = { readonly ok: true; readonly filter: Filter } | { readonly ok: false; readonly error: FilterError };

/** Longest text that is taken, in UTF-16 units: more is a paste by mistake. */
export const FILTER_LENGTH_LIMIT = 1000;

/** Largest count, and largest age in milliseconds, that can be asked for: figures beyond are not exact integers. */
export const FILTER_NUMBER_LIMIT = Number.MAX_SAFE_INTEGER;

const KEYS = ['kind', 'origin', 'age', 'state', 'count', 'function', 'file', 'package'] as const;
type Key = (typeof KEYS)[number];

/** In milliseconds. The first name of each is how it is written back. */
const UNITS: readonly (readonly [ms: number, ...names: string[]])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm', 'min'],
  [1000, 's'],
  [1, 'ms'],
];

/** Never throws, whatever the text. */
export function parseFilter(text: string): ParsedFilter {
  if (text.length > FILTER_LENGTH_LIMIT) {
    return failed(`A filter has at most ${String(FILTER_LENGTH_LIMIT)} characters.`, FILTER_LENGTH_LIMIT, text.length);
  }
  const terms: FilterTerm[] = [];
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
    const token = readToken(text, at);
    if ('message' in token) return { ok: false, error: token };
    const term = termOf(token);
    if (term !== undefined && 'message' in term) return { ok: false, error: { message: term.message, start: token.start, end: token.end } };
    if (term !== undefined) terms.push(term);
    at = token.end;
  }
  return { ok: true, filter: terms };
}

/** The text of a filter, in one way of writing; {@link parseFilter} reads it back to the same filter. */
export function formatFilter(filter: Filter): string {
  return filter.map((term) => (term.negated ? '-' : '') + formatTerm(term)).join(' ');
}

/** @param ageMs age of the oldest task where it is known better than the site knows it. */
export function matchesFilter(filter: Filter, site: FilterSubject, ageMs: number = site.oldestMs): boolean {
  return filter.every((term) => holds(term, site, ageMs) !== term.negated);
}

/** The filter asks for code of some origin by name: whoever does that wants to see it, folded away or not. */
export function asksForInternals(filter: Filter): boolean {
  return filter.some((term) => !term.negated && (term.type === 'package' || (term.type === 'origin' && term.values.some((origin) => origin !== 'app'))));
}

/** More tasks of the site are alive than at the baseline, as far as the count can be trusted. */
export function isNew(site: Pick<FilterSubject, 'sinceBaseline' | 'exact' | 'error'>): boolean {
  return roundToError(site.sinceBaseline, site) > 0;
}

/** What is written into the message of an empty view and into `--help`. */
export const FILTER_EXAMPLES: readonly (readonly [text: string, meaning: string])[] = [
  ['placeOrder', 'function or file contains it'],
  ['kind:promise,timeout', TASK_KINDS.join(', ')],
  ['origin:app', ORIGINS.join(', ')],
  ['>30s', 'oldest task; also age:<5m, in ms, s, m, h, d'],
  ['count:>100', 'live tasks'],
  ['state:growing', FILTER_STATES.join(', ')],
  ['file:src/orders', 'path contains it; function: and package: likewise'],
  ['-kind:handle', 'everything but handles'],
  ['"two words"', 'text with spaces'],
];

interface Token {
  readonly start: number;
  readonly end: number;
  readonly negated: boolean;
  /** Before the first colon outside quotes; undefined when there is none. */
  readonly key: string | undefined;
  /** The term without its sign and key. */
  readonly raw: string;
  /** Parts between commas, quotes taken off. */
  readonly parts: readonly string[];
  /** Everything, quotes taken off. */
  readonly whole: string;
  /** Some of it stood in quotes: it means itself. */
  readonly quoted: boolean;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charAt(at))) at++;
  return at;
}

function isSpace(character: string): boolean {
  return /\s/.test(character);
}

function readToken(text: string, start: number): Token | FilterError {
  let at = start;
  const negated = text.charAt(at) === '-';
  if (negated) at++;
  if (at >= text.length || isSpace(text.charAt(at))) {
    return { message: 'A "-" stands directly before what is to be left out: -kind:handle.', start, end: at };
  }
  const begin = at;
  let keyEnd: number | undefined;
  let whole = '';
  let quoted = false;
  const parts: string[] = [''];
  const add = (character: string, splits: boolean): void => {
    whole += character;
    if (splits) parts.push('');
    else parts.push((parts.pop() ?? '') + character);
  };
  while (at < text.length && !isSpace(text.charAt(at))) {
    const character = text.charAt(at);
    // Quotes open at the beginning of a value only: `it's "a"b` is rare, a stray quote in a name is not.
    const opens = character === '"' && (at === begin || [':', ','].includes(text.charAt(at - 1)));
    if (opens) {
      const quote = at;
      quoted = true;
      at++;
      while (at < text.length && text.charAt(at) !== '"') {
        if (text.charAt(at) === '\\' && ['"', '\\'].includes(text.charAt(at + 1))) at++;
        add(text.charAt(at), false);
        at++;
      }
      if (at >= text.length) return { message: 'A closing quotation mark is missing.', start: quote, end: text.length };
      at++;
      continue;
    }
    if (character === ':' && keyEnd === undefined && !quoted) {
      keyEnd = at;
      whole += character;
      parts.length = 0;
      parts.push('');
    } else add(character, character === ',');
    at++;
  }
  const key = keyEnd === undefined ? undefined : text.slice(begin, keyEnd);
  return { start, end: at, negated, key, raw: text.slice((keyEnd ?? begin - 1) + 1, at), parts, whole, quoted };
}

function termOf(token: Token): FilterTerm | { readonly message: string } | undefined {
  const { negated, key } = token;
  if (key === undefined) {
    if (!token.quoted && /^[<>=]/.test(token.whole)) return ageTerm(token);
    return token.whole === '' ? undefined : { negated, type: 'text', text: token.whole };
  }
  const known = KEYS.find((each) => each === key.toLowerCase());
  if (known === undefined) {
    // Drive letters, `node:fs` and URLs are text; everything else of this form is a slip of the pen.
    if (!/^[a-z]{2,}$/i.test(key) || key === 'node' || token.raw.startsWith('//')) return { negated, type: 'text', text: token.whole };
    return { message: `There is no "${key}:". There are ${KEYS.map((each) => `${each}:`).join(', ')}. Put text with a colon into quotation marks.` };
  }
  return keyedTerm(known, token);
}

function keyedTerm(key: Key, token: Token): FilterTerm | { readonly message: string } {
  const { negated } = token;
  switch (key) {
    case 'kind':
      return choose(token, key, TASK_KINDS, (text) => text.replace(/s$/, ''), (values) => ({ negated, type: 'kind', values }));
    case 'origin':
      return choose(token, key, ORIGINS, (text) => text, (values) => ({ negated, type: 'origin', values }));
    case 'state':
      return choose(token, key, FILTER_STATES, (text) => text, (values) => ({ negated, type: 'state', values }));
    case 'age':
      return ageTerm(token);
    case 'count': {
      const match = /^([<>]=?|=)?(\d+)$/.exec(token.raw.replaceAll(/(?<=\d)[_,](?=\d)/g, ''));
      const count = Number(match?.[2]);
      if (match === null || count > FILTER_NUMBER_LIMIT) return { message: 'After "count:" comes a number of tasks: count:>100, count:<=5, count:1.' };
      return { negated, type: 'count', comparison: comparisonOf(match[1]), count };
    }
    case 'function':
    case 'file':
    case 'package': {
      const values = token.parts.filter((part) => part !== '');
      if (values.length === 0) return { message: `After "${key}:" comes a part of the ${key === 'file' ? 'path' : 'name'}.` };
      return { negated, type: key, values };
    }
    default:
      return assertNever(key);
  }
}

function choose<T extends string>(
  token: Token,
  key: Key,
  choices: readonly T[],
  normalize: (text: string) => string,
  term: (values: readonly T[]) => FilterTerm,
): FilterTerm | { readonly message: string } {
  const values: T[] = [];
  for (const part of token.parts) {
    const value = choices.find((choice) => choice === part.toLowerCase()) ?? choices.find((choice) => choice === normalize(part.toLowerCase()));
    if (value === undefined) return { message: `After "${key}:" comes one of ${choices.join(', ')}.` };
    if (!values.includes(value)) values.push(value);
  }
  return term(values);
}

function ageTerm({ negated, raw }: Token): FilterTerm | { readonly message: string } {
  const match = /^([<>]=?)(\d{1,15}(?:\.\d{1,6})?)([a-z]*)$/i.exec(raw);
  const unit = UNITS.find(([, ...names]) => names.includes(match?.[3]?.toLowerCase() ?? ''))?.[0];
  const ms = Math.round(Number(match?.[2]) * (unit ?? NaN));
  if (match === null || unit === undefined || !(ms <= FILTER_NUMBER_LIMIT)) {
    return { message: 'An age is compared and has a unit (ms, s, m, h, d): >30s, age:<5m. For a number of tasks write count:>100.' };
  }
  return { negated, type: 'age', comparison: comparisonOf(match[1]), ms };
}

function comparisonOf(text: string | undefined): Comparison {
  return text === '>' || text === '>=' || text === '<' || text === '<=' ? text : '=';
}

function formatTerm(term: FilterTerm): string {
  switch (term.type) {
    case 'text':
      return needsQuotes(term.text) || /^[-<>=]/.test(term.text) || /^[^":]*:/.test(term.text) ? quote(term.text) : term.text;
    case 'kind':
    case 'origin':
    case 'state':
      return `${term.type}:${term.values.join(',')}`;
    case 'age':
      return `${term.comparison}${formatSpan(term.ms)}`;
    case 'count':
      return `count:${term.comparison === '=' ? '' : term.comparison}${String(term.count)}`;
    case 'function':
    case 'file':
    case 'package':
      return `${term.type}:${term.values.map((value) => (needsQuotes(value) || value.includes(',') ? quote(value) : value)).join(',')}`;
    default:
      return assertNever(term);
  }
}

function needsQuotes(text: string): boolean {
  return /[\s"]/.test(text);
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function formatSpan(ms: number): string {
  const [size, name] = UNITS.find(([each]) => ms > 0 && ms % each === 0) ?? [1, 'ms'];
  return `${String(ms / size)}${name ?? 'ms'}`;
}

function holds(term: FilterTerm, site: FilterSubject, ageMs: number): boolean {
  switch (term.type) {
    case 'text':
      return contains(`${siteFunction(site)}\n${site.file ?? ''}:${String(site.line)}`, term.text);
    case 'kind':
      return term.values.includes(site.kind);
    case 'origin':
      return term.values.includes(site.origin);
    case 'state':
      return term.values.some((state) => isIn(state, site));
    case 'age':
      // Where nothing is alive there is no oldest task.
      return site.count > 0 && compare(ageMs, term.comparison, term.ms);
    case 'count':
      return compare(site.count, term.comparison, term.count);
    case 'function':
      return term.values.some((value) => contains(site.function ?? '', value));
    case 'file':
      return term.values.some((value) => contains(site.file ?? '', value));
    case 'package':
      return term.values.some((value) => contains(packageOfSite(site) ?? '', value));
    default:
      return assertNever(term);
  }
}

function isIn(state: FilterState, site: FilterSubject): boolean {
  switch (state) {
    case 'new':
      return isNew(site);
    case 'growing':
      return formatGrowth(site).startsWith('+');
    case 'abandoned':
      return site.abandoned > 0;
    case 'sampled':
      return !site.exact;
    case 'before':
      return site.since === 'before';
    default:
      return assertNever(state);
  }
}

function compare(figure: number, comparison: Comparison, limit: number): boolean {
  switch (comparison) {
    case '>':
      return figure > limit;
    case '>=':
      return figure >= limit;
    case '<':
      return figure < limit;
    case '<=':
      return figure <= limit;
    case '=':
      return figure === limit;
    default:
      return assertNever(comparison);
  }
}

/** Without regard to case or to the direction of slashes. */
function contains(text: string, part: string): boolean {
  return fold(text).includes(fold(part));
}

function fold(text: string): string {
  return text.toLowerCase().replaceAll('\\', '/');
}

function failed(message: string, start: number, end: number): ParsedFilter {
  return { ok: false, error: { message, start, end } };
}
