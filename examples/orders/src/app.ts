import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';

import type { Leak } from './config.js';
import { Orders, UnknownProductError } from './orders.js';
import type { OrderRequest, OrderServices } from './orders.js';
import type { Receipt } from './payments.js';

/** What `GET /debug/counters` answers. */
export interface Counters {
  readonly ordersTaken: number;
  /** What each leak lets grow; without the leak it returns to zero, or for the cache to one entry per city. */
  readonly alive: Readonly<Record<Leak, number>>;
  /** Active resources of the process by type, as Node counts them. */
  readonly resources: Readonly<Record<string, number>>;
  readonly heapUsedBytes: number;
}

const ORDER_SCHEMA = {
  body: {
    type: 'object',
    required: ['customer', 'sku', 'quantity', 'city'],
    properties: {
      customer: { type: 'string', minLength: 1, maxLength: 100 },
      sku: { type: 'string', minLength: 1, maxLength: 40 },
      quantity: { type: 'integer', minimum: 1, maximum: 100 },
      city: { type: 'string', minLength: 1, maxLength: 60 },
    },
  },
} as const;

/** The HTTP side of the service. */
export function buildApp(services: OrderServices, leaks: ReadonlySet<Leak>): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  const orders = new Orders(services, leaks);

  app.post<{ Body: OrderRequest }>('/orders', { schema: ORDER_SCHEMA }, async (request, reply) => {
    try {
      return await reply.code(201).send(await orders.place(request.body));
    } catch (error) {
      if (error instanceof UnknownProductError) {
        return reply.code(422).send({ message: error.message });
      }
      throw error;
    }
  });

  app.get<{ Params: { id: string } }>('/orders/:id', async (request, reply) => {
    const order = await orders.find(request.params.id);
    return order ?? reply.code(404).send({ message: `There is no order '${request.params.id}'.` });
  });

  app.post<{ Body: Receipt }>('/payments/confirmed', async (request) => {
    return { known: services.payments.confirm(request.body) };
  });

  app.get('/debug/counters', async () => countersOf(orders, services));

  return app;
}

function countersOf(orders: Orders, services: OrderServices): Counters {
  return {
    ordersTaken: orders.taken,
    alive: {
      interval: services.tracking.followed,
      promise: services.payments.unconfirmed,
      body: services.shipping.labelsNotRead,
      queue: services.outbox.waiting,
      listener: services.warehouse.listeners,
      cache: services.shipping.cachedQuotes,
      race: orders.races,
    },
    resources: countByName(process.getActiveResourcesInfo()),
    heapUsedBytes: process.memoryUsage().heapUsed,
  };
}

function countByName(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) {
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
