/** Where a heap snapshot goes. Pure. */

/** Characters of a target's name that are kept in a file's name. */
const NAME_LIMIT = 60;

/** `<name>-<time>.heapsnapshot`, with local time to the second and nothing that any file system objects to. */
export function snapshotFileName(name: string, at: Date): string {
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '').slice(0, NAME_LIMIT);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [String(at.getFullYear()), two(at.getMonth() + 1), two(at.getDate())].join('');
  const time = [two(at.getHours()), two(at.getMinutes()), two(at.getSeconds())].join('');
  return `${safe === '' ? 'node' : safe}-${day}-${time}.heapsnapshot`;
}
