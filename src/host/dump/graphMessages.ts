/** A dump as messages for the webview. Pure. */
import { byVerdictAndCount, isUsersChain } from '../../core/format/dumpText';
import { clip } from '../../core/format/text';
import type { DumpFrame, DumpGroup, DumpPosition } from '../../core/model/dump';
import type { GraphFrame, GraphGroup, GraphStatus, ToGraph } from '../../protocol/webview';
import { FIRST_GROUPS, MORE_GROUPS, WEBVIEW_TEXT_LIMIT, WEBVIEW_VERSION } from '../../protocol/webview';
import type { HeldDump } from './dumpStore';

/** The worst groups of the user's code first and Node's own last, a state with the first of them and then the others; each frame once. */
export function dumpMessages({ id: dumpId, name, dump }: HeldDump, status: GraphStatus): readonly ToGraph[] {
  const groups = [...dump.groups].sort((a, b) => Number(isUsersChain(b.chain)) - Number(isUsersChain(a.chain)) || byVerdictAndCount(a, b));
  const known = new Map<string, number>();
  const messages: ToGraph[] = [];
  for (let from = 0; from === 0 || from < groups.length; ) {
    const size = from === 0 ? FIRST_GROUPS : MORE_GROUPS;
    const frames: GraphFrame[] = [];
    const part = groups.slice(from, from + size).map((group) => graphGroup(group, known, frames));
    if (from === 0) messages.push({ version: WEBVIEW_VERSION, type: 'state', dumpId, title: cut(name), status, total: groups.length, frames, groups: part });
    else messages.push({ version: WEBVIEW_VERSION, type: 'groups', dumpId, frames, groups: part });
    from += size;
  }
  return messages;
}

/** @param known index of each frame that was sent; new ones are added to it and to `frames`. */
function graphGroup({ id, count, verdict, why, chain, waitsFor, heldBy }: DumpGroup, known: Map<string, number>, frames: GraphFrame[]): GraphGroup {
  return {
    id,
    count,
    verdict,
    why: cut(why),
    chain: chain.map((frame) => {
      const sent = graphFrame(frame);
      const key = JSON.stringify(sent);
      let index = known.get(key);
      if (index === undefined) {
        index = known.size;
        known.set(key, index);
        frames.push(sent);
      }
      return index;
    }),
    waitsFor: { kind: waitsFor.kind, text: cut(waitsFor.text), at: cutPosition(waitsFor.at) },
    heldBy: heldBy.map(({ count: held, path }) => ({ count: held, path: cut(path) })),
  };
}

function graphFrame({ function: name, kind, origin, declared, awaiting, repeats, detail }: DumpFrame): GraphFrame {
  return { function: name === null ? null : cut(name), kind, origin, declared: cutPosition(declared), awaiting: cutPosition(awaiting), repeats, detail: detail === null ? null : cut(detail) };
}

function cutPosition(position: DumpPosition | null): DumpPosition | null {
  return position === null ? null : { file: cut(position.file), line: position.line, column: position.column };
}

function cut(text: string): string {
  return clip(text, WEBVIEW_TEXT_LIMIT);
}
