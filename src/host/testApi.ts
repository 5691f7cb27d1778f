/**
 * What `activate` returns. It is there for end-to-end tests, which cannot see decorations, badges and status bar items
 * through VS Code's API; it is not an interface for other extensions and may change at any time.
 */
import type * as vscode from 'vscode';
import type { ServerState } from './client/serverClient';
import type { ViewState } from './contributions';
import type { HeldDump } from './dump/dumpStore';
import type { DumpRow } from './dump/dumpTree';
import type { AppliedMark, AppliedSuspendedMark } from './editor/decorations';
import type { Session } from './sessions/sessionStore';
import type { StatusText } from './statusBar/statusText';
import type { TreeRow } from './tree/treeModel';

export interface AsyncscopeTestApi {
  /** Every session as last reported. */
  sessions(): readonly Session[];
  /** All rows of the tree, also of what is folded, with what was last drawn around them. */
  tree(): {
    readonly rows: readonly TreeRow[];
    readonly badge: number | undefined;
    readonly message: string | undefined;
    readonly description: string | undefined;
    /** How long the last drawing took, in milliseconds. */
    readonly drawMs: number;
  };
  /** What was put on the lines of a document. */
  marksOf(uri: vscode.Uri): readonly AppliedMark[];
  /** The same for where functions stood suspended at the last dump. */
  suspendedMarksOf(uri: vscode.Uri): readonly AppliedSuspendedMark[];
  /** The dumps that are kept, the last one first. */
  dumps(): readonly HeldDump[];
  /** The outermost rows of "Async Dump", and what stands around them. */
  dumpTree(): { readonly rows: readonly DumpRow[]; readonly message: string | undefined; readonly description: string | undefined };
  /** The dump that the await graph was sent; undefined while there is none on the screen. */
  graphDump(): string | undefined;
  /** The status bar item; undefined while it is hidden. */
  status(): StatusText | undefined;
  serverState(): ServerState;
  /** Process id of the running server. */
  serverPid(): number | undefined;
  viewState(): ViewState;
}
