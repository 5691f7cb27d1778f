/** What each command is called with. */
import type { DumpFrameParams, RevealGroupsArguments, RevealSiteArguments } from '../../protocol/lsp';
import type { COMMANDS, CommandId } from '../contributions';
import type { DumpElement } from '../dump/dumpElements';
import type { TreeElement } from '../tree/liveTasksView';
import type { RowArguments } from './treeCommands';

export type DumpRowArguments = [element?: DumpElement, elements?: readonly DumpElement[]];

/** What VS Code hands to a command: a row of the tree from its menus, our own arguments from lenses and rows. */
interface CommandArguments extends Record<CommandId, readonly unknown[]> {
  /** An address, or nothing to ask for one. */
  [COMMANDS.attach]: [target?: unknown];
  [COMMANDS.detach]: [element?: TreeElement];
  [COMMANDS.pause]: [element?: TreeElement];
  [COMMANDS.resume]: [element?: TreeElement];
  [COMMANDS.setBaseline]: [element?: TreeElement];
  [COMMANDS.countPromises]: [element?: TreeElement];
  [COMMANDS.takeHeapSnapshot]: [element?: TreeElement];
  [COMMANDS.copySite]: RowArguments;
  [COMMANDS.copyAsJson]: RowArguments;
  [COMMANDS.copyAsFoldedStacks]: RowArguments;
  [COMMANDS.hideSite]: [element?: TreeElement, elements?: readonly TreeElement[], reason?: unknown];
  /** A filter, or nothing to ask for one. */
  [COMMANDS.filter]: [filter?: unknown];
  [COMMANDS.unhideSite]: RowArguments;
  [COMMANDS.revealStack]: RowArguments;
  [COMMANDS.openSiteToSide]: RowArguments;
  /** From a row, or from a row's menu. */
  [COMMANDS.openSite]: [site: RevealSiteArguments | TreeElement];
  [COMMANDS.openFrame]: [site: RevealSiteArguments, index: number];
  [COMMANDS.revealSite]: [site: RevealSiteArguments];
  [COMMANDS.dump]: [element?: TreeElement];
  /** A path, or nothing to ask for one. */
  [COMMANDS.dumpFile]: [file?: unknown];
  [COMMANDS.dumpAgain]: [element?: DumpElement];
  [COMMANDS.openAwaitGraph]: [element?: DumpElement];
  /** A filter, or nothing to ask for one. */
  [COMMANDS.filterDump]: [filter?: unknown];
  [COMMANDS.exportDump]: [element?: DumpElement];
  [COMMANDS.clearDump]: [element?: DumpElement];
  [COMMANDS.copyDumpRow]: DumpRowArguments;
  [COMMANDS.copyDumpRowAsJson]: DumpRowArguments;
  /** From a row, or from a row's menu. */
  [COMMANDS.openDumpRow]: [element?: Pick<DumpElement, 'row'>];
  [COMMANDS.openDumpRowToSide]: [element?: Pick<DumpElement, 'row'>];
  [COMMANDS.openDeclaration]: [element?: Pick<DumpElement, 'row'>];
  /** From rows, or from a link in a hover. */
  [COMMANDS.showInGraph]: DumpRowArguments | [groups: RevealGroupsArguments];
  /** From a row's menu, or from a link in a hover. */
  [COMMANDS.showVariables]: [target?: DumpFrameParams | DumpElement];
  [COMMANDS.revealGroups]: [groups: RevealGroupsArguments];
}

export type CommandTable = { readonly [K in CommandId]: (...args: CommandArguments[K]) => Promise<void> };
