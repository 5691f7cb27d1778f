/** For services: the libraries that the truth programs use, too, and the word to the benchmark that the service listens. */
import { createRequire } from 'node:module';

/** `require` as from beside the truth programs' libraries. */
export const library = createRequire(new URL('../../fixtures/truth/libraries/package.json', import.meta.url));

/** @param server of node:http, listening; @param request what the loader is to send */
export function ready(server, request) {
  // connections rest while another service is measured
  server.keepAliveTimeout = 600_000;
  process.send({ port: server.address().port, request });
}
