import type { Leak } from './config.js';
import type { Database } from './database.js';
import type { Order, OrderStatus, ReportFailure } from './orders.js';

const STEP_MS = 1_000;
const STEPS: readonly OrderStatus[] = ['on its way', 'delivered'];

/** Follows parcels to the customer's door and writes each step down. */
export class Tracking {
  private started = 0;
  private stopped = 0;

  constructor(
    private readonly database: Database,
    private readonly reportFailure: ReportFailure,
    private readonly leaks: ReadonlySet<Leak>,
  ) {}

  follow(order: Order): void {
    let step = 0;
    this.started++;
    const timer = setInterval(() => {
      const status = STEPS[step++];
      if (status !== undefined) {
        void this.record(order, status);
        return;
      }
      if (this.leaks.has('interval')) {
        // LEAK (interval): the parcel has arrived and nobody clears its timer. It ticks for ever and keeps its order.
        return;
      }
      clearInterval(timer);
      this.stopped++;
    }, STEP_MS);
  }

  get followed(): number {
    return this.started - this.stopped;
  }

  private async record(order: Order, status: OrderStatus): Promise<void> {
    order.status = status;
    try {
      await this.database.updateStatus(order.id, status);
    } catch (error) {
      this.reportFailure(`The status of ${order.id} could not be saved.`, error);
    }
  }
}
