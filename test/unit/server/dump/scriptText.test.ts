/** What the text of a script tells: lines of functions with a single await, names of functions, and where variables are declared. */
import { describe, expect, test } from 'vitest';
import { declarationKey, readScriptText, readScriptTexts, variableKey } from '../../../../src/server/dump/scriptText';
import type { ScriptFiles, ScriptTexts } from '../../../../src/server/dump/scriptText';
import type { ScriptPosition } from '../../../../src/core/heap/heapGraph';
import { SCRIPT, analysis, frame, group } from './rawDump';

/** Where `@` stands in the text, which is taken out, a function is declared. */
function find(marked: string): string[] {
  const declared = [...marked.matchAll(/@/g)].map(({ index }) => {
    const lines = marked.slice(0, index).replace(/@/g, '').split('\n');
    return { scriptId: SCRIPT, line: lines.length - 1, column: lines.at(-1)?.length ?? 0 };
  });
  return [...(read(marked.replace(/@/g, ''), declared)?.singles ?? [])].map(([key, { line, column }]) => `${key} ${line}:${column}`);
}

function read(text: string, suspended: readonly ScriptPosition[], variables: readonly string[] = []): ScriptTexts | undefined {
  const functions = new Map(suspended.map((at) => [declarationKey(at), at]));
  return readScriptText(text, SCRIPT, { suspended: functions, functions, variables: new Set(variables) });
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
    expect(read('async function f() { await 1; }', [{ scriptId: 1, line: 0, column: 16 }, { scriptId: 1, line: 9, column: 0 }])).toBeUndefined();
    expect(read('function f() { g(); }', [{ scriptId: 1, line: 0, column: 10 }])).toBeUndefined();
  });
});

test('files that were touched since the process began, that are none or no JavaScript say nothing', async () => {
  const text = 'async function f() { await 1; }';
  const files = (changed: number, content = text): ScriptFiles => ({ read: () => Promise.resolve(content), changedAt: () => Promise.resolve(changed) });
  const groups = [group([frame('f', 0, { declared: { scriptId: SCRIPT, line: 0, column: 16 } })], [[1, 2]])];
  const scripts = new Map([[SCRIPT, '/app/f.js']]);
  const singles = async (of: Parameters<typeof readScriptTexts>[0], each: ScriptFiles) => (await readScriptTexts(of, 100, each)).singles;
  expect([...(await singles(analysis(groups, { scripts }), files(99)))]).toEqual([['1:0:16', { scriptId: SCRIPT, line: 0, column: 21 }]]);
  expect((await singles(analysis(groups, { scripts }), files(100))).size).toBe(0);
  expect((await singles(analysis(groups, { scripts }), files(99, 'let x: number;'))).size).toBe(0);
  expect((await singles(analysis(groups, { scripts }), files(99, `\ufeff${text}`))).size).toBe(0);
  expect((await singles(analysis(groups, { scripts: new Map([[SCRIPT, 'evalmachine.<anonymous>']]) }), files(99))).size).toBe(0);
  expect((await singles(analysis(groups, { scripts }), { read: () => Promise.reject(new Error('ENOENT')), changedAt: () => Promise.reject(new Error('ENOENT')) })).size).toBe(0);
});

describe('the name of a function', () => {
  test.each([
    ['async function a@() { await 1; }', 'a at 0:15'],
    ['const a = async @() => { await 1; };', 'a at 0:6'],
    ['let a;\na = async function @() { await 1; };', 'a at 1:0'],
    ['const o = { a: async @() => { await 1; } };', 'a at 0:12'],
    ['const a = async function b@() { await 1; };', 'b at 0:25'],
    ['class A { async b@() { await 1; } }', 'A at 0:6, b at 0:16'],
    ['const A = class { static b = async @() => { await 1; }; };', 'A at 0:6, b at 0:25'],
    ['class A { async [b]@() { await 1; } }', 'none'],
    ['f(async @() => { await 1; });', 'none'],
    ['class A { b() { return async @() => { await 1; }; } }', 'none'],
  ])('in %j', (marked, expected) => {
    const offset = marked.indexOf('@');
    const lines = marked.slice(0, offset).split('\n');
    const at = { scriptId: SCRIPT, line: lines.length - 1, column: lines.at(-1)?.length ?? 0 };
    const found = read(marked.replace('@', ''), [at])?.names.get(declarationKey(at));
    const parts = [found?.class, found?.own].flatMap((each) => (each ? [`${each.name} at ${each.at.line}:${each.at.column}`] : []));
    expect(parts.join(', ') || 'none').toBe(expected);
  });
});

test.each([
  ['const a = 1;\nfunction f() { const a = 2; }', '0:6'],
  ['class a {}', '0:6'],
  ['(() => { var a = new Map(); function f(b) { return a; } })();', '0:13'],
  ['function f() { var a; }\nfunction g() { var a; }', 'none'],
  ['function f() { return a; }', 'none'],
])('the variable a of the file is declared in %j', (text, expected) => {
  const at = read(text, [], ['a'])?.variables.get(variableKey(SCRIPT, 'a'));
  expect(at === undefined ? 'none' : `${at.line}:${at.column}`).toBe(expected);
});

test('a script that spares no look-up is read for its names only where a map may tell others', async () => {
  const mapped = 'const a = () => 1;\n//# sourceMappingURL=f.js.map';
  const read: string[] = [];
  const files = (text: string): ScriptFiles => ({
    read: (path) => {
      read.push(path);
      return Promise.resolve(text);
    },
    changedAt: () => Promise.resolve(1),
  });
  const groups = [group([frame('a', 0, { kind: 'then', declared: { scriptId: SCRIPT, line: 0, column: 10 } })], [[0, 2]])];
  const names = async (script: string, text: string) => [...(await readScriptTexts(analysis(groups, { scripts: new Map([[SCRIPT, script]]) }), 100, files(text))).names.values()].map(({ own }) => own.name);
  expect(await names('/app/f.js', mapped)).toEqual(['a']);
  expect(await names('/app/f.js', 'const a = () => 1;')).toEqual([]);
  expect(read).toHaveLength(2);
  expect(await names('/app/node_modules/x/f.js', mapped)).toEqual([]);
  expect(read).toHaveLength(2);
});
