import type { OrderRequest } from './orders.js';

export interface LoadOptions {
  readonly url: string;
  readonly ratePerSecond: number;
}

export interface LoadReport {
  readonly sent: number;
  readonly failed: number;
  /** Requests left out because too many were under way. */
  readonly skipped: number;
}

export interface Load {
  report(): LoadReport;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Beyond this many requests under way, new ones are left out, so that a slow service is not buried. */
const MAX_IN_FLIGHT = 50;
const REQUEST_TIMEOUT_MS = 2_000;
/** One request in so many only looks at an order. */
const LOOK_EVERY = 5;

const CUSTOMERS = ['Ada', 'Barbara', 'Edsger', 'Grace', 'Ken', 'Tony'] as const;
const SKUS = ['tea', 'coffee', 'cocoa', 'mug'] as const;
const CITIES = ['Amsterdam', 'Bergen', 'Graz', 'Lisbon', 'Oslo', 'Turin', 'Vienna'] as const;

/** Sends a steady stream of real HTTP requests until it is stopped. */
export function startLoad({ url, ratePerSecond }: LoadOptions): Load {
  const underWay = new Set<Promise<void>>();
  let stopped = false;
  let sent = 0;
  let failed = 0;
  let skipped = 0;
  let lastOrder = 'order-1';

  async function sendRequest(number: number): Promise<void> {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    try {
      if (number % LOOK_EVERY === 0) {
        await lookAtOrder(url, lastOrder, signal);
      } else {
        lastOrder = await placeOrder(url, orderNumber(number), signal);
      }
    } catch {
      failed += stopped ? 0 : 1;
    }
  }

  function tick(): void {
    if (underWay.size >= MAX_IN_FLIGHT) {
      skipped++;
      return;
    }
    const request = sendRequest(++sent).finally(() => underWay.delete(request));
    underWay.add(request);
  }

  const timer = setInterval(tick, 1_000 / ratePerSecond);

  return {
    report: () => ({ sent, failed, skipped }),
    stop: async () => {
      clearInterval(timer);
      stopped = true;
      await Promise.all(underWay);
    },
  };
}

async function placeOrder(url: string, order: OrderRequest, signal: AbortSignal): Promise<string> {
  const response = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
    signal,
  });
  const answer = (await response.json()) as { id?: string; message?: string };
  if (answer.id === undefined) {
    throw new Error(answer.message ?? `The service answered ${response.status}.`);
  }
  return answer.id;
}

async function lookAtOrder(url: string, id: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${url}/orders/${id}`, { signal });
  await response.arrayBuffer();
}

function orderNumber(number: number): OrderRequest {
  return {
    customer: pick(CUSTOMERS, number),
    sku: pick(SKUS, number),
    quantity: 1 + (number % 3),
    city: pick(CITIES, number),
  };
}

function pick<T>(choices: readonly [T, ...T[]], number: number): T {
  return choices[number % choices.length] ?? choices[0];
}
