import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TASK_KINDS } from '../../../src/core/model/task';
import { VERDICTS_AND_NONE } from '../../../src/core/format/dumpText';
import { BACKGROUNDS, HEATS, markFile, markSvg, suspendedFile, suspendedSvg, tint, verdictTint } from '../../../src/host/editor/markSvg';

const ROOT = join(__dirname, '../../..');
const marks = BACKGROUNDS.flatMap((background) => [
  ...TASK_KINDS.flatMap((kind) => HEATS.map((heat) => ({ file: markFile(kind, heat, background), svg: markSvg(kind, heat, background) }))),
  ...VERDICTS_AND_NONE.map((verdict) => ({ file: suspendedFile(verdict, background), svg: suspendedSvg(verdict, background) })),
]);

describe('marks', () => {
  it('stand in media/gutter as they are drawn (UPDATE_MARKS=1 writes them)', () => {
    for (const { file, svg } of marks) {
      const path = join(ROOT, file);
      if (process.env['UPDATE_MARKS'] === '1') {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, svg);
      }
      expect(readFileSync(path, 'utf8'), file).toBe(svg);
    }
  });

  it('leaves no file behind that nothing draws', () => {
    const files = BACKGROUNDS.flatMap((background) => readdirSync(join(ROOT, 'media/gutter', background)).map((name) => `media/gutter/${background}/${name}`));
    expect(files.sort()).toEqual(marks.map(({ file }) => file).sort());
  });

  it('differ from one another', () => {
    expect(new Set(marks.map(({ svg }) => svg)).size).toBe(marks.length);
  });

  it.each([
    ['dark', '#1f1f1f'],
    ['dark', '#000000'],
    ['light', '#ffffff'],
  ] as const)('are legible on %s backgrounds (%s)', (background, color) => {
    for (const heat of HEATS) expect(contrast(tint(background, heat), color)).toBeGreaterThanOrEqual(3);
    for (const verdict of VERDICTS_AND_NONE) expect(contrast(verdictTint(background, verdict), color), String(verdict)).toBeGreaterThanOrEqual(3);
  });
});

/** WCAG 2 contrast ratio. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const channel = (at: number): number => {
    const value = parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}
