// Periodic request. Responses that arrive out of order are dropped; a value that is not renewed in time is stale.

const STALE_AFTER = 2.5; // intervals

export class Poll extends EventTarget {
  constructor(load, everyMs) {
    super();
    this.load = load;
    this.everyMs = everyMs;
    this.value = null;
    this.error = null;
    this.at = 0;
    this.number = 0;
    this.pending = null;
  }

  start() {
    const tick = () => {
      if (!document.hidden) this.refresh();
      this.notify();
    };
    setInterval(tick, this.everyMs);
    document.addEventListener("visibilitychange", () => document.hidden || tick());
    return this.refresh();
  }

  refresh() {
    this.pending = this.renew();
    return this.pending;
  }

  /** Wait for the first value. */
  async ready() {
    if (!this.value) await (this.pending ?? this.refresh());
  }

  async renew() {
    const number = ++this.number;
    try {
      const value = await this.load();
      if (number !== this.number) return;
      [this.value, this.error, this.at] = [value, null, Date.now()];
    } catch (error) {
      if (number !== this.number) return;
      this.error = error;
    }
    this.notify();
  }

  get isStale() {
    return this.at > 0 && (this.error !== null || Date.now() - this.at > STALE_AFTER * this.everyMs);
  }

  notify() {
    this.dispatchEvent(new Event("update"));
  }

  /** Call `show` now and after each update. */
  watch(show) {
    this.addEventListener("update", show);
    show();
  }
}
