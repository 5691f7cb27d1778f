/**
 * Live promises on many lines of a file that is there, some of which change every second.
 * Arguments: the file, which is written; lines; lines that change.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [file, sites, changing] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const lines = Array.from({ length: sites }, (_, n) => `exports.site${n} = function site${n}(list) { new Promise((resolve) => list.push(resolve)); };`);
writeFileSync(file, `${lines.join('\n')}\n`);
const makers = Object.values(createRequire(import.meta.url)(file));
const kept = makers.map(() => []);
let first = 0;
// watched from the beginning: so much at a time that every line is seen
let made = 0;
const fill = setInterval(() => {
  for (let n = 0; n < 100 && made < 3 * sites; n++) makers[made % sites](kept[made++ % sites]);
  if (made === 3 * sites) clearInterval(fill);
}, 10);
setInterval(() => {
  for (let n = 0; n < changing; n++) {
    const site = (first + n) % sites;
    if (kept[site].length > 3) kept[site].shift()();
    else makers[site](kept[site]);
  }
  first = (first + changing) % sites;
}, 1000);
