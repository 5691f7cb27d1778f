/** The notation of the dump's corpus, and what is compared: a mistake here would let a wrong dump pass. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DUMP_FORMAT_VERSION } from '../../../src/core/model/dump.ts';
import type { Dump, DumpFrame, DumpGroup } from '../../../src/core/model/dump.ts';
import { expectedRows, readDumpProgram, readDumpPrograms, shownRows } from '../../support/dumpTruth.ts';

const directory = mkdtempSync(join(tmpdir(), 'asyncscope-notation-'));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

let written = 0;
function program(head: readonly string[], code: readonly string[]) {
  const file = join(directory, `program${++written}.cjs`);
  writeFileSync(file, [...head.map((line) => `//${line}`), ...code, ''].join('\n'));
  return readDumpProgram(file);
}

const HEAD = [' One function waits. That is all.', ' suspended: 2'];
const CODE = ['async function outer() {', '  await inner(); //< outer', '}', 'const inner = async () => {', '  return f(1, /*<inner>*/ await g());', '};'];

function frame(part: Partial<DumpFrame>): DumpFrame {
  return { function: 'f', kind: 'async function', origin: 'app', declared: null, awaiting: null, awaitingKnown: 1, repeats: 1, detail: null, ...part };
}

function group(part: Partial<DumpGroup>): DumpGroup {
  return { id: 'a', count: 1, verdict: null, why: '', chain: [], waitsFor: { kind: 'nothing', text: '', at: null, details: {} }, heldBy: [], ...part };
}

function dump(groups: readonly DumpGroup[], suspended = 0): Dump {
  return {
    formatVersion: DUMP_FORMAT_VERSION,
    target: { pid: 1, node: 'v24.0.0', url: null, title: '', cwd: null, file: null },
    at: '2026-01-01T00:00:00.000Z',
    pauseMs: 1,
    analysisMs: 1,
    partial: false,
    notes: [],
    totals: { suspended, pendingPromises: 0, timers: 0, handles: 0, requests: 0 },
    groups,
    resources: { timers: [], handles: [], requests: [], listeners: [], streams: [] },
  };
}

describe('what a program must show', () => {
  it('says places by the marks in its source', () => {
    const read = program([...HEAD, '= 3 x outer@outer > inner@inner waits for timer (delayMs 60000), in flight'], CODE);
    expect(read.covers).toBe('One function waits');
    expect(expectedRows(read, 24)).toEqual(['3 x async function outer (4) at 5:3 > async function inner (7) at 8:27 waits for timer (delayMs 60000), in flight', 'suspended: 2']);
  });

  it('knows where V8 has a function stand', () => {
    const lines = ['for await (const x of y) z; //< a', 'await using x = f(); //< b', '  yield* inner(); //< c', '  return never; //< d', 'if (x) break; //< e'];
    const read = program([' Places. So.', ' suspended: 0', ...['a', 'b', 'c', 'd', 'e'].map((mark) => `= 1 x f@${mark} waits for nothing`)], ['function f() {}', ...lines]);
    expect(expectedRows(read, 24).map((row) => / at (\S+)/.exec(row)?.[1])).toEqual(['10:17', '11:3', '12:3', '13:8', '9:18', undefined]);
  });

  it.each([
    ['no head', [], ['x()']],
    ['no number', [' One. Two.'], []],
    ['a group that is not in the notation', [...HEAD, '= outer@outer waits'], CODE],
    ['a mark that is not there', [...HEAD, '= 1 x outer@nowhere waits for nothing'], CODE],
    ['a function that is not there', [...HEAD, '= 1 x nobody@outer waits for nothing'], CODE],
    ['a mark that is there twice', HEAD, [...CODE, 'await x; //< outer']],
    ['a version that is not supported', [...HEAD, ' nodes: 24 25'], CODE],
  ])('refuses %s', (_what, head, code) => {
    expect(() => program(head, code)).toThrow();
  });

  it('counts functions of Node by version', () => {
    const read = program([...HEAD, " node's own: 20=3 24=1 - why"], CODE);
    expect([read.suspended(20), read.suspended(24)]).toEqual([5, 3]);
    expect(() => read.suspended(22)).toThrow('22');
  });

  it('is read from every program of the corpus', () => {
    for (const read of readDumpPrograms()) for (const version of read.nodes) expect(expectedRows(read, version).length, read.name).toBeGreaterThan(0);
  });
});

describe('what a dump shows', () => {
  const read = program([...HEAD, '= 1 x outer@outer waits for timer (delayMs 60000), in flight'], CODE);
  const at = (line: number, column: number, file = read.file) => ({ file, line, column });
  const outer = frame({ function: 'outer', declared: at(4, 21), awaiting: at(5, 3) });
  const timer = { kind: 'timer', text: '', at: null, details: { delayMs: 60_000, dueInMs: 59_000 } } as const;

  it('is what the program must show, when it is right', () => {
    expect(shownRows(read, dump([group({ chain: [outer], waitsFor: timer, verdict: 'in flight' })], 2))).toEqual(expectedRows(read, 24));
  });

  it.each<[string, Partial<DumpGroup>]>([
    ['another count', { count: 2 }],
    ['another line', { chain: [{ ...outer, awaiting: at(6, 3) }] }],
    ['another column', { chain: [{ ...outer, awaiting: at(5, 4) }] }],
    ['another file', { chain: [{ ...outer, awaiting: at(5, 3, '/elsewhere.js') }] }],
    ['no line', { chain: [{ ...outer, awaiting: null }] }],
    ['another declaration', { chain: [{ ...outer, declared: at(5, 21) }] }],
    ['another name', { chain: [{ ...outer, function: 'inner' }] }],
    ['another kind', { chain: [{ ...outer, kind: 'async generator' }] }],
    ['repeats', { chain: [{ ...outer, repeats: 2 }] }],
    ['a frame more', { chain: [outer, frame({ function: 'inner' })] }],
    ['a combinator more', { chain: [outer, frame({ function: null, kind: 'combinator', origin: 'node', detail: 'Promise.all' })] }],
    ['another verdict', { verdict: 'orphan' }],
    ['no verdict', { verdict: null }],
    ['another wait', { waitsFor: { ...timer, kind: 'native' } }],
    ['another detail', { waitsFor: { ...timer, details: { delayMs: 1 } } }],
    ['a detail that is missing', { waitsFor: { ...timer, details: {} } }],
  ])('differs with %s', (_what, part) => {
    expect(shownRows(read, dump([group({ chain: [outer], waitsFor: timer, verdict: 'in flight', ...part })], 2))).not.toEqual(expectedRows(read, 24));
  });

  it('differs with a group more, with one less, with another number of suspended functions', () => {
    const right = group({ chain: [outer], waitsFor: timer, verdict: 'in flight' });
    expect(shownRows(read, dump([right, group({ verdict: 'stuck' })], 2))).not.toEqual(expectedRows(read, 24));
    expect(shownRows(read, dump([], 2))).not.toEqual(expectedRows(read, 24));
    expect(shownRows(read, dump([right], 3))).not.toEqual(expectedRows(read, 24));
  });

  it('leaves frames of Node out, and adds up the groups that then are alike', () => {
    const inside = (name: string) => frame({ function: name, origin: 'node', kind: 'async generator' });
    const groups = ['a', 'b'].map((name) => group({ chain: [outer, inside(name)], waitsFor: timer, verdict: 'in flight' }));
    expect(shownRows(read, dump(groups))[0]).toMatch(/^2 x async function outer \(4\) at 5:3 waits for timer/);
  });

  it('leaves groups of Node out where a program says so, but never an orphan', () => {
    const besides = program([...HEAD, ' besides: node - why'], CODE);
    const own = frame({ function: 'load', origin: 'node' });
    expect(shownRows(besides, dump([group({ chain: [own], verdict: 'in flight' })]))).toEqual(['suspended: 0']);
    expect(shownRows(besides, dump([group({ chain: [own], verdict: 'orphan' })]))).toHaveLength(2);
    expect(shownRows(read, dump([group({ chain: [own] })]))).toHaveLength(2);
  });
});
