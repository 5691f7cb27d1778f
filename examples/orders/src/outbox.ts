import type { Leak } from './config.js';

export interface Mail {
  readonly to: string;
  readonly subject: string;
}

interface QueuedMail {
  readonly mail: Mail;
  readonly sent: () => void;
}

const MAILS_PER_ROUND_TRIP = 100;
const RETRY_MS = 1_000;

/** A queue of mails and the worker that sends them. */
export class Outbox {
  private readonly queue: QueuedMail[] = [];
  private readonly closing = new AbortController();
  private wakeWorker: () => void = () => undefined;

  constructor(
    private readonly mailUrl: string,
    private readonly leaks: ReadonlySet<Leak>,
  ) {}

  /** Resolves when the mail has been sent. */
  send(mail: Mail): Promise<void> {
    return new Promise((resolve) => {
      this.queue.push({ mail, sent: resolve });
      this.wakeWorker();
    });
  }

  /** The worker: runs until `stop`. */
  async run(): Promise<void> {
    while (!this.closing.signal.aborted) {
      if (this.queue.length === 0) {
        await this.nextMail();
      } else {
        await this.sendSome();
      }
    }
  }

  stop(): void {
    this.closing.abort();
    this.wakeWorker();
  }

  get waiting(): number {
    return this.queue.length;
  }

  private async sendSome(): Promise<void> {
    // LEAK (queue): one mail per round trip of two seconds, while orders come several times a second and nothing
    // limits the queue. The worker is always busy and always further behind.
    const count = this.leaks.has('queue') ? 1 : MAILS_PER_ROUND_TRIP;

    const batch = this.queue.slice(0, count);
    if (await this.deliver(batch.map(({ mail }) => mail))) {
      this.queue.splice(0, batch.length);
      batch.forEach(({ sent }) => sent());
    }
  }

  private async deliver(mails: readonly Mail[]): Promise<boolean> {
    try {
      const response = await fetch(`${this.mailUrl}/mails`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(mails),
        signal: this.closing.signal,
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      if (!this.closing.signal.aborted) {
        await this.pause();
      }
      return false;
    }
  }

  private nextMail(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeWorker = resolve;
    });
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      this.wakeWorker = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
