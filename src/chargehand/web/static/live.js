"use strict";
// Follows what happens: the page's lists are fetched again when something changed, logs grow by lines.
const root = document.body.dataset.root;
const api = root + "api/v2/";
const TAIL = 2000;
const followed = new Map();
let send = null;
let calls = 0;
let refreshing = null;

// Links that Buildbot's interface made (#/builds/3) lead to the same thing here.
if (location.hash.startsWith("#/")) location.replace(root + location.hash.slice(2));

function plain(text) {
  return text.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, "").replace(/^.*\r(?=[^\r\n])/gm, "");
}

function show(box, text) {
  const pre = box.querySelector("pre");
  const atEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 30;
  const part = document.createDocumentFragment();
  for (const line of text.split(/(?<=\n)/)) {
    if (box.dataset.type !== "s") { part.append(plain(line)); continue; }
    const span = document.createElement("span");
    span.className = line[0];
    span.textContent = plain(line.slice(1));
    part.append(span);
  }
  pre.append(part);
  while (pre.childNodes.length > TAIL * 2) pre.firstChild.remove();
  if (atEnd) pre.scrollTop = pre.scrollHeight;
}

async function grow(box) {
  const log = followed.get(box);
  if (log.busy) { log.again = true; return; }
  log.busy = true;
  try {
    const info = (await (await fetch(api + "logs/" + box.dataset.log, {headers: {Accept: "application/json"}})).json()).logs[0];
    const first = Math.max(log.next, info.num_lines - TAIL);
    if (info.num_lines > first) {
      const url = api + "logs/" + box.dataset.log + "/contents?offset=" + first + "&limit=" + (info.num_lines - first);
      show(box, (await (await fetch(url, {headers: {Accept: "application/json"}})).json()).logchunks[0].content);
      log.next = info.num_lines;
    }
  } finally {
    log.busy = false;
    if (log.again) { log.again = false; setTimeout(grow, 200, box); }
  }
}

function follow(box) {
  if (followed.has(box)) return;
  followed.set(box, {next: 0});
  if (send) send("logs/" + box.dataset.log + "/*");
  grow(box);
}

function openLogs() {
  for (const box of document.querySelectorAll("details[data-log]")) {
    box.ontoggle = () => box.open && follow(box);
    if (box.open) follow(box);
  }
}

async function refresh() {
  refreshing = null;
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const fresh = page.getElementById("main");
  // Logs that are open stay as they are: their text is in the old nodes.
  const kept = [];
  for (const box of [...followed.keys()]) {
    const place = fresh.querySelector('details[data-log="' + box.dataset.log + '"]');
    if (!place) { followed.delete(box); continue; }
    kept.push([box.querySelector("pre"), box.querySelector("pre").scrollTop]);
    box.querySelector("summary").replaceWith(place.querySelector("summary"));
    place.replaceWith(box);
  }
  document.getElementById("main").replaceWith(fresh);
  for (const [pre, position] of kept) pre.scrollTop = position;
  openLogs();
}

function connect(wait) {
  const patterns = document.getElementById("main").dataset.follow;
  if (!patterns) return;
  const socket = new WebSocket(new URL(root + "ws", location.href).href.replace(/^http/, "ws"));
  socket.onopen = () => {
    wait = 1000;
    send = (path) => socket.send(JSON.stringify({cmd: "startConsuming", path, _id: ++calls}));
    patterns.split(" ").forEach(send);
    for (const box of followed.keys()) { send("logs/" + box.dataset.log + "/*"); grow(box); }
    refreshing = refreshing || setTimeout(refresh, 0);
  };
  socket.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (!event.k) return;
    if (event.k.startsWith("logs/")) {
      for (const box of followed.keys()) if (event.k.split("/")[1] === box.dataset.log) grow(box);
    } else {
      refreshing = refreshing || setTimeout(refresh, 300);
    }
  };
  socket.onclose = () => { send = null; setTimeout(connect, wait, Math.min(wait * 2, 30000)); };
}

document.addEventListener("click", async (click) => {
  const method = click.target.dataset && click.target.dataset.order;
  if (!method) return;
  const build = document.getElementById("main").dataset.build;
  const body = JSON.stringify({jsonrpc: "2.0", id: ++calls, method, params: {}});
  const answer = await (await fetch(api + "builds/" + build, {method: "POST", headers: {"Content-Type": "application/json"}, body})).json();
  const said = document.querySelector("output");
  if (said) said.textContent = answer.error ? JSON.stringify(answer.error.message) : method === "stop" ? "stopping…" : "asked for another build";
});

openLogs();
connect(1000);
