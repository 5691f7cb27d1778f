/**
 * Text that came from a target, made safe to show. Names and paths of a target are data: a function can be named with
 * terminal escape sequences or with characters that reverse the reading direction.
 */

/** Longest name that is shown, in UTF-16 units. Longer ones are cut, and the cut is visible. */
export const NAME_LIMIT = 200;

// C0, DEL and C1 controls; soft hyphen and other invisible format characters; line and paragraph separators;
// bidirectional marks, embeddings and isolates; the byte order mark; tag characters; unpaired surrogates.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** Replaces everything that a terminal or an editor would act on instead of showing it by U+FFFD. */
export function stripControls(text: string): string {
  return text.replace(UNSAFE, '\ufffd');
}

/** Cuts `text` to at most `limit` UTF-16 units, the last being an ellipsis when something was cut. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  if (limit <= 1) return limit === 1 ? '…' : '';
  const end = limit - 1;
  // Never leave half of a surrogate pair behind.
  const last = text.charCodeAt(end - 1);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end)}…`;
}

/** A name of the target, safe and short enough to show. */
export function displayName(text: string): string {
  return clip(stripControls(text), NAME_LIMIT);
}
