/** Texts and figures of the program that go into an answer: the client refuses what is beyond these bounds, as in protocol/agent.ts. */

/** Names and paths are cut to this many UTF-16 units. */
export const STRING_LIMIT = 2048;
/** No figure is larger: a process cannot have more of anything. */
const LARGEST_FIGURE = 1e18;

export function cutText(text: string): string {
  return text.length > STRING_LIMIT ? text.slice(0, STRING_LIMIT) : text;
}

export function isFigure(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LARGEST_FIGURE;
}

/** The number of a process, a thread or a file. */
export function isId(value: unknown): value is number {
  return isFigure(value) && floor(value) === value;
}

const { floor } = Math;
