/**
 * JSON without `toJSON`: a program may have put such a method on `Array.prototype` or `Object.prototype`, and
 * `JSON.stringify` would run it. Strings are safe: JSON.stringify looks for `toJSON` on objects only.
 */

const { stringify } = JSON;
const { isArray } = Array;
const { keys } = Object;
const { isFinite } = Number;

/** An interface, as a type alias of a record could not name itself. */
interface JsonRecord {
  readonly [name: string]: Json;
}

export type Json = string | number | boolean | null | undefined | readonly Json[] | JsonRecord;

export function encode(value: Json): string {
  if (typeof value === 'string') return stringify(value);
  if (typeof value === 'number') return isFinite(value) ? `${value}` : '0';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value === null || value === undefined) return 'null';
  let out = '';
  if (isArray(value)) {
    const list = value as readonly Json[];
    for (let i = 0; i < list.length; i++) out += (i === 0 ? '' : ',') + encode(list[i]);
    return `[${out}]`;
  }
  const record = value as Readonly<Record<string, Json>>;
  const names = keys(record);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const field = record[name];
    if (field === undefined) continue;
    out += (out === '' ? '' : ',') + stringify(name) + ':' + encode(field);
  }
  return `{${out}}`;
}
