// Renders the text of a log: ANSI colours, and progress bars in their final state.
const TAIL = 2000;
const MOST = 20000; // Longer logs are shown in full on a page of their own.
const COLOURS = [
  "#7d8790", "#ff8a80", "#7ee08a", "#f3d36b", "#8ab8ff", "#e29bff", "#6fdbe8", "#e6e9ec",
  "#a7b0b9", "#ffa8a0", "#a4f0ae", "#ffe48f", "#b3d1ff", "#eebfff", "#a0ecf5", "#ffffff",
];
const STYLES = {
  1: {fontWeight: "bold"}, 2: {opacity: ".75"}, 3: {fontStyle: "italic"}, 4: {textDecoration: "underline"},
  22: {fontWeight: "", opacity: ""}, 23: {fontStyle: ""}, 24: {textDecoration: ""}, 39: {color: ""}, 49: {backgroundColor: ""},
};
const COLOUR = /\x1b\[([0-9;:]*)m/;
const OTHER_CONTROLS = /\x1b(?:\[[0-9;:?]*[ -/]*[@-ln-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()][0-9A-Z]|[=>@-Z\\^_])|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]/g;
const OVERWRITTEN = /^.*\r(?=[^\r\n])/gm;

function colourOf(numbers) {
  const [kind, first, second, third] = numbers;
  if (kind === 2) return `rgb(${first}, ${second}, ${third})`;
  if (first < 16) return COLOURS[first];
  if (first > 231) return `rgb(${Array(3).fill(8 + (first - 232) * 10)})`;
  const level = (size) => [0, 95, 135, 175, 215, 255][Math.floor((first - 16) / size) % 6];
  return `rgb(${level(36)}, ${level(6)}, ${level(1)})`;
}

function restyled(style, codes) {
  const numbers = codes.split(/[;:]/).map(Number);
  while (numbers.length) {
    const code = numbers.shift();
    const used = code === 38 || code === 48 ? numbers.splice(0, numbers[0] === 2 ? 4 : 2) : [];
    if (code === 38) style = {...style, color: colourOf(used)};
    else if (code === 48) style = {...style, backgroundColor: colourOf(used)};
    else if (code === 7) style = {...style, isReversed: true};
    else if (code === 27) style = {...style, isReversed: false};
    else if (code >= 40 && code <= 47) style = {...style, backgroundColor: COLOURS[code - 40]};
    else if (code >= 100 && code <= 107) style = {...style, backgroundColor: COLOURS[code - 92]};
    else if (code >= 30 && code <= 37) style = {...style, color: COLOURS[code - 30]};
    else if (code >= 90 && code <= 97) style = {...style, color: COLOURS[code - 82]};
    else style = code === 0 ? {} : {...style, ...STYLES[code]};
  }
  return style;
}

function painted(line) {
  const pieces = line.replace(OTHER_CONTROLS, "").split(COLOUR);
  let style = {};
  return pieces.map((piece, index) => {
    if (index % 2) { style = restyled(style, piece); return ""; }
    if (!piece || !Object.keys(style).length) return piece;
    const span = document.createElement("span");
    span.textContent = piece;
    const {isReversed, ...plain} = style;
    Object.assign(span.style, plain);
    // Use dark text on light backgrounds, unless the command set a colour.
    if (plain.backgroundColor && !plain.color) span.style.color = "#101316";
    if (isReversed) Object.assign(span.style, {color: plain.backgroundColor || "#101316", backgroundColor: plain.color || "#d8dde2"});
    return span;
  });
}

// Header lines folded away by default: directory, environment, time.
const DETAIL = /^h( |elapsedTime=)/;

function lines(box, text) {
  const hasLetters = box.dataset.type === "s";
  const part = document.createDocumentFragment();
  for (const line of text.split(/(?<=\n)/)) {
    const span = document.createElement("span");
    if (hasLetters) span.className = DETAIL.test(line) ? "h detail" : line[0];
    span.append(...painted(line.slice(hasLetters ? 1 : 0).replace(OVERWRITTEN, "")));
    part.append(span);
  }
  return part;
}

/** A log that is open on the page, and grows. */
export class OpenLog {
  constructor(box, api) {
    this.box = box;
    this.id = box.dataset.log;
    this.url = `${api}logs/${this.id}/contents`;
    this.first = 0;
    this.shown = 0;
    this.known = 0;
    this.most = TAIL;
    this.isGrowing = false;
    this.turn = Promise.resolve(); // What changes the text does so one after the other.
    this.pre = box.querySelector("pre");
    this.earlierButton = box.querySelector("[data-earlier]");
    this.earlierButton.onclick = () => this.showEarlier();
    const details = box.querySelector("[data-details]");
    if (details) details.onclick = () => {
      const isOn = box.classList.toggle("with-details");
      details.setAttribute("aria-pressed", isOn);
      details.textContent = isOn ? "Hide environment" : "Show environment";
    };
  }

  async fetch(first, count) {
    const answer = await fetch(`${this.url}?offset=${first}&limit=${count}`, {headers: {Accept: "application/json"}});
    return answer.ok ? lines(this.box, (await answer.json()).logchunks[0].content) : null;
  }

  inTurn(work) {
    this.turn = this.turn.then(work).catch(() => false); // Connection lost: see grow.
    return this.turn;
  }

  /** Show some of the lines before the first visible one. */
  showEarlier() {
    return this.inTurn(async () => {
      const first = Math.max(0, this.first - TAIL);
      if (first === this.first) return;
      const part = await this.fetch(first, this.first - first);
      if (!part) return;
      const height = this.pre.scrollHeight;
      this.most = Math.min(MOST, this.most + TAIL);
      this.pre.prepend(part);
      this.pre.scrollTop += this.pre.scrollHeight - height;
      this.first = first;
      this.tellEarlier();
    });
  }

  tellEarlier() {
    const isAtMost = this.pre.childNodes.length >= MOST;
    this.earlierButton.hidden = this.first === 0;
    this.earlierButton.disabled = isAtMost;
    this.earlierButton.textContent = isAtMost
      ? `${this.first} earlier lines: open the log in full`
      : `${this.first} earlier lines: show ${Math.min(this.first, TAIL)} more`;
  }

  /** Show the missing lines, now that the log has this many. */
  grow(lines) {
    this.known = Math.max(this.known, lines);
    this.box.querySelector(".lines").textContent = this.known === 1 ? "1 line" : `${this.known} lines`;
    if (this.isGrowing || !this.box.open || this.shown >= this.known) return;
    this.isGrowing = true;
    this.inTurn(() => this.showMissing()).then((isShown) => setTimeout(() => {
      this.isGrowing = false;
      // If the connection was lost, the page requests the missing lines after reconnecting.
      if (isShown) this.grow(this.known);
    }, 150));
  }

  async showMissing() {
    const upTo = this.known;
    const first = Math.max(this.shown, upTo - TAIL);
    const part = await this.fetch(first, upTo - first);
    if (!part) return false;
    const {pre} = this;
    const isAtEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 30;
    if (first > this.shown || !this.shown) { pre.replaceChildren(); this.first = first; }
    pre.append(part);
    while (pre.childNodes.length > this.most) { pre.firstChild.remove(); this.first++; }
    if (isAtEnd) pre.scrollTop = pre.scrollHeight;
    this.shown = upTo;
    this.tellEarlier();
    return true;
  }
}
