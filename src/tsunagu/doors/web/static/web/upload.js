// The upload page: takes files and folders, sends small ones in bundles and large ones by tus, pauses, breaks off,
// and goes on after a reload. Nothing is kept in the browser: the node knows what is unfinished.
import { Sheet } from "./sheet.js";
import { hex, newId, sleep, Wire } from "./wire.js";

const SMALL = 1 << 20, BUNDLE = 16 << 20, MOST_FILES = 5000, AT_ONCE = 3;
const at = (id) => document.getElementById(id);
const root = at("uploader"), words = root.dataset;
const sheet = new Sheet(words);
const lost = (isLost) => sheet.say(isLost ? words.tLost : "");
const wire = new Wire(words, document.querySelector("[name=csrfmiddlewaretoken]").value, lost);
let paused = false, running = null, unfinished = [];

const ended = (job) => job.state === "tDone" || job.state === "tSame";
const rest = async () => { while (paused) await sleep(150); };

async function attempt(jobs, action) {
  try {
    await action();
  } catch (error) {
    if (wire.stopped.signal.aborted) return;
    for (const job of jobs) if (!ended(job)) sheet.set(job, "tFailed", error.message);
  }
}

async function sendGroup(group) {
  let waiting = group;
  if (!wire.push.is_empty) {
    const plan = await wire.plan(group.map((job) => [job.path, job.file.size, hex(job.digest)]));
    const needed = new Set(plan.send);
    group.forEach((job, number) => { if (!needed.has(number)) sheet.done(job, "tSame"); });
    waiting = group.filter((_, number) => needed.has(number));
  }
  if (!waiting.length) return;
  for (const job of waiting) sheet.set(job, "tSending");
  await wire.bundle(newId(), waiting);
  for (const job of waiting) { job.content = null; sheet.done(job); }
}

async function sendSmall(jobs) {
  let group = [], size = 0;
  const flush = async () => {
    const full = group;
    [group, size] = [[], 0];
    if (full.length) await attempt(full, () => sendGroup(full));
  };
  for (const job of jobs) {
    await rest();
    sheet.set(job, "tChecking");
    await attempt([job], async () => {
      job.content = await job.file.arrayBuffer();
      job.digest = await crypto.subtle.digest("SHA-256", job.content);
      group.push(job);
    });
    size += job.file.size + 600;
    if (size > BUNDLE || group.length >= MOST_FILES) await flush();
  }
  await flush();
}

async function sendLarge(job) {
  sheet.set(job, "tChecking");
  let place = "", offset = 0;
  const old = unfinished.find((one) => one.path === job.path);
  if (old && await wire.fits(old, job.file)) {
    offset = await wire.offset(old.url);
    place = offset >= 0 ? old.url : "";
  } else if (old) {
    sheet.say(words.tDiffers);
    await wire.forget(old.url);
  }
  if (!place) { place = await wire.create(job); offset = 0; }
  sheet.set(job, "tSending");
  sheet.moved(job, offset);
  await wire.send(place, job.file, offset, rest, (count) => sheet.moved(job, count));
  sheet.done(job);
}

async function sendAll() {
  const waiting = sheet.jobs.filter((job) => !ended(job));
  await sendSmall(waiting.filter((job) => job.file.size <= SMALL));
  const large = waiting.filter((job) => job.file.size > SMALL);
  const line = async () => { for (let job = large.shift(); job; job = large.shift()) { const one = job; await attempt([one], () => sendLarge(one)); } };
  await Promise.all(Array.from({ length: AT_ONCE }, line));
}

async function run() {
  at("resume").hidden = true;
  sheet.begin();
  for (const id of ["again", "receipt"]) at(id).hidden = true;
  for (const id of ["pause", "stop"]) at(id).hidden = false;
  try {
    if (!wire.push) await wire.open(words.run);
    do { await sendAll(); } while (sheet.count("tWaiting") && !wire.stopped.signal.aborted);
    if (wire.stopped.signal.aborted) return;
    if (sheet.count("tFailed")) {
      sheet.say(words.tProblem);
      at("again").hidden = false;
    } else {
      await wire.finish("ok");
      sheet.say("");
      at("receipt").href = `/receipts/${wire.push.run}`;
      at("receipt").hidden = false;
      at("receipt").focus();
      [wire.push, words.run] = [null, ""];
    }
  } catch (error) {
    if (!wire.stopped.signal.aborted) { sheet.say(error.message); at("again").hidden = false; }
  }
  for (const id of ["pause", "stop"]) at(id).hidden = true;
}

const start = () => { running ??= run().finally(() => { running = null; }); };

function add(file, path) {
  const name = (words.folder ? `${words.folder}/` : "") + path.replace(/^\/+/, "").normalize("NFC");
  const known = sheet.byPath.get(name);
  if (!known || ended(known)) sheet.add(file, name);
  else if (known.state === "tFailed") { known.file = file; sheet.set(known, "tWaiting"); }
}

async function walk(entry, path) {
  if (entry.isFile) { add(await new Promise((ok, no) => entry.file(ok, no)), path + entry.name); return; }
  const reader = entry.createReader();
  for (;;) { // a browser gives at most a hundred entries at a time
    const batch = await new Promise((ok, no) => reader.readEntries(ok, no));
    if (!batch.length) return;
    for (const child of batch) await walk(child, `${path}${entry.name}/`);
  }
}

async function showUnfinished() {
  if (!words.run) return;
  await wire.open(words.run);
  if (wire.push.run !== words.run) return;
  unfinished = await wire.unfinished();
  if (!unfinished.length) return;
  at("resume").querySelector("p").textContent = words.tChoose;
  at("resume").querySelector("ul").replaceChildren(...unfinished.map((one) => {
    const line = document.createElement("li");
    line.textContent = `${one.path} — ${Math.floor((100 * one.offset) / one.length)}\u202f%`;
    return line;
  }));
  at("resume").hidden = false;
}

for (const id of ["pick-files", "pick-folder"]) {
  at(id).addEventListener("change", (event) => {
    for (const file of event.target.files) add(file, file.webkitRelativePath || file.name);
    event.target.value = "";
    start();
  });
}
const drop = at("drop");
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const entries = Array.from(event.dataTransfer.items, (item) => item.webkitGetAsEntry()).filter(Boolean);
  for (const entry of entries) await walk(entry, "");
  start();
});
at("pause").addEventListener("click", () => {
  paused = !paused;
  at("pause").textContent = paused ? words.tResume : words.tPause;
  sheet.say(paused ? words.tPaused : "");
});
at("again").addEventListener("click", () => {
  for (const job of sheet.jobs) if (job.state === "tFailed") sheet.set(job, "tWaiting");
  start();
});
at("stop").addEventListener("click", () => { wire.stopped.abort(); location.reload(); });
window.addEventListener("beforeunload", (event) => { if (running && !paused && !wire.stopped.signal.aborted) event.preventDefault(); });
root.hidden = false;
await showUnfinished().catch((error) => sheet.say(error.message));
