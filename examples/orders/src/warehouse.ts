import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import type { Leak } from './config.js';
import type { Order } from './orders.js';

const PACKING_MS = 80;

/** Packs parcels and announces each one that is ready. */
export class Warehouse {
  private readonly events = new EventEmitter<{ packed: [orderId: string] }>();

  constructor(private readonly leaks: ReadonlySet<Leak>) {
    // Every order in the house listens for a moment, so the warning about more than ten listeners is turned off.
    this.events.setMaxListeners(0);
  }

  /** Resolves when the order's parcel is ready to be collected. */
  async prepareParcel(order: Order): Promise<void> {
    if (this.leaks.has('listener')) {
      await this.pack(order);
      // LEAK (listener): asked only now, after the event. Nobody will pack this order again, so the listener stays.
      await this.whenPacked(order);
      return;
    }

    const packed = this.whenPacked(order);
    await this.pack(order);
    await packed;
  }

  get listeners(): number {
    return this.events.listenerCount('packed');
  }

  private async pack(order: Order): Promise<void> {
    await delay(PACKING_MS);
    this.events.emit('packed', order.id);
  }

  private whenPacked(order: Order): Promise<void> {
    return new Promise((resolve) => {
      const onPacked = (orderId: string): void => {
        if (orderId === order.id) {
          this.events.off('packed', onPacked);
          resolve();
        }
      };
      this.events.on('packed', onPacked);
    });
  }
}
