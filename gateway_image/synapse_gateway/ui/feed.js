// Terminal feed: the last 300 lines, and a connection that is reopened 2.5 s after it breaks.

const MAX_LINES = 300;
const RECONNECT_MS = 2500;

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
      this.setState("live");
    });
    source.addEventListener("log", ({ data }) => this.add(JSON.parse(data)));
    source.addEventListener("error", () => {
      const isOff = source.readyState === EventSource.CLOSED && this.state === "connecting";
      source.close();
      this.setState(isOff ? "off" : "connecting");
      if (!isOff) setTimeout(() => this.start(), RECONNECT_MS);
    });
  }

  add(line) {
    this.lines.push(line);
    if (this.lines.length > MAX_LINES) this.lines.shift();
    this.dispatchEvent(new CustomEvent("line", { detail: line }));
  }

  setState(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

export const feed = new Feed();
