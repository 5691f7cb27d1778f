/** The rows of the picker of processes. Pure: what stands in them comes from processes and is only ever shown. */
import { displayName } from '../../core/format/text';
import type { DiscoveredInspector, NodeProcess, ProcessList } from '../../protocol/lsp';
import { DEFAULT_TARGET } from '../contributions';
import { targetProblem } from './targetInput';

export interface TargetItem {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  readonly alwaysShow?: boolean;
  /** What choosing the row means; undefined for a heading, and for a row that only says why not. */
  readonly chosen?: ChosenTarget;
  /** A heading. */
  readonly isHeading?: true;
}

export interface ChosenTarget {
  readonly target: string;
  /** {@link NodeProcess.identity} */
  readonly identity?: string;
}

export interface Found {
  /** Undefined while they are being looked for. */
  readonly processes: ProcessList | undefined;
  readonly inspectors: readonly DiscoveredInspector[];
}

/** What is typed first, then processes by what it takes to attach to them, then inspectors of no known process. */
export function targetItems(typed: string, { processes, inspectors }: Found): readonly TargetItem[] {
  const rows = processes?.processes ?? [];
  const known = new Set(rows.map(({ access }) => (access.kind === 'open' ? access.address : '')));
  const others = inspectors.filter(({ target }) => !known.has(target));
  const of = (kind: NodeProcess['access']['kind']): TargetItem[] => rows.filter(({ access }) => access.kind === kind).map(processItem);
  const isAddress = targetProblem(typed) === undefined;
  const items: TargetItem[] = [
    ...(isAddress ? [typedItem(typed.trim())] : []),
    ...headed('inspector open', [...of('open'), ...others.map(inspectorItem)]),
    ...headed('running without an inspector', of('signal')),
    ...headed('cannot be attached to', of('refused')),
  ];
  if (![...known, ...others.map(({ target }) => target)].includes(DEFAULT_TARGET)) {
    const description = processes === undefined ? 'the default of node --inspect' : 'the default of node --inspect; nothing found there';
    items.push(...headed('by address', [{ label: `$(plug) ${DEFAULT_TARGET}`, description, chosen: { target: DEFAULT_TARGET } }]));
  }
  if (processes?.unavailable !== undefined) items.push({ label: '$(info) Running processes are not listed', detail: shown(processes.unavailable), alwaysShow: true });
  // Whoever types a script's name means to filter.
  if (!isAddress && typed.trim() !== '' && !items.some((item) => matches(item, typed.trim()))) items.push(typedItem(typed.trim()));
  return items;
}

function typedItem(typed: string): TargetItem {
  const problem = targetProblem(typed);
  const label = `$(plug) ${shown(typed)}`;
  if (problem === undefined) return { label, description: 'attach to this address', alwaysShow: true, chosen: { target: typed } };
  return { label, description: problem, alwaysShow: true };
}

function matches({ label, description, detail: more, isHeading }: TargetItem, typed: string): boolean {
  return isHeading !== true && [label, description, more].some((text) => text?.toLowerCase().includes(typed.toLowerCase()) === true);
}

function processItem({ pid, identity, name, cwd, access }: NodeProcess): TargetItem {
  const common = { label: `$(${access.kind === 'refused' ? 'circle-slash' : 'server-process'}) ${shown(name)}` };
  const chosen: ChosenTarget = { target: `pid:${pid}`, identity };
  switch (access.kind) {
    case 'open':
      return { ...common, description: `pid ${pid} · ${shown(access.address)}`, ...detail(cwd), chosen: { ...chosen } };
    case 'signal':
      return { ...common, description: `pid ${pid} · opens its inspector (SIGUSR1)`, ...detail(cwd), chosen };
    case 'refused':
      return { ...common, description: `pid ${pid}`, detail: shown(access.reason) };
  }
}

function inspectorItem({ target, title, description }: DiscoveredInspector): TargetItem {
  return { label: `$(server-process) ${shown(target)}`, description: shown(title), detail: shown(description), chosen: { target } };
}

function headed(label: string, items: readonly TargetItem[]): readonly TargetItem[] {
  return items.length === 0 ? [] : [{ label, isHeading: true }, ...items];
}

function detail(cwd: string | undefined): { readonly detail?: string } {
  return cwd === undefined ? {} : { detail: shown(cwd) };
}

/** Safe to show, and never one of VS Code's own icons. */
function shown(text: string): string {
  return displayName(text).replaceAll('$(', '$ (');
}
