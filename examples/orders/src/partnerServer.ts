import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import Fastify from 'fastify';

export interface PartnerServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface ChargeRequest {
  readonly orderId: string;
  readonly amount: number;
  /** Where the payment provider reports the payment. */
  readonly callback: string;
}

/** How long the partners take, in milliseconds. */
const QUOTE_MS = 60;
const CONFIRMATION_MS = 120;
const MAIL_ROUND_TRIP_MS = 2_000;

/** A shipping label as the carrier sends it, in characters: too large for an HTTP client to buffer unread. */
const LABEL_LENGTH = 256 * 1024;

/** Starts the other companies' side on the loopback interface: carrier, payment provider and mail. */
export async function startPartnerServer(): Promise<PartnerServer> {
  const app = Fastify({ forceCloseConnections: true });
  const closing = new AbortController();
  // every confirmation and mail under way listens; Node 20 would warn of a leak at eleven
  setMaxListeners(0, closing.signal);

  app.get<{ Querystring: { city: string } }>('/quotes', async (request) => {
    await delay(QUOTE_MS);
    return { price: 3 + (request.query.city.length % 5) };
  });

  app.get<{ Params: { orderId: string } }>('/labels/:orderId', async (request, reply) => {
    const tracking = `TRK-${request.params.orderId}`;
    return reply
      .header('x-tracking-number', tracking)
      .type('text/plain')
      .send(`${tracking}\n`.padEnd(LABEL_LENGTH, '|'));
  });

  app.post<{ Body: ChargeRequest }>('/charges', async (request, reply) => {
    const { callback, orderId } = request.body;
    confirmLater(callback, orderId, closing.signal).catch(() => {
      // As with a real provider, nobody here learns that the shop was gone.
    });
    return reply.code(202).send({ accepted: true });
  });

  app.post('/mails', async (_request, reply) => {
    await delay(MAIL_ROUND_TRIP_MS, undefined, { signal: closing.signal });
    return reply.code(202).send({ accepted: true });
  });

  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    close: async () => {
      closing.abort();
      await app.close();
    },
  };
}

async function confirmLater(callback: string, orderId: string, signal: AbortSignal): Promise<void> {
  await delay(CONFIRMATION_MS, undefined, { signal });
  const response = await fetch(callback, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ orderId, paymentId: `PAY-${orderId}` }),
    signal,
  });
  await response.arrayBuffer();
}
