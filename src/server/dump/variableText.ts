/** Values of a process as a debugger prints them. Everything in them is the process's own: data. */
import { clip } from '../../core/format/text';
import type { DumpVariable } from '../../protocol/lsp';
import type { RemoteValue } from '../../cdp/remoteValue';
import type { RemoteVariable } from '../../cdp/target';

/** UTF-16 units of a value's text, and of a name. What is longer is cut, and the cut is visible. */
export const VALUE_TEXT_LIMIT = 500;
const NAME_TEXT_LIMIT = 200;

export function variableOf({ name, value, accessor }: RemoteVariable): DumpVariable {
  const shown = clip(name, NAME_TEXT_LIMIT);
  if (value === null) return { name: shown, value: accessor ? '(…)' : '', type: accessor ? 'accessor' : '', reference: null };
  return { name: shown, value: clip(textOf(value), VALUE_TEXT_LIMIT), type: value.subtype ?? value.type, reference: value.objectId ?? null };
}

function textOf(value: RemoteValue): string {
  switch (value.type) {
    case 'string':
      return typeof value.value === 'string' ? quoted(value.value) : (value.description ?? '');
    case 'function':
      return functionText(value.description ?? '');
    case 'object':
      return value.subtype === 'null' ? 'null' : objectText(value);
    default:
      return value.unserializableValue ?? value.description ?? String(value.value);
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r')}'`;
}

/** `ƒ load(id)`, `class Order`. */
function functionText(source: string): string {
  const [head = ''] = source.split(/\s*(?:\{|=>)/, 1);
  return /^\s*class\b/.test(head) ? firstLine(head) : `ƒ ${firstLine(head.replace(/^\s*((?:async\s+)?)function\b\s*/, '$1'))}`.trim();
}

function objectText({ subtype, className = 'Object', description = className, preview }: RemoteValue): string {
  if (preview === undefined || subtype === 'error' || subtype === 'date' || subtype === 'regexp') return firstLine(description);
  const more = preview.overflow ? ['…'] : [];
  if (preview.entries.length > 0) {
    const entries = preview.entries.map(({ key, value }) => (key === undefined ? previewText(value) : `${previewText(key)} => ${previewText(value)}`));
    return `${description} {${[...entries, ...more].join(', ')}}`;
  }
  if (subtype === 'array' || subtype === 'typedarray') return `${description} [${[...preview.properties.map(previewText), ...more].join(', ')}]`;
  const properties = preview.properties.map((each) => `${each.name}: ${previewText(each)}`);
  return `${description === 'Object' ? '' : `${firstLine(description)} `}{${[...properties, ...more].join(', ')}}`;
}

function previewText({ type, subtype, value, description = value ?? '' }: { readonly type: string; readonly subtype?: string | undefined; readonly value?: string | undefined; readonly description?: string | undefined }): string {
  if (type === 'string') return quoted(description);
  if (type === 'function') return 'ƒ';
  if (type === 'accessor') return '(…)';
  if (type === 'object' && subtype === undefined && (description === 'Object' || description === '')) return '{…}';
  return description;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
