import type { Leak } from './config.js';
import type { Order } from './orders.js';

const REQUEST_TIMEOUT_MS = 2_000;

/** How many labels the leak may hold: each costs a socket, and the sample should run for hours. */
const MAX_UNREAD_LABELS = 300;

/** Talks to the carrier: what a parcel costs, and its label. */
export class Shipping {
  private readonly quotes = new Map<string, Promise<number>>();
  private readonly unreadLabels: Response[] = [];

  constructor(
    private readonly carrierUrl: string,
    private readonly leaks: ReadonlySet<Leak>,
  ) {}

  /** The price of a parcel to this city. One request per city; later orders share its answer. */
  async quote(city: string, orderId: string): Promise<number> {
    // LEAK (cache): the order's id is part of the key, so no entry is ever found again and none is ever removed.
    const key = this.leaks.has('cache') ? `${city}/${orderId}` : city;

    let quote = this.quotes.get(key);
    if (quote === undefined) {
      quote = this.fetchQuote(city);
      this.quotes.set(key, quote);
      quote.catch(() => this.quotes.delete(key));
    }
    return await quote;
  }

  /** Orders the parcel's label and returns its tracking number. */
  async printLabel(order: Order): Promise<string> {
    const response = await fetch(`${this.carrierUrl}/labels/${order.id}`);

    if (this.leaks.has('body')) {
      // LEAK (body): the tracking number is in a header, so the label is kept "for later" and its body never read.
      // An unread body occupies its connection, and every order opens a new one.
      this.keepForLater(response);
      return response.headers.get('x-tracking-number') ?? '';
    }

    const label = await response.text();
    return label.slice(0, label.indexOf('\n'));
  }

  get cachedQuotes(): number {
    return this.quotes.size;
  }

  get labelsNotRead(): number {
    return this.unreadLabels.length;
  }

  private async fetchQuote(city: string): Promise<number> {
    const url = `${this.carrierUrl}/quotes?city=${encodeURIComponent(city)}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    const { price } = (await response.json()) as { price: number };
    return price;
  }

  private keepForLater(label: Response): void {
    this.unreadLabels.push(label);
    if (this.unreadLabels.length > MAX_UNREAD_LABELS) {
      const oldest = this.unreadLabels.shift();
      oldest?.body?.cancel().catch(() => undefined);
    }
  }
}
