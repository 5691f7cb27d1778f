/** Reads what a program of the truth corpus must show from its own lines, and what the model shows of it. */
import { readFileSync } from 'node:fs';
import type { SessionModel } from '../../src/core/model/sessionModel.ts';

/** `file:line kind` and how many; several sites on one line stand in one entry each, sorted. */
export type Picture = readonly string[];

export function expectedPicture(files: readonly string[]): Picture {
  const rows: string[] = [];
  for (const file of files) {
    const lines = readFileSync(file, 'utf8').split('\n');
    lines.forEach((text, index) => {
      const expectation = /\/\/= (.+)$/.exec(text)?.[1];
      if (expectation === undefined) return;
      for (const part of expectation.split(', ')) {
        const [count, kind] = part.trim().split(' ');
        rows.push(row(file, index + 1, kind ?? '', Number(count)));
      }
    });
  }
  return rows.sort();
}

/** The sites of the user's own code that have live tasks. */
export function shownPicture(model: SessionModel): Picture {
  const rows: string[] = [];
  for (const site of model.sites()) {
    if (site.origin === 'app' && site.count > 0) rows.push(row(site.file ?? '?', site.line, site.kind, site.count));
  }
  return rows.sort();
}

function row(file: string, line: number, kind: string, count: number): string {
  return `${file.replace(/^.*[\\/]/, '')}:${String(line).padStart(3)} ${kind} ${count}`;
}
