import type { RawText } from '../../../../src/core/heap/heapAnalysis';

/** A text as it would be without sources: places are lines and scripts by their numbers, and addresses are left out. */
export function plainText(text: RawText): string {
  return text
    .map((part) => {
      if (typeof part === 'string') return part;
      if ('at' in part) return `line ${String(part.at.line)}`;
      if ('file' in part) return `script ${String(part.file.scriptId)}`;
      if ('function' in part) return part.function;
      if ('variable' in part) return part.show === 'name' ? part.variable : `script ${String(part.script)}`;
      return '';
    })
    .join('');
}
