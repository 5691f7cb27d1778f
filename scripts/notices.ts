/** `npm run notices`: writes THIRD-PARTY-NOTICES.md. */
import { writeFile } from 'node:fs/promises';
import { NOTICES, thirdPartyNotices } from './lib/notices.ts';

await writeFile(NOTICES, await thirdPartyNotices());
