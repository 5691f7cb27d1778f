import { describe, expect, test } from 'vitest';
import { HeapIndex } from '../../../../src/core/heap/heapIndex';
import { Realm } from '../../../../src/core/heap/realm';
import { snapshot, type BuiltNode, type SnapshotBuilder } from './snapshotBuilder';

function realmOf(builder: SnapshotBuilder): Realm {
  const graph = builder.graph();
  return new Realm(graph, new HeapIndex(graph));
}

describe('is known by how each version of V8 writes it', () => {
  const builder = snapshot();
  const globals = ['global', 'global / ', 'global (global) / ', 'global (global*) / '].map((name) => builder.object(name));
  const processes = ['process', 'process / ', 'process (internal cache) / '].map((name) => builder.object(name));
  const contexts = ['system / NativeContext', 'system / NativeContext / '].map((name) => builder.hidden(name));
  const others = ['globalAgent', 'global.cache', 'processor', 'Object (process) / '].map((name) => builder.object(name));
  others.push(builder.string('global'), builder.closure('process'), builder.object('system / Context'), builder.hidden('system / ScriptContext'));
  const realm = realmOf(builder);
  const all = [...globals, ...processes, ...contexts, ...others];

  test.each([
    ['the global object', globals, (node: BuiltNode) => realm.isGlobal(node.index)],
    ['process', processes, (node: BuiltNode) => realm.isProcess(node.index)],
    ['the realm', contexts, (node: BuiltNode) => realm.isRealm(node.index)],
  ])('%s', (_what, expected, is) => {
    expect(all.filter(is).map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
  });
});

describe('a scope', () => {
  const builder = snapshot();
  const native = builder.hidden('system / NativeContext');
  const scopeWithin = (outer: BuiltNode): BuiltNode => builder.functionContext().internal('previous', outer);
  /** The scope of a call of a function that code names as one of its constants. */
  const functionScope = (outer: BuiltNode): BuiltNode => {
    const scopeInfo = builder.hidden('system / ScopeInfo');
    builder.array('(constant pool)').internal('0', builder.code('wrapper').internal('name_or_scope_info', scopeInfo));
    return scopeWithin(outer).internal('scope_info', scopeInfo);
  };
  const file = scopeWithin(native).internal('scope_info', builder.hidden('system / ScopeInfo'));
  for (let i = 0; i < 3_000; i++) file.edges.unshift({ type: 'context', name: `variable${String(i)}`, to: native });
  const scopes = {
    file,
    'in a script that is no module': scopeWithin(builder.hidden('system / ScriptContext').internal('previous', native)),
    'around everything in a file': functionScope(native),
    'in a file': functionScope(file),
    'of a builtin': builder.functionContext(),
  };
  const realm = realmOf(builder);
  const namesOf = (is: (node: BuiltNode) => boolean): string[] => Object.entries(scopes).flatMap(([name, scope]) => (is(scope) ? [name] : []));

  test('is the outermost when only the realm is around it', () => {
    expect(namesOf(({ index }) => realm.isOutermostScope(index))).toEqual(['file', 'in a script that is no module', 'around everything in a file']);
  });

  test("is a file's own when no code of the file has its function among its constants", () => {
    expect(namesOf(({ index }) => realm.isFileScope(index))).toEqual(['file', 'in a script that is no module']);
  });
});
