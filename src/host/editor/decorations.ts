/**
 * Marks on the lines of the editors that are visible: a picture in the gutter, the fast-changing number at the end of
 * the line, a mark on the overview ruler. Every decoration type is static and made on first use, so that no drawing
 * makes a style sheet.
 */
import * as vscode from 'vscode';
import type { TaskKind } from '../../core/model/task';
import { VERDICTS_AND_NONE } from '../../core/format/dumpText';
import type { Verdict } from '../../core/model/dump';
import { TASK_KINDS } from '../../core/model/task';
import type { Heat, LineMark, SuspendedMark } from '../../protocol/lsp';
import { DisposableStore } from '../base/disposable';
import type { Settings } from '../contributions';
import { COLORS } from '../contributions';
import type { RefreshScheduler, SurfaceHandle } from '../refreshScheduler';
import { markIcon, suspendedIcon } from './markFiles';
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

/** The same for where functions stood suspended at the last dump. */
export interface AppliedSuspendedMark extends Pick<AppliedMark, 'line' | 'count' | 'text' | 'gutter' | 'ruler'> {
  readonly verdict: Verdict | null;
}

export type MarkSettings = Pick<Settings, 'gutter' | 'endOfLineText' | 'overviewRuler' | 'suspendedMarks'>;

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
  readonly #suspended = new Map<string, readonly AppliedSuspendedMark[]>();
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
      // "closed" also when it is given another language: its editors still show what was drawn
      if (vscode.window.visibleTextEditors.some((editor) => editor.document.uri.toString() === document.uri.toString())) return;
      this.#applied.delete(document.uri.toString());
      this.#suspended.delete(document.uri.toString());
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

  /** The same for where functions stood suspended. */
  appliedSuspended(uri: vscode.Uri): readonly AppliedSuspendedMark[] {
    return this.#suspended.get(uri.toString()) ?? [];
  }

  dispose(): void {
    for (const type of this.#types.values()) type.dispose();
    this.#types.clear();
    this.#store.dispose();
  }

  #draw(): void {
    const settings = this.#options.settings();
    const applied = new Map<string, readonly AppliedMark[]>();
    const appliedSuspended = new Map<string, readonly AppliedSuspendedMark[]>();
    for (const editor of vscode.window.visibleTextEditors) {
      const uri = editor.document.uri.toString();
      const known = this.#options.marks.get(uri);
      // Marks for an older text would stand on wrong lines: the editor has moved the drawn ones with the edit already,
      // and marks for the new text are on their way.
      if (known !== undefined && known.version < editor.document.version) continue;
      const marks = (known?.marks ?? []).filter((mark) => mark.line < editor.document.lineCount);
      const suspended = settings.suspendedMarks ? (known?.suspended ?? []).filter((mark) => mark.line < editor.document.lineCount) : [];
      if (marks.length > 0 || this.#applied.has(uri)) {
        // There is room for one picture: what stands still there says more than that something begins there.
        const taken = new Set(settings.gutter ? suspended.map(({ line }) => line) : []);
        this.#apply(editor, marks, taken, settings);
        applied.set(uri, marks.map((mark) => appliedMark(mark, taken, settings)));
      }
      if (suspended.length > 0 || this.#suspended.has(uri)) {
        this.#applySuspended(editor, suspended, settings);
        appliedSuspended.set(uri, suspended.map((mark) => appliedSuspendedMark(mark, settings)));
      }
    }
    // only now: the same document may stand in several editors
    keep(this.#applied, applied);
    keep(this.#suspended, appliedSuspended);
  }

  #apply(editor: vscode.TextEditor, marks: readonly LineMark[], taken: ReadonlySet<number>, settings: MarkSettings): void {
    const at = (mark: LineMark): vscode.Range => editor.document.lineAt(mark.line).range;
    for (const heat of HEATS) {
      const hot = marks.filter((mark) => mark.heat === heat);
      for (const kind of TASK_KINDS) {
        const ranges = settings.gutter ? hot.filter((mark) => mark.kind === kind && !taken.has(mark.line)).map((mark) => new vscode.Range(mark.line, 0, mark.line, 0)) : [];
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

  #applySuspended(editor: vscode.TextEditor, marks: readonly SuspendedMark[], settings: MarkSettings): void {
    const at = (mark: SuspendedMark): vscode.Range => editor.document.lineAt(mark.line).range;
    for (const verdict of VERDICTS_AND_NONE) {
      const alike = marks.filter((mark) => mark.verdict === verdict);
      const key = verdict ?? 'none';
      this.#set(editor, `gutter/suspended/${key}`, settings.gutter ? alike.map((mark) => new vscode.Range(mark.line, 0, mark.line, 0)) : [], () => this.#suspendedType(verdict));
      this.#set(editor, `ruler/suspended/${key}`, settings.overviewRuler ? alike.map(at) : [], () => suspendedRulerType(verdict));
      const texts = settings.endOfLineText ? alike.map((mark): vscode.DecorationOptions => ({ range: endOf(at(mark)), renderOptions: { after: { contentText: mark.text } } })) : [];
      this.#set(editor, `text/suspended/${key}`, texts, () => suspendedTextType(verdict));
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
    return gutterTypeOf(light, dark);
  }

  #suspendedType(verdict: Verdict | null): vscode.TextEditorDecorationType {
    const { light, dark } = suspendedIcon(this.#options.extensionUri, verdict);
    return gutterTypeOf(light, dark);
  }
}

function gutterTypeOf(light: vscode.Uri, dark: vscode.Uri): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    gutterIconSize: '80%',
    light: { gutterIconPath: light },
    dark: { gutterIconPath: dark },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

function verdictColor(verdict: Verdict | null): vscode.ThemeColor {
  return new vscode.ThemeColor(verdict === null ? 'editorCodeLens.foreground' : COLORS.verdict[verdict]);
}

function suspendedRulerType(verdict: Verdict | null): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    overviewRulerColor: verdictColor(verdict),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

function suspendedTextType(verdict: Verdict | null): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    // What will go on by itself is nothing to look at.
    after: { color: verdictColor(verdict === 'in flight' ? null : verdict), fontStyle: 'italic', margin: `0 0 0 ${TEXT_DISTANCE}` },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedOpen,
  });
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

/** Takes in what documents show now; those that show nothing are not kept. */
function keep<Mark>(shown: Map<string, readonly Mark[]>, now: ReadonlyMap<string, readonly Mark[]>): void {
  for (const [uri, marks] of now) {
    if (marks.length === 0) shown.delete(uri);
    else shown.set(uri, marks);
  }
}

function endOf(range: vscode.Range): vscode.Range {
  return new vscode.Range(range.end, range.end);
}

function appliedSuspendedMark({ line, count, verdict, text }: SuspendedMark, settings: MarkSettings): AppliedSuspendedMark {
  return { line, count, verdict, text: settings.endOfLineText ? text : undefined, gutter: settings.gutter, ruler: settings.overviewRuler };
}

function appliedMark(mark: LineMark, taken: ReadonlySet<number>, settings: MarkSettings): AppliedMark {
  return {
    line: mark.line,
    kind: mark.kind,
    heat: mark.heat,
    count: mark.count,
    text: settings.endOfLineText ? mark.text : undefined,
    gutter: settings.gutter && !taken.has(mark.line),
    ruler: settings.overviewRuler,
  };
}
