import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The agent's bundle: beside this one, or in `dist` when this runs from its sources. */
const CANDIDATES = [join(__dirname, 'agent.js'), join(__dirname, '../../dist/agent.js')];

let source: string | undefined;

/**
 * The code that is put into targets: a script that declares `asyncscopeAgent`.
 * @throws when the project was not built
 */
export function readAgentSource(): string {
  if (source === undefined) {
    const file = CANDIDATES.find((candidate) => existsSync(candidate));
    if (file === undefined) throw new Error('agent.js is missing: run "npm run build".');
    source = readFileSync(file, 'utf8');
  }
  return source;
}
