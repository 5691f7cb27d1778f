/** Lines of functions with a single await, out of the text of their script. */
import { describe, expect, test } from 'vitest';
import { findSingleAwaits, singleAwaitsIn } from '../../../../src/server/dump/singleAwaits';
import type { ScriptFiles } from '../../../../src/server/dump/singleAwaits';
import { SCRIPT, frame, group } from './rawDump';

/** Where `@` stands in the text, which is taken out, a function is declared. */
function find(marked: string): string[] {
  const declared = [...marked.matchAll(/@/g)].map(({ index }) => {
    const lines = marked.slice(0, index).replace(/@/g, '').split('\n');
    return { scriptId: SCRIPT, line: lines.length - 1, column: lines.at(-1)?.length ?? 0 };
  });
  return [...singleAwaitsIn(marked.replace(/@/g, ''), declared)].map(([key, { line, column }]) => `${key} ${line}:${column}`);
}

describe('a function', () => {
  test.each([
    ['async function load@(id) {\n  await query(id);\n}', ['1:0:19 1:2']],
    ['const f = async @() => await x;', ['1:0:16 0:22']],
    ['class A {\n  async m@() { return await x; }\n  static async #s@() { await x; }\n}', ['1:1:9 1:21', '1:2:17 2:22']],
    ['const o = { async [k]@() { await x; } };', ['1:0:21 0:26']],
    ['async function f@(a = async @() => await 1) { await 2; }', ['1:0:16 0:44', '1:0:27 0:33']],
    ['async function f@() { await 1; await 2; }', []],
    ['async function f@() { const g = async () => await 1; await g(); }', ['1:0:16 0:52']],
    ['async function f@() { for await (const x of y) z(x); }', []],
    ['async function f@() { "await"; /* await */ await 1; }', ['1:0:16 0:42']],
    ['#!/usr/bin/env node\nasync function f@() { await 1; }', ['1:1:16 1:21']],
    ['async function f@() { await 1; }\nreturn;', ['1:0:16 0:21']],
    ['with (x) { async function f@() { await 1; } }', ['1:0:27 0:32']],
  ])('in %j', (text, expected) => {
    expect(find(text)).toEqual(expected);
  });

  test('that is not where the heap says makes the whole text another', () => {
    expect(singleAwaitsIn('async function f() { await 1; }', [{ scriptId: 1, line: 0, column: 16 }, { scriptId: 1, line: 9, column: 0 }]).size).toBe(0);
    expect(singleAwaitsIn('function f() { g(); }', [{ scriptId: 1, line: 0, column: 10 }]).size).toBe(0);
  });
});

test('files that were touched since the process began, that are none or no JavaScript say nothing', async () => {
  const text = 'async function f() { await 1; }';
  const files = (changed: number, content = text): ScriptFiles => ({ read: () => Promise.resolve(content), changedAt: () => Promise.resolve(changed) });
  const groups = [group([frame('f', 0, { declared: { scriptId: SCRIPT, line: 0, column: 16 } })], [[1, 2]])];
  const scripts = new Map([[SCRIPT, '/app/f.js']]);
  expect([...(await findSingleAwaits(groups, scripts, 100, files(99)))]).toEqual([['1:0:16', { scriptId: SCRIPT, line: 0, column: 21 }]]);
  expect((await findSingleAwaits(groups, scripts, 100, files(100))).size).toBe(0);
  expect((await findSingleAwaits(groups, scripts, 100, files(99, 'let x: number;'))).size).toBe(0);
  expect((await findSingleAwaits(groups, scripts, 100, files(99, `\ufeff${text}`))).size).toBe(0);
  expect((await findSingleAwaits(groups, new Map([[SCRIPT, 'evalmachine.<anonymous>']]), 100, files(99))).size).toBe(0);
  expect((await findSingleAwaits(groups, scripts, 100, { read: () => Promise.reject(new Error('ENOENT')), changedAt: () => Promise.reject(new Error('ENOENT')) })).size).toBe(0);
});
