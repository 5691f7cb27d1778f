import type { FastifyInstance } from 'fastify';

import { buildApp } from './app.js';
import { Catalogue } from './catalogue.js';
import { DEFAULT_PORT } from './config.js';
import type { Config } from './config.js';
import { Database } from './database.js';
import { startDatabaseServer } from './databaseServer.js';
import { startLoad } from './loadGenerator.js';
import { Outbox } from './outbox.js';
import { startPartnerServer } from './partnerServer.js';
import { Payments } from './payments.js';
import { Shipping } from './shipping.js';
import { Tracking } from './tracking.js';
import { Warehouse } from './warehouse.js';

export interface Service {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the shop and everything around it: database, partners and, when asked for, customers. */
export async function startService({ port, load, leaks }: Config): Promise<Service> {
  let isClosing = false;
  const reportFailure = (what: string, error: unknown): void => {
    // While the service closes, connections break off on purpose.
    if (!isClosing) {
      console.error(what, error);
    }
  };

  const databaseServer = await startDatabaseServer();
  const partners = await startPartnerServer();
  const database = await Database.connect(databaseServer.port);
  const catalogue = await Catalogue.load(database, reportFailure);
  const outbox = new Outbox(partners.url, leaks);
  const closing = closingSignal();

  let url = '';
  const callbackUrl = (): string => `${url}/payments/confirmed`;
  const app = buildApp(
    {
      database,
      catalogue,
      outbox,
      payments: new Payments(partners.url, callbackUrl, leaks),
      shipping: new Shipping(partners.url, leaks),
      warehouse: new Warehouse(leaks),
      tracking: new Tracking(database, reportFailure, leaks),
      closing: closing.promise,
      reportFailure,
    },
    leaks,
  );
  url = await listen(app, port);

  const worker = outbox.run();
  const customers = load > 0 ? startLoad({ url, ratePerSecond: load }) : undefined;

  return {
    url,
    close: async () => {
      isClosing = true;
      closing.close();
      catalogue.stop();
      outbox.stop();
      await Promise.all([customers?.stop(), worker, app.close(), partners.close()]);
      await database.close();
      await databaseServer.close();
    },
  };
}

/** Listens on the port; without one, on DEFAULT_PORT or, when that is taken, on any free port. */
async function listen(app: FastifyInstance, port: number | undefined): Promise<string> {
  try {
    return await app.listen({ host: '127.0.0.1', port: port ?? DEFAULT_PORT });
  } catch (error) {
    if (port === undefined && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      return await app.listen({ host: '127.0.0.1', port: 0 });
    }
    throw error;
  }
}

function closingSignal(): { readonly promise: Promise<never>; close(): void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_resolve, rejectPromise) => {
    reject = rejectPromise;
  });
  promise.catch(() => undefined);
  return { promise, close: () => reject(new Error('The service is closing.')) };
}
