import type { Database, Prices } from './database.js';
import type { ReportFailure } from './orders.js';

const REFRESH_MS = 10_000;

/** The price list, kept in memory and refreshed from the database. */
export class Catalogue {
  private readonly refresher: NodeJS.Timeout;

  private constructor(
    private readonly database: Database,
    private prices: Prices,
    private readonly reportFailure: ReportFailure,
  ) {
    this.refresher = setInterval(() => void this.refresh(), REFRESH_MS);
  }

  static async load(database: Database, reportFailure: ReportFailure): Promise<Catalogue> {
    return new Catalogue(database, await database.prices(), reportFailure);
  }

  /** `undefined` when the shop does not sell it. */
  priceOf(sku: string): number | undefined {
    return this.prices[sku];
  }

  stop(): void {
    clearInterval(this.refresher);
  }

  private async refresh(): Promise<void> {
    try {
      this.prices = await this.database.prices();
    } catch (error) {
      this.reportFailure('The price list could not be refreshed; the old one stays.', error);
    }
  }
}
