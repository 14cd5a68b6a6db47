// Keeps the page current: fetches it again when something changes, and appends to open logs.
import {OpenLog} from "./log.js";

const {root, pages, now} = document.body.dataset;
const api = `${root}api/v2/`;
const skew = Date.now() / 1000 - Number(now);
const main = document.getElementById("main");
const logs = new Map();
const asked = new Set();
let socket = null;
let calls = 0;

// Links in the style of Buildbot's interface (#/builds/3) lead to the same page here, never to another site.
if (location.hash.startsWith("#/")) location.replace(`${pages}./${location.hash.slice(1).replace(/^\/+/, "")}`);

// Updates part of the page from the server's version, keeping focus, selection and open logs.
function take(old, fresh) {
  if (old.localName === "pre" || old.className === "tools") return; // OpenLog manages their contents.
  if (old.nodeType !== Node.ELEMENT_NODE) { old.nodeValue = fresh.nodeValue; return; }
  // What the reader has opened and unfolded.
  const kept = old.localName !== "details" ? [] : old.dataset.log ? ["open", "class"] : ["open"];
  for (const {name} of [...old.attributes]) if (!kept.includes(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const {name, value} of fresh.attributes) if (!kept.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  takeChildren(old, fresh);
}

function takeChildren(old, fresh) {
  const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    let found = wanted.id ? known.get(wanted.id) : place;
    if (found && (found.nodeName !== wanted.nodeName || (found.id || "") !== (wanted.id || ""))) found = null;
    if (!found) { old.insertBefore(wanted, place); continue; }
    // Elements before it were removed from the page, unless they only moved further down.
    while (found !== place && place && !(place.id && fresh.querySelector(`:scope > #${CSS.escape(place.id)}`))) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    if (found === place) place = place.nextSibling;
    else old.insertBefore(found, place);
    take(found, wanted);
  }
  while (place) { const gone = place; place = place.nextSibling; gone.remove(); }
}

let timer = null;
let isFetching = false;
let isStale = false;
const SHORTEST = 250, LONGEST = 4000;
let pause = SHORTEST;
let cost = 0;
let freshAt = new Date();

function refreshSoon() {
  isStale = document.hidden; // Hidden pages refresh when they become visible.
  if (isStale || timer) return;
  // Where there is always something, it is asked for more rarely; and of busy masters, too.
  pause = Date.now() - freshAt > 2 * pause ? SHORTEST : Math.min(2 * pause, LONGEST);
  timer = setTimeout(refresh, Math.min(pause + cost, 10000));
}

document.addEventListener("visibilitychange", () => { if (isStale) refreshSoon(); });

async function refresh() {
  if (isFetching) { timer = setTimeout(refresh, pause); return; }
  timer = null;
  isFetching = true;
  const began = performance.now();
  try {
    const answer = await fetch(location.href);
    if (answer.ok) {
      freshAt = new Date();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      take(main, page.getElementById("main"));
      document.title = page.title;
      followLogs();
      narrow();
    }
  } catch {
    // Connection lost: fetch the page again after reconnecting.
  } finally {
    isFetching = false;
    cost = 3 * (performance.now() - began);
  }
}

function followLogs() {
  for (const [box] of logs) if (!box.isConnected) logs.delete(box);
  for (const box of main.querySelectorAll("details[data-log]")) {
    box.ontoggle = followLogs;
    if (box.open && !logs.has(box)) logs.set(box, new OpenLog(box, api));
    if (logs.has(box)) logs.get(box).grow(Number(box.dataset.lines));
  }
  follow();
}

function follow() {
  if (!socket || socket.readyState !== WebSocket.OPEN) return;
  const patterns = main.dataset.follow.trim().split(/\s+/);
  for (const log of logs.values()) patterns.push(`logs/${log.id}/*`);
  for (const path of patterns.filter((pattern) => !asked.has(pattern))) {
    asked.add(path);
    socket.send(JSON.stringify({cmd: "startConsuming", path, _id: ++calls}));
    refreshSoon(); // Something may have changed before we subscribed.
  }
}

function connect(wait) {
  socket = new WebSocket(new URL(`${root}ws`, location.href).href.replace(/^http/, "ws"));
  socket.onopen = () => {
    wait = 500;
    asked.clear();
    document.getElementById("offline").hidden = true;
    follow();
  };
  socket.onmessage = (message) => {
    const {k: key, m: told} = JSON.parse(message.data);
    if (!key) return;
    if (!key.startsWith("logs/")) { refreshSoon(); return; }
    for (const log of logs.values()) if (key.split("/")[1] === log.id) log.grow(told.num_lines);
  };
  socket.onclose = () => {
    document.getElementById("as-of").textContent = freshAt.toLocaleTimeString();
    document.getElementById("offline").hidden = false;
    setTimeout(connect, wait, Math.min(wait * 2, 30000));
  };
}

async function order(path, method, params) {
  const body = JSON.stringify({jsonrpc: "2.0", id: ++calls, method, params});
  let answer;
  try {
    answer = await fetch(api + path, {method: "POST", headers: {"Content-Type": "application/json"}, body});
  } catch {
    throw new Error("The master is not responding.");
  }
  const {error, result} = await answer.json().catch(() => ({error: {message: `The master answered ${answer.status}.`}}));
  if (!error) return result;
  const sentences = typeof error.message === "string" ? [error.message] : Object.entries(error.message).map(([name, text]) => `${name}: ${text}`);
  throw new Error(sentences.join("; "));
}

const WORDS = {
  stop: () => "Stopping the build.",
  cancel: () => "Request cancelled.",
  force: (result, {builder}) => `Build of ${builder} requested (request ${Object.values(result[1]).join(", ")}).`,
  rebuild: (result) => `Build requested (request ${Object.values(result[1]).join(", ")}).`,
};

let silence = null;

async function carryOut({order: method, path, parameters, then, builder}, more = {}) {
  const said = document.getElementById("said");
  clearTimeout(silence);
  try {
    said.textContent = WORDS[method](await order(path, method, {...JSON.parse(parameters || "{}"), ...more}), {builder});
    said.className = "";
    if (then) {
      const link = document.createElement("a");
      link.href = then;
      link.textContent = "View builder";
      said.append(" ", link);
    } else silence = setTimeout(() => { said.hidden = true; }, 8000);
  } catch (error) {
    said.textContent = error.message;
    said.className = "wrong";
  }
  said.hidden = false;
  refreshSoon();
}

document.addEventListener("click", (click) => {
  const button = click.target.closest("[data-order]");
  if (button) carryOut(button.dataset);
});

// Returns what was entered into a form, by the names of its parameters.
async function answersOf(form) {
  const answers = {};
  for (const field of form.querySelectorAll("[data-answer]")) {
    const name = field.dataset.answer;
    if (field.type === "checkbox") answers[name] = field.checked;
    else if (field.type === "file") answers[name] = field.files.length ? await field.files[0].text() : "";
    else if (field.multiple) answers[name] = [...field.selectedOptions].map((option) => option.value);
    else answers[name] = field.value;
  }
  return answers;
}

document.addEventListener("submit", async (submit) => {
  if (submit.target.method === "post") return; // These the browser sends itself.
  submit.preventDefault();
  if ("answers" in submit.target.dataset) {
    carryOut({order: "force", ...submit.target.dataset}, await answersOf(submit.target));
    return;
  }
  const {choice, reason} = submit.target.elements;
  const more = reason.value ? {reason: reason.value} : {};
  carryOut({order: "force", ...choice.selectedOptions[0].dataset}, more);
});

// Filters a list to the rows that contain the typed text.
function narrow() {
  for (const field of main.querySelectorAll("[data-filter]")) {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of document.getElementById(field.dataset.filter).children) {
      const text = (row.dataset.words || "").toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  }
}

document.addEventListener("input", narrow);

function inWords(seconds, isAgo) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const index = units.findIndex(([size]) => seconds >= size || size === 1);
  const [size, unit] = units[index];
  const words = `${Math.floor(seconds / size)} ${unit}`;
  if (isAgo) return `${words} ago`;
  if (size === 1) return words;
  const [smaller, smallerUnit] = units[index + 1];
  return `${words} ${Math.floor(seconds % size / smaller)} ${smallerUnit}`;
}

setInterval(() => {
  const then = Date.now() / 1000 - skew;
  for (const time of main.querySelectorAll("time[data-since]")) {
    const words = inWords(Math.max(0, Math.floor(then - time.dataset.since)), time.className === "ago");
    if (time.textContent !== words) time.textContent = words;
  }
}, 1000);

followLogs();
if (main.dataset.follow) connect(500);
