// Shows the text of a log: colours as they were meant, progress bars as they ended.
const TAIL = 2000;
const COLOURS = [
  "#7d8790", "#ff8a80", "#7ee08a", "#f3d36b", "#8ab8ff", "#e29bff", "#6fdbe8", "#e6e9ec",
  "#a7b0b9", "#ffa8a0", "#a4f0ae", "#ffe48f", "#b3d1ff", "#eebfff", "#a0ecf5", "#ffffff",
];
const STYLES = {
  1: {fontWeight: "bold"}, 2: {opacity: ".75"}, 3: {fontStyle: "italic"}, 4: {textDecoration: "underline"},
  22: {fontWeight: "", opacity: ""}, 23: {fontStyle: ""}, 24: {textDecoration: ""}, 39: {color: ""},
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
    Object.assign(span.style, style);
    return span;
  });
}

function show(box, text) {
  const pre = box.querySelector("pre");
  const isAtEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 30;
  const hasLetters = box.dataset.type === "s";
  const part = document.createDocumentFragment();
  for (const line of text.split(/(?<=\n)/)) {
    const span = document.createElement("span");
    if (hasLetters) span.className = line[0];
    span.append(...painted(line.slice(hasLetters ? 1 : 0).replace(OVERWRITTEN, "")));
    part.append(span);
  }
  pre.append(part);
  while (pre.childNodes.length > TAIL) pre.firstChild.remove();
  if (isAtEnd) pre.scrollTop = pre.scrollHeight;
}

/** A log that is open on the page, and grows. */
export class OpenLog {
  constructor(box, api) {
    this.box = box;
    this.id = box.dataset.log;
    this.url = `${api}logs/${this.id}/contents`;
    this.shown = 0;
    this.known = 0;
    this.isBusy = false;
  }

  /** Show what is missing, now that the log is known to have this many lines. */
  async grow(lines) {
    this.known = Math.max(this.known, lines);
    this.box.querySelector(".lines").textContent = this.known === 1 ? "1 line" : `${this.known} lines`;
    if (this.isBusy || !this.box.open) return;
    this.isBusy = true;
    try {
      while (this.shown < this.known) {
        const upTo = this.known;
        const first = Math.max(this.shown, upTo - TAIL);
        const answer = await fetch(`${this.url}?offset=${first}&limit=${upTo - first}`, {headers: {Accept: "application/json"}});
        if (!answer.ok) return;
        const pre = this.box.querySelector("pre");
        if (first > this.shown) pre.replaceChildren();
        show(this.box, (await answer.json()).logchunks[0].content);
        this.shown = upTo;
        if (upTo > pre.childNodes.length) pre.dataset.earlier = upTo - pre.childNodes.length;
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    } catch {
      // The connection is gone: when it is back the page asks for what is missing.
    } finally {
      this.isBusy = false;
    }
  }
}
