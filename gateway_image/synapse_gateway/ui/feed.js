// The terminal feed: the last 300 lines, and a connection that is made again 2.5 s after it breaks.

const KEPT = 300;
const AGAIN_MS = 2500;

export class Feed extends EventTarget {
  constructor() {
    super();
    this.lines = [];
    this.state = "connecting";
    this.instance = "";
  }

  start() {
    const source = new EventSource("/events/terminal?level=DEBUG");
    source.addEventListener("meta", ({ data }) => {
      this.lines = [];
      this.instance = JSON.parse(data).instance;
      this.turn("live");
    });
    source.addEventListener("log", ({ data }) => this.add(JSON.parse(data)));
    source.addEventListener("error", () => {
      const isOff = source.readyState === EventSource.CLOSED && this.state === "connecting";
      source.close();
      this.turn(isOff ? "off" : "connecting");
      if (!isOff) setTimeout(() => this.start(), AGAIN_MS);
    });
  }

  add(line) {
    this.lines.push(line);
    if (this.lines.length > KEPT) this.lines.shift();
    this.dispatchEvent(new CustomEvent("line", { detail: line }));
  }

  turn(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

export const feed = new Feed();
