/** A Fastify service as they are: a JSON body that is validated, two queries to PostgreSQL through a pool, five awaits. */
import { library, ready } from './ready.mjs';

const { Pool } = library('pg');
const pool = new Pool({ connectionString: process.env.PG_URL, max: 8 });
const app = library('fastify')();
const items = { type: 'array', items: { type: 'object', required: ['sku', 'quantity'], properties: { sku: { type: 'string' }, quantity: { type: 'integer' } } } };
const schema = { body: { type: 'object', required: ['customer', 'items'], properties: { customer: { type: 'string' }, items } } };

app.post('/orders', { schema }, async (request) => {
  const customer = await findCustomer(request.body.customer);
  const prices = await pricesOf(request.body.items);
  return { customer: customer.name, total: await total(request.body.items, prices) };
});

async function findCustomer(name) {
  const { rows } = await pool.query({ name: 'customer', text: 'select $1::text as name, 42 as id', values: [name] });
  return rows[0];
}
async function pricesOf(list) {
  const { rows } = await pool.query({ name: 'prices', text: 'select n as sku, n * 3 as price from generate_series(1, $1) as n', values: [list.length] });
  return rows;
}
async function total(list, prices) {
  return list.reduce((sum, item, index) => sum + item.quantity * prices[index].price, 0);
}

const body = JSON.stringify({ customer: 'Ada', items: Array.from({ length: 20 }, (_, index) => ({ sku: `sku-${index}`, quantity: 1 + (index % 3) })) });
await pool.query('select 1');
await app.listen({ port: 0, host: '127.0.0.1' });
ready(app.server, { method: 'POST', path: '/orders', body });
