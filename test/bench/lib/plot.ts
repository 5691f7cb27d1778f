/** A plot as SVG: panels one below the other, over the same minutes. Follows the reader's colour scheme. */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Series[];
  /** In the colours of the lines of the same names. */
  readonly dots?: readonly Series[];
}

const WIDTH = 780;
const PANEL_HEIGHT = 230;
const MARGIN = { left: 80, right: 20, top: 46, bottom: 34 } as const;
const TICKS = 4;

/** @param panels over minutes */
export function drawPlot(panels: readonly Panel[]): string {
  const height = panels.length * PANEL_HEIGHT;
  const end = Math.max(1, ...panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([x]) => x))));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">
<style>
svg { background: #ffffff; color: #24292f; } text { fill: currentColor; } .grid { stroke: #d0d7de; }
.c0 { stroke: #0969da; fill: #0969da; } .c1 { stroke: #bc4c00; fill: #bc4c00; } .c2 { stroke: #1a7f37; fill: #1a7f37; } .c3 { stroke: #8250df; fill: #8250df; }
.line { fill: none; stroke-width: 1.5; } .dot { stroke: none; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; color: #e6edf3; } .grid { stroke: #30363d; }
.c0 { stroke: #58a6ff; fill: #58a6ff; } .c1 { stroke: #f0883e; fill: #f0883e; } .c2 { stroke: #3fb950; fill: #3fb950; } .c3 { stroke: #bc8cff; fill: #bc8cff; }
.line { fill: none; } .dot { stroke: none; }
}
</style>
<rect width="${WIDTH}" height="${height}" fill="none"/>
${panels.map((panel, index) => drawPanel(panel, index * PANEL_HEIGHT, end)).join('\n')}
</svg>
`;
}

function drawPanel({ title, unit, lines, dots = [] }: Panel, top: number, end: number): string {
  const values = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const step = niceStep(Math.max(...values, 0.001) / TICKS);
  const highest = step * TICKS;
  const bottom = top + PANEL_HEIGHT - MARGIN.bottom;
  const x = (minute: number): string => (MARGIN.left + (minute / end) * (WIDTH - MARGIN.left - MARGIN.right)).toFixed(1);
  const y = (value: number): string => (bottom - (Math.max(0, value) / highest) * (PANEL_HEIGHT - MARGIN.top - MARGIN.bottom)).toFixed(1);
  const out = [`<text x="${MARGIN.left}" y="${top + 18}" font-weight="600">${escaped(title)}</text>`];
  for (let tick = 0; tick <= TICKS; tick++) {
    const value = step * tick;
    out.push(`<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}"/>`);
    out.push(`<text x="${MARGIN.left - 8}" y="${y(value)}" dy="4" text-anchor="end">${Number(value.toPrecision(4)).toLocaleString('en')}${tick === TICKS ? ` ${unit}` : ''}</text>`);
  }
  const minutes = niceStep(end / 6);
  for (let minute = 0; minute <= end; minute += minutes) {
    out.push(`<text x="${x(minute)}" y="${bottom + 18}" text-anchor="middle">${Number(minute.toPrecision(4))}${minute === 0 ? ' min' : ''}</text>`);
  }
  let left = MARGIN.left;
  for (const [index, { name, points }] of lines.entries()) {
    out.push(`<polyline class="line c${index % 4}" points="${points.map(([at, value]) => `${x(at)},${y(value)}`).join(' ')}"/>`);
    out.push(`<line class="c${index % 4}" stroke-width="3" x1="${left}" x2="${left + 16}" y1="${top + 32}" y2="${top + 32}"/>`);
    out.push(`<text x="${left + 21}" y="${top + 36}">${escaped(name)}</text>`);
    // about what the text takes: it cannot be measured here
    left += 44 + name.length * 6.5;
  }
  for (const { name, points } of dots) {
    const index = lines.findIndex((line) => line.name === name);
    for (const [at, value] of points) out.push(`<circle class="dot c${index % 4}" r="3" cx="${x(at)}" cy="${y(value)}"/>`);
  }
  return out.join('\n');
}

/** The next of 1, 2, 5, 10, … that is not below. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least) ?? least;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
