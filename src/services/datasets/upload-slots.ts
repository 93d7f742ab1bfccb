/** Bounds how many uploads run at once in this process, and with it their memory. Who waits is not read from, so clients slow down. */
import { AppError } from '../../domain/errors';

export class UploadSlots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(
    slots: number,
    private readonly maxWaitMs: number,
  ) {
    this.free = slots;
  }

  /** Resolves with a function that gives the slot back. 503 when none gets free in time. */
  async take(): Promise<() => void> {
    if (this.free > 0) this.free -= 1;
    else await this.wait();
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    };
  }

  private wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(enter), 1);
        reject(new AppError('SERVICE_UNAVAILABLE', 'too many uploads at once; try again', { retryAfterSeconds: 10 }));
      }, this.maxWaitMs);
      const enter = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.waiting.push(enter);
    });
  }
}
