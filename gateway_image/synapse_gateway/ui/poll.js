// Something that is asked again and again. Old answers are dropped; what was not renewed is stale.

const LATE = 2.5;

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
    const again = () => {
      if (!document.hidden) this.ask();
      this.tell();
    };
    setInterval(again, this.everyMs);
    document.addEventListener("visibilitychange", () => document.hidden || again());
    return this.ask();
  }

  ask() {
    this.pending = this.renew();
    return this.pending;
  }

  /** Wait for the first answer. */
  async ready() {
    if (!this.value) await (this.pending ?? this.ask());
  }

  async renew() {
    const mine = ++this.number;
    try {
      const value = await this.load();
      if (mine !== this.number) return;
      [this.value, this.error, this.at] = [value, null, Date.now()];
    } catch (error) {
      if (mine !== this.number) return;
      this.error = error;
    }
    this.tell();
  }

  get isStale() {
    return this.at > 0 && (this.error !== null || Date.now() - this.at > LATE * this.everyMs);
  }

  tell() {
    this.dispatchEvent(new Event("news"));
  }

  /** Call `show` now and after each answer. */
  watch(show) {
    this.addEventListener("news", show);
    show();
  }
}
