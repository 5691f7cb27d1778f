/** What is held in the target for one purpose, and let go of when it is over. */
import type { Connection } from './connection';

let groups = 0;

/**
 * Runs work with an object group of its own, and releases it. Two pieces of work of the same kind can be under way at a time, as when a
 * row is unfolded during a dump: in one group, the first to end would let go of what the other still needs.
 * @param name of what the objects are for
 * @param work gets the group's name, which no other work has
 * @throws {TargetError} as {@link Connection.send} does
 */
export async function inObjectGroup<T>(connection: Connection, name: string, work: (group: string) => Promise<T>): Promise<T> {
  const group = `${name}-${++groups}`;
  try {
    return await work(group);
  } finally {
    // what we hold in the target would be alive for our sake
    await connection.send('Runtime.releaseObjectGroup', { objectGroup: group });
  }
}
