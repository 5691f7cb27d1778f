/**
 * What stays in a target after many rounds of attach, poll and detach: its heap after a collection, per round.
 *
 *   npm run bench -- rounds [--node 24] [--rounds 1000]
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { measureRounds } from '../support/rounds.ts';
import { NODES } from '../support/nodes.ts';

const { values } = parseArgs({ options: { node: { type: 'string' }, rounds: { type: 'string', default: '1000' } } });
const rounds = Number(values.rounds);

console.log(`Heap in use after a collection, over ${rounds} rounds of attach, poll and detach.`);
console.log('node   before KB   after KB   bytes/round');
for (const node of NODES.filter(({ version }) => values.node === undefined || Number(values.node) === version)) {
  const child = spawn(node.path, ['--inspect=127.0.0.1:0', '--expose-gc', '-e', 'setInterval(() => {}, 1000)'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const url = await new Promise<string>((resolve) => {
    let text = '';
    child.stderr.on('data', (data: Buffer) => {
      text += data.toString();
      const found = /ws:\/\/\S+/.exec(text);
      if (found) resolve(found[0]);
    });
  });
  const { before, after } = await measureRounds(url, rounds);
  const kilobytes = (bytes: number): string => (bytes / 1024).toFixed(0);
  console.log(`${String(node.version).padEnd(4)}${kilobytes(before).padStart(12)}${kilobytes(after).padStart(11)}${((after - before) / rounds).toFixed(0).padStart(14)}`);
  child.kill('SIGKILL');
}
