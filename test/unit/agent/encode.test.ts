import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encode } from '../../../src/agent/encode.ts';
import type { Json } from '../../../src/agent/encode.ts';

test('what it writes, JSON reads back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(encode(value as Json))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('numbers that JSON does not have become 0, missing fields are left out', () => {
  expect(encode({ a: NaN, b: Infinity, c: undefined, d: [undefined] })).toBe('{"a":0,"b":0,"d":[null]}');
});

test('a program that gave its prototypes a toJSON is neither called nor believed', () => {
  const patched = Array.prototype as unknown as { toJSON?: () => string };
  patched.toJSON = () => {
    throw new Error('called');
  };
  try {
    expect(encode([1, { a: ['x'] }])).toBe('[1,{"a":["x"]}]');
  } finally {
    delete patched.toJSON;
  }
});
