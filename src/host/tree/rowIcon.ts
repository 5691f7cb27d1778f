import type { TaskKind } from '../../core/model/task';
import type { Heat } from '../../protocol/lsp';

/** A picture in front of a row: one of VS Code's own icons, or the mark of a kind as it stands in the gutter. */
export type RowIcon =
  | { readonly type: 'theme'; readonly id: string; readonly color?: string }
  | { readonly type: 'mark'; readonly kind: TaskKind; readonly heat: Heat };
