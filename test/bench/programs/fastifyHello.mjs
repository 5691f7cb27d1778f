/** The smallest Fastify service. */
import { library, ready } from './ready.mjs';

const app = library('fastify')();
app.get('/', async () => ({ hello: 'world' }));
await app.listen({ port: 0, host: '127.0.0.1' });
ready(app.server, { method: 'GET', path: '/' });
