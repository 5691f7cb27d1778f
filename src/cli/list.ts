/** `asyncscope list`: the running Node processes, for people and for programs. */
import { displayName } from '../core/format/text';
import type { NodeProcess } from '../protocol/lsp';
import { escapeForTerminal } from './psFormat';
import { clipEnd, clipStart, displayWidth, pad } from './terminalText';

const GAP = '  ';
/** Terminal columns of a name and of a folder; longer ones are cut, at the end and at the start. `--json` has them whole. */
const NAME_COLUMNS_LIMIT = 40;
const FOLDER_COLUMNS_LIMIT = 48;

/** Lines, each ending with a newline. What comes from processes is stripped of what a terminal would act on. */
export function processTable(processes: readonly NodeProcess[]): string {
  if (processes.length === 0) return 'No Node process of yours runs here.\n';
  const rows = processes.map(({ pid, name, cwd, access }) => [
    String(pid),
    clipEnd(displayName(name), NAME_COLUMNS_LIMIT),
    clipStart(displayName(cwd ?? ''), FOLDER_COLUMNS_LIMIT),
    accessText(access),
  ]);
  const all = [['PID', 'NAME', 'FOLDER', 'ATTACH'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => displayWidth(row[column] ?? ''))));
  return all
    .map((row) => row.map((cell, column) => (column < 3 ? pad(cell, widths[column] ?? 0, column === 0 ? 'right' : 'left') : cell)).join(GAP).trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}

/** One JSON object a line: `pid`, `name`, `cwd`, and `access` with `kind` and `address` or `reason`. */
export function processesAsJson(processes: readonly NodeProcess[]): string {
  return processes.map(({ pid, name, cwd, access }) => `${escapeForTerminal(JSON.stringify({ pid, name, cwd: cwd ?? null, access }))}\n`).join('');
}

function accessText(access: NodeProcess['access']): string {
  switch (access.kind) {
    case 'open':
      return displayName(access.address);
    case 'signal':
      return 'opens its inspector (SIGUSR1)';
    case 'refused':
      return `no: ${displayName(access.reason)}`;
  }
}
