import type { Catalogue } from './catalogue.js';
import type { Leak } from './config.js';
import type { Database } from './database.js';
import type { OrderRow } from './databaseServer.js';
import type { Outbox } from './outbox.js';
import type { Payments } from './payments.js';
import { retry } from './retry.js';
import type { Shipping } from './shipping.js';
import type { Tracking } from './tracking.js';
import type { Warehouse } from './warehouse.js';

export type OrderStatus = 'placed' | 'on its way' | 'delivered';

export interface OrderRequest {
  readonly customer: string;
  readonly sku: string;
  readonly quantity: number;
  readonly city: string;
}

export class Order {
  status: OrderStatus = 'placed';

  constructor(
    readonly id: string,
    readonly customer: string,
    readonly sku: string,
    readonly quantity: number,
    readonly city: string,
    readonly total: number,
  ) {}
}

/** Told what went wrong in the background, where nobody waits for the result. */
export type ReportFailure = (what: string, error: unknown) => void;

/** What the order book works with. */
export interface OrderServices {
  readonly database: Database;
  readonly catalogue: Catalogue;
  readonly payments: Payments;
  readonly shipping: Shipping;
  readonly warehouse: Warehouse;
  readonly tracking: Tracking;
  readonly outbox: Outbox;
  /** Rejects when the service closes, and stays pending until then. */
  readonly closing: Promise<never>;
  readonly reportFailure: ReportFailure;
}

/** Somebody ordered what the shop does not sell. */
export class UnknownProductError extends Error {
  override readonly name = 'UnknownProductError';
}

/** Takes orders and sees them through. */
export class Orders {
  private lastNumber = 1_000;
  private racesOnClosing = 0;

  constructor(
    private readonly services: OrderServices,
    private readonly leaks: ReadonlySet<Leak>,
  ) {}

  /** Resolves when the order is saved; payment, parcel and mail follow in the background. Throws UnknownProductError. */
  async place(request: OrderRequest): Promise<Order> {
    const order = await this.priced(request);
    const saved = await this.save(order);
    this.fulfil(saved);
    return saved;
  }

  async find(id: string): Promise<OrderRow | undefined> {
    return await this.services.database.findOrder(id);
  }

  get taken(): number {
    return this.lastNumber - 1_000;
  }

  get races(): number {
    return this.racesOnClosing;
  }

  private async priced({ customer, sku, quantity, city }: OrderRequest): Promise<Order> {
    const price = this.services.catalogue.priceOf(sku);
    if (price === undefined) {
      throw new UnknownProductError(`We do not sell '${sku}'.`);
    }
    const id = `order-${++this.lastNumber}`;
    const shipping = await this.services.shipping.quote(city, id);
    return new Order(id, customer, sku, quantity, city, quantity * price + shipping);
  }

  private async save(order: Order): Promise<Order> {
    if (this.leaks.has('race')) {
      this.racesOnClosing++;
      // LEAK (race): `closing` lives as long as the process, and a race never lets go of its losers. Each order hangs
      // one more reaction on it, and behind that the order itself.
      return await Promise.race([this.insert(order), this.services.closing]);
    }
    return await this.insert(order);
  }

  private async insert(order: Order): Promise<Order> {
    await retry(() => this.services.database.insertOrder(order));
    return order;
  }

  private fulfil(order: Order): void {
    const { payments, warehouse, outbox } = this.services;
    this.inBackground('payment', order, payments.collect(order));
    this.inBackground('parcel', order, warehouse.prepareParcel(order));
    this.inBackground('shipment', order, this.ship(order));
    this.inBackground('mail', order, outbox.send({ to: order.customer, subject: `Thank you for ${order.id}` }));
  }

  private async ship(order: Order): Promise<void> {
    await this.services.shipping.printLabel(order);
    this.services.tracking.follow(order);
  }

  private inBackground(step: string, order: Order, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.services.reportFailure(`The ${step} of ${order.id} failed.`, error));
  }
}
