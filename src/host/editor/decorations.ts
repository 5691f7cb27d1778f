/**
 * Marks on the lines of the editors that are visible: a picture in the gutter, the fast-changing number at the end of
 * the line, a mark on the overview ruler. Every decoration type is static and made on first use, so that no drawing
 * makes a style sheet.
 */
import * as vscode from 'vscode';
import type { TaskKind } from '../../core/model/task';
import { TASK_KINDS } from '../../core/model/task';
import type { Heat, LineMark } from '../../protocol/lsp';
import { DisposableStore } from '../base/disposable';
import type { Settings } from '../contributions';
import { COLORS } from '../contributions';
import type { RefreshScheduler, SurfaceHandle } from '../refreshScheduler';
import { markIcon } from './markFiles';
import { HEATS } from './markSvg';
import type { MarksModel } from './marksModel';

/** Space between the code and the text, in widths of a character. */
const TEXT_DISTANCE = '3ch';

/** What was put on one line. */
export interface AppliedMark {
  /** 0-based. */
  readonly line: number;
  readonly kind: TaskKind;
  readonly heat: Heat;
  readonly count: number;
  /** Undefined when end-of-line text is off. */
  readonly text: string | undefined;
  readonly gutter: boolean;
  readonly ruler: boolean;
}

export type MarkSettings = Pick<Settings, 'gutter' | 'endOfLineText' | 'overviewRuler'>;

export interface DecorationsOptions {
  readonly extensionUri: vscode.Uri;
  readonly marks: MarksModel;
  readonly scheduler: RefreshScheduler;
  readonly settings: () => MarkSettings;
}

export class Decorations implements vscode.Disposable {
  readonly #options: DecorationsOptions;
  readonly #store = new DisposableStore();
  readonly #types = new Map<string, vscode.TextEditorDecorationType>();
  readonly #applied = new Map<string, readonly AppliedMark[]>();
  readonly #surface: SurfaceHandle;

  constructor(options: DecorationsOptions) {
    this.#options = options;
    this.#surface = this.#store.add(options.scheduler.register({
      isVisible: () => vscode.window.visibleTextEditors.length > 0,
      draw: () => { this.#draw(); },
    }));
    const invalidate = (): void => { this.#surface.invalidate(); };
    this.#store.add(options.marks.onDidChange(invalidate));
    // An editor that comes into view has no decorations yet: waiting for the next update would look like a fault.
    this.#store.add(vscode.window.onDidChangeVisibleTextEditors(() => {
      this.#surface.invalidate();
      this.#surface.flush();
    }));
    this.#store.add(vscode.workspace.onDidCloseTextDocument((document) => {
      options.marks.delete(document.uri.toString());
      this.#applied.delete(document.uri.toString());
    }));
  }

  /** Settings changed: draw all anew. */
  invalidate(): void {
    this.#surface.invalidate();
  }

  /** What the editors of a document were last told to show. */
  applied(uri: vscode.Uri): readonly AppliedMark[] {
    return this.#applied.get(uri.toString()) ?? [];
  }

  dispose(): void {
    for (const type of this.#types.values()) type.dispose();
    this.#types.clear();
    this.#store.dispose();
  }

  #draw(): void {
    const settings = this.#options.settings();
    for (const editor of vscode.window.visibleTextEditors) {
      const uri = editor.document.uri.toString();
      const known = this.#options.marks.get(uri);
      // Marks for an older text would stand on wrong lines: the editor has moved the drawn ones with the edit already,
      // and marks for the new text are on their way.
      if (known !== undefined && known.version < editor.document.version) continue;
      const marks = (known?.marks ?? []).filter((mark) => mark.line < editor.document.lineCount);
      if (marks.length === 0 && !this.#applied.has(uri)) continue;
      this.#apply(editor, marks, settings);
      if (marks.length === 0) this.#applied.delete(uri);
      else this.#applied.set(uri, marks.map((mark) => appliedMark(mark, settings)));
    }
  }

  #apply(editor: vscode.TextEditor, marks: readonly LineMark[], settings: MarkSettings): void {
    const at = (mark: LineMark): vscode.Range => editor.document.lineAt(mark.line).range;
    for (const heat of HEATS) {
      const hot = marks.filter((mark) => mark.heat === heat);
      for (const kind of TASK_KINDS) {
        const ranges = settings.gutter ? hot.filter((mark) => mark.kind === kind).map((mark) => new vscode.Range(mark.line, 0, mark.line, 0)) : [];
        this.#set(editor, `gutter/${kind}/${String(heat)}`, ranges, () => this.#gutterType(kind, heat));
      }
      const ruler = settings.overviewRuler ? hot.map(at) : [];
      this.#set(editor, `ruler/${String(heat)}`, ruler, () => rulerType(heat));
      const texts = settings.endOfLineText
        ? hot.map((mark): vscode.DecorationOptions => ({ range: endOf(at(mark)), renderOptions: { after: { contentText: mark.text } } }))
        : [];
      this.#set(editor, `text/${String(heat)}`, texts, () => textType(heat));
    }
  }

  #set(
    editor: vscode.TextEditor,
    key: string,
    ranges: readonly vscode.Range[] | readonly vscode.DecorationOptions[],
    create: () => vscode.TextEditorDecorationType,
  ): void {
    let type = this.#types.get(key);
    if (type === undefined) {
      if (ranges.length === 0) return;
      type = create();
      this.#types.set(key, type);
    }
    editor.setDecorations(type, ranges);
  }

  #gutterType(kind: TaskKind, heat: Heat): vscode.TextEditorDecorationType {
    const { light, dark } = markIcon(this.#options.extensionUri, kind, heat);
    return vscode.window.createTextEditorDecorationType({
      gutterIconSize: '80%',
      light: { gutterIconPath: light },
      dark: { gutterIconPath: dark },
      rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    });
  }
}

function rulerType(heat: Heat): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    overviewRulerColor: new vscode.ThemeColor(COLORS.heat[heat]),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

function textType(heat: Heat): vscode.TextEditorDecorationType {
  // Only what is hot is coloured: a page full of coloured numbers says nothing.
  const color = new vscode.ThemeColor(heat >= 3 ? COLORS.heat[heat] : 'editorCodeLens.foreground');
  return vscode.window.createTextEditorDecorationType({
    after: { color, fontStyle: 'italic', margin: `0 0 0 ${TEXT_DISTANCE}` },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedOpen,
  });
}

function endOf(range: vscode.Range): vscode.Range {
  return new vscode.Range(range.end, range.end);
}

function appliedMark(mark: LineMark, settings: MarkSettings): AppliedMark {
  return {
    line: mark.line,
    kind: mark.kind,
    heat: mark.heat,
    count: mark.count,
    text: settings.endOfLineText ? mark.text : undefined,
    gutter: settings.gutter,
    ruler: settings.overviewRuler,
  };
}
