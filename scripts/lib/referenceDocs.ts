/** Writes docs/settings.md and docs/commands.md from package.json, so that they cannot say anything else. Pure. */

interface Setting {
  readonly order: number;
  readonly type: string;
  readonly default: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly scope: string;
  readonly markdownDescription: string;
}

interface Menu {
  readonly command?: string;
  readonly submenu?: string;
  readonly when?: string;
}

/** The parts of package.json that are documented. */
export interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly category: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
    readonly keybindings: readonly { readonly command: string; readonly key: string; readonly mac?: string }[];
    readonly menus: Readonly<Record<string, readonly Menu[]>>;
    readonly submenus: readonly { readonly id: string; readonly label: string }[];
    readonly colors: readonly { readonly id: string; readonly description: string; readonly defaults: Readonly<Record<string, string>> }[];
  };
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] } };
}

/** What each command does, where its title does not say all. A command without a text fails the documents' test. */
export const COMMAND_TEXTS: Readonly<Record<string, string>> = {
  'asyncscope.attach': 'Lists running Node processes and local inspectors, or takes an address.',
  'asyncscope.detach': 'Takes the agent out of one process, or removes the row of one that has ended.',
  'asyncscope.detachAll': 'The same for all.',
  'asyncscope.pause': 'The figures stand still; counting goes on.',
  'asyncscope.resume': 'Shows the present figures again.',
  'asyncscope.setBaseline': 'From now on, changes are counted from this moment.',
  'asyncscope.sortByCount': 'Most tasks first.',
  'asyncscope.sortByAge': 'Oldest task first.',
  'asyncscope.sortByGrowth': 'Largest increase first.',
  'asyncscope.groupBySite': 'The plain list.',
  'asyncscope.groupByKind': 'Promises, timeouts, intervals, immediates, handles and requests, each with its total.',
  'asyncscope.groupByFile': 'A row for each file, with its total.',
  'asyncscope.groupByPackage': 'Your own code, each package and Node, each with its total.',
  'asyncscope.filter': 'Lists what a line of text asks for: see [filters](user-guide.md#filters).',
  'asyncscope.clearFilter': 'Lists everything again, also what is not new.',
  'asyncscope.showOnlyNew': 'Lists the sites that have more live tasks than at the baseline.',
  'asyncscope.showAll': 'Lists the others again.',
  'asyncscope.countPromises': 'Looks through the heap for promises that were pending before the attach, which stops the process, and counts them.',
  'asyncscope.takeHeapSnapshot': 'Writes and opens a heap snapshot.',
  'asyncscope.dump': 'Stops the process for a heap snapshot and shows every suspended function: see [the async dump](user-guide.md#the-async-dump).',
  'asyncscope.dumpFile': 'The same from a `.heapsnapshot` file, without what only the process could tell.',
  'asyncscope.dumpAgain': 'Takes the dump anew, of the same process or file.',
  'asyncscope.openAwaitGraph': 'Draws the dump as a [graph](user-guide.md#the-await-graph) beside the editor.',
  'asyncscope.filterDump': 'Lists the groups that have all words of a line: see [the async dump](user-guide.md#the-async-dump).',
  'asyncscope.clearDumpFilter': 'Lists all groups again.',
  'asyncscope.groupDumpByVerdict': 'What can never settle first, then what hangs, then what is under way.',
  'asyncscope.groupDumpByChain': 'One tree, from the outermost functions inwards.',
  'asyncscope.groupDumpByLeaf': 'Everything that waits for the same thing in one list.',
  'asyncscope.exportDump': 'The object that `asyncscope dump --json` prints, in a file readable by its owner only.',
  'asyncscope.clearDump': 'Forgets the dump, and takes its marks off the lines.',
  'asyncscope.copyDumpRow': 'Functions, what they wait for, verdict and holders, for people.',
  'asyncscope.copyDumpRowAsJson': 'The groups of the rows, as `asyncscope dump --json` has them; without a selection the whole dump.',
  'asyncscope.refresh': 'Draws the view now, and starts the server again when it was given up.',
  'asyncscope.showInternals': 'Shows the tasks of packages and of Node in one list with yours.',
  'asyncscope.foldInternals': 'Puts them into one row of their own.',
  'asyncscope.copySite': 'Figures and stack, for people.',
  'asyncscope.copyAsJson': 'The fields of [`asyncscope ps --json`](ps-format.md), with the process they belong to.',
  'asyncscope.copyAsFoldedStacks': 'A line for each stack, `outermost;…;innermost;[kind] count`, as flame graph tools read it.',
  'asyncscope.hideSite': 'Asks why, and keeps it in [`.asyncscope.json`](user-guide.md#hidden-sites).',
  'asyncscope.unhideSite': 'Takes its entry out of `.asyncscope.json`.',
  'asyncscope.openProjectFile': 'The file of the folder that is open, or the beginning of one.',
  'asyncscope.openSiteToSide': 'Opens the line of a site or frame beside the present editor.',
  'asyncscope.revealStack': 'Unfolds where a site was started from, and opens its innermost line.',
  'asyncscope.nextFrame': 'Goes one frame outwards along the stack and opens its line.',
  'asyncscope.previousFrame': 'Goes one frame inwards.',
  'asyncscope.openSettings': 'Opens the [settings](settings.md).',
  'asyncscope.showLog': 'Opens the log, "Asyncscope" in the Output panel.',
  'asyncscope.showActions': 'The menu that a click on the status bar opens.',
  'asyncscope.openWalkthrough': 'Opens the walkthrough.',
};

const NOTE = '<!-- Written by "npm run docs" from package.json. Edit that instead; a test compares the two. -->';

export function settingsPage({ contributes, capabilities }: Manifest): string {
  const settings = Object.entries(contributes.configuration.properties).sort(([, a], [, b]) => a.order - b.order);
  const restricted = capabilities.untrustedWorkspaces.restrictedConfigurations;
  const rows = settings.map(([key, setting]) => [`\`${key}\``, typeOf(setting), `\`${JSON.stringify(setting.default)}\``, setting.markdownDescription]);
  return page('Settings', [
    'In "Preferences: Open Settings", or by "Asyncscope: Open Settings".',
    table(['Setting', 'Value', 'Default', 'Meaning'], rows),
    `In a folder that is not trusted, its own settings cannot change ${restricted.map((key) => `\`${key}\``).join(', ')}.`,
    '## Colours',
    'For `workbench.colorCustomizations`.',
    table(['Colour', 'Where', 'Dark', 'Light'], contributes.colors.map(({ id, description, defaults }) => [`\`${id}\``, description, `\`${defaults['dark'] ?? ''}\``, `\`${defaults['light'] ?? ''}\``])),
  ]);
}

export function commandsPage(manifest: Manifest): string {
  const { commands, keybindings, menus } = manifest.contributes;
  const internal = new Set((menus['commandPalette'] ?? []).filter(({ when }) => when === 'false').map(({ command }) => command));
  const rows = commands
    .filter(({ command }) => !internal.has(command))
    .map(({ command, title, category }) => [
      `${category}: ${title}`,
      COMMAND_TEXTS[command] ?? '',
      `\`${command}\``,
      keybindings.filter((binding) => binding.command === command).map(({ key, mac }) => `${keyName(key)}${mac === undefined ? '' : ` (macOS ${keyName(mac)})`}`).join(', '),
      placesOf(command, manifest).join(', '),
    ]);
  return page('Commands', [
    'All are in the command palette. Keys work while their view, Live Tasks or Async Dump, has the focus, and not while one types in its find box; they can be changed in "Preferences: Open Keyboard Shortcuts". What is about rows takes the selected ones; copying takes everything that is listed when nothing is selected.',
    table(['Command', 'What it does', 'Id', 'Key', 'Also in'], rows),
  ]);
}

function typeOf({ type, enum: values, minimum, maximum }: Setting): string {
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  return minimum === undefined || maximum === undefined ? type : `${type}, ${String(minimum)} to ${String(maximum)}`;
}

/** `ctrl+shift+f` as `Ctrl+Shift+F`. */
function keyName(key: string): string {
  return key.split('+').map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('+');
}

function placesOf(command: string, { contributes: { menus, submenus } }: Manifest): readonly string[] {
  const has = (menu: string): boolean => (menus[menu] ?? []).some((item) => item.command === command);
  const places = [
    ...(has('view/title') ? ['title of the view'] : []),
    ...submenus.filter(({ id }) => has(id)).map(({ label }) => `title of the view, ${label}`),
    ...(has('view/item/context') ? ['menu of a row'] : []),
  ];
  return places;
}

function page(title: string, parts: readonly string[]): string {
  return `${[`# ${title}`, NOTE, ...parts].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
