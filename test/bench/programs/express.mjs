/** An Express service that does little but wait: 20 calls of async functions are awaited per request, as layers of an application have them. */
import { library, ready } from './ready.mjs';

const app = library('express')();
const sessions = new Map([['abc', { user: 1 }]]);

app.disable('etag');
app.use(async (request, response, next) => {
  request.session = await findSession('abc');
  next();
});
app.use(async (request, response, next) => {
  request.user = await findUser(request.session.user);
  next();
});
app.get('/orders', async (request, response) => {
  const orders = [];
  for (let id = 0; id < 4; id++) orders.push(await findOrder(id, request.user));
  response.json({ orders, total: await total(orders) });
});

// one await each for the session and its user, four for each of four orders, one and one more for the total: 20
async function findSession(key) {
  return sessions.get(key);
}
async function findUser(id) {
  return { id, name: 'Ada' };
}
async function findOrder(id, user) {
  const row = await query(id);
  const price = await priceOf(row);
  await authorize(user, row);
  return { id, price, item: row.item };
}
async function query(id) {
  return { id, item: 'tea', quantity: id + 1 };
}
async function priceOf(row) {
  return row.quantity * 3;
}
async function authorize(user, row) {
  if (user.id < row.id - 100) throw new Error('not yours');
}
async function total(orders) {
  await audit(orders);
  return orders.reduce((sum, order) => sum + order.price, 0);
}
async function audit(orders) {
  return orders.length;
}

const server = app.listen(0, '127.0.0.1', () => ready(server, { method: 'GET', path: '/orders' }));
