import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { NOTICES, thirdPartyNotices } from '../../../scripts/lib/notices.ts';

it('THIRD-PARTY-NOTICES.md has the licences of what is in the bundles (npm run notices writes it)', async () => {
  expect(await readFile(NOTICES, 'utf8')).toBe(await thirdPartyNotices());
});
