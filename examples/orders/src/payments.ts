import type { Leak } from './config.js';
import type { Order } from './orders.js';
import type { ChargeRequest } from './partnerServer.js';

export interface Receipt {
  readonly orderId: string;
  readonly paymentId: string;
}

const REQUEST_TIMEOUT_MS = 2_000;

/** Charges customers. The provider accepts at once and confirms later, by calling us back. */
export class Payments {
  private readonly awaitingConfirmation = new Map<string, Promise<Receipt>>();
  private readonly resolvers = new Map<string, (receipt: Receipt) => void>();

  constructor(
    private readonly providerUrl: string,
    private readonly callbackUrl: () => string,
    private readonly leaks: ReadonlySet<Leak>,
  ) {}

  /** Resolves when the provider has confirmed the payment. */
  async collect(order: Order): Promise<Receipt> {
    const confirmation = this.expectConfirmation(order);
    await this.charge(order);
    const receipt = await confirmation;
    this.awaitingConfirmation.delete(order.id);
    return receipt;
  }

  /** Called by the provider. False when nobody waits for this payment. */
  confirm(receipt: Receipt): boolean {
    const resolve = this.resolvers.get(receipt.orderId);
    this.resolvers.delete(receipt.orderId);
    resolve?.(receipt);
    return resolve !== undefined;
  }

  get unconfirmed(): number {
    return this.awaitingConfirmation.size;
  }

  private expectConfirmation(order: Order): Promise<Receipt> {
    // LEAK (promise): filed under the customer, the resolver is not found by the order's confirmation, and the
    // customer's next order overwrites it. The promise stays in the map and nobody is left who could settle it.
    const key = this.leaks.has('promise') ? order.customer : order.id;

    const confirmation = new Promise<Receipt>((resolve) => this.resolvers.set(key, resolve));
    this.awaitingConfirmation.set(order.id, confirmation);
    return confirmation;
  }

  private async charge(order: Order): Promise<void> {
    const charge: ChargeRequest = { orderId: order.id, amount: order.total, callback: this.callbackUrl() };
    try {
      const response = await fetch(`${this.providerUrl}/charges`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(charge),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      await response.arrayBuffer();
    } catch (error) {
      this.resolvers.delete(order.id);
      this.awaitingConfirmation.delete(order.id);
      throw error;
    }
  }
}
