// Sends files to the byte server: small ones in bundles, large ones by tus in pieces that resume.
// Nothing but names, sizes and addresses is kept in the browser, so that a reload goes on where it stopped.
const root = document.getElementById("uploader");
const SMALL = 1 << 20, BUNDLE = 16 << 20, PIECE = 16 << 20;
const words = root.dataset;
const csrf = document.querySelector("[name=csrfmiddlewaretoken]").value;
const memory = `tsunagu-upload:${words.project}/${words.dataset}`;
let paused = false, running = false, push = null, total = 0, sent = 0;
let jobs = [];

const state = () => JSON.parse(localStorage.getItem(memory) || '{"uploads":{}}');
const keep = (value) => localStorage.setItem(memory, JSON.stringify(value));
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function api(method, path, body) {
  const answer = await fetch(words.api + path, {
    method, headers: { "Content-Type": "application/json", "X-CSRFToken": csrf }, body: body === undefined ? undefined : JSON.stringify(body),
  });
  const value = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(value.title), { code: value.code, status: answer.status });
  return value;
}

async function openPush() {
  const known = state();
  if (known.run) {
    try { return await api("POST", `/pushes/${known.run}/capability`); } catch { keep({ uploads: {} }); }
  }
  const opened = await api("POST", `/datasets/${words.project}/${words.dataset}/pushes`, { create: false, kind: "browser", client: navigator.userAgent.slice(0, 180) });
  keep({ ...state(), run: opened.run });
  return opened;
}

async function bytes(method, url, headers, body) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await fetch(url, { method, headers: { Authorization: `Bearer ${push.capability}`, ...headers }, body });
      if (answer.status === 401 && attempt < 3) { push = await api("POST", `/pushes/${push.run}/capability`); continue; }
      if (answer.status >= 500 && attempt < 5) throw new Error(String(answer.status));
      return answer;
    } catch (error) {
      if (attempt >= 5 || method === "PATCH") throw error;
      await sleep(500 * 2 ** attempt);
    }
  }
}

const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, "0")).join("");
const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

function bundleOf(group) {
  const parts = [];
  for (const job of group) {
    const path = new TextEncoder().encode(job.path);
    const head = new DataView(new ArrayBuffer(42));
    head.setUint16(0, path.length);
    head.setBigUint64(2, BigInt(job.file.size));
    new Uint8Array(head.buffer).set(new Uint8Array(job.digest), 10);
    parts.push(head.buffer, path, job.content);
  }
  parts.push(new Uint8Array(2));
  return new Blob(parts);
}

function newId() {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let time = Date.now(), id = "";
  for (let i = 0; i < 10; i += 1) { id = letters[time % 32] + id; time = Math.floor(time / 32); }
  return id + Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => letters[b % 32]).join("");
}

async function sendSmall(group) {
  for (const job of group) show(job, words.tSending);
  const answer = await bytes("POST", `${push.byte_url}/bundles`, { "Content-Type": "application/vnd.tsunagu.bundle; version=1", "Tsunagu-Bundle-Id": newId() }, bundleOf(group));
  if (!answer.ok) throw new Error((await answer.json()).title);
  for (const job of group) { finish(job); job.content = null; }
}

async function sendLarge(job) {
  show(job, words.tSending);
  const key = `${job.path}|${job.file.size}|${job.file.lastModified}`;
  let url = state().uploads[key], offset = 0;
  const tus = { "Tus-Resumable": "1.0.0" };
  if (url) {
    const head = await bytes("HEAD", url, tus);
    if (head.ok) offset = Number(head.headers.get("Upload-Offset")); else url = "";
  }
  if (!url) {
    const made = await bytes("POST", `${push.byte_url}/tus`, { ...tus, "Upload-Length": String(job.file.size), "Upload-Metadata": `path ${encode(job.path)}` });
    if (!made.ok) throw new Error((await made.json()).title);
    url = new URL(made.headers.get("Location"), push.byte_url).href;
    keep({ ...state(), uploads: { ...state().uploads, [key]: url } });
  }
  job.sent = offset;
  for (let tries = 0; offset < job.file.size || tries === 0;) {
    while (paused) await sleep(200);
    try {
      const answer = await bytes("PATCH", url, { ...tus, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" }, job.file.slice(offset, offset + PIECE));
      if (!answer.ok) throw Object.assign(new Error((await answer.json()).title), { final: answer.status < 500 && answer.status !== 409 && answer.status !== 423 });
      offset = Number(answer.headers.get("Upload-Offset"));
      tries = 1;
    } catch (error) {
      if (error.final || tries > 6) throw error;
      await sleep(500 * 2 ** tries);
      tries += 1;
      const head = await bytes("HEAD", url, tus);
      if (head.ok) offset = Number(head.headers.get("Upload-Offset"));
    }
    progress(job, offset);
  }
  const known = state();
  delete known.uploads[key];
  keep(known);
  finish(job);
}

function show(job, word, problem) {
  job.state = word;
  if (!job.row) { job.row = document.createElement("li"); }
  job.row.textContent = problem ? `${job.path} — ${word}: ${problem}` : `${job.path} — ${word}`;
  job.row.className = problem ? "error" : "";
  const list = document.getElementById("list");
  if (problem) list.prepend(job.row); else if (!job.row.isConnected && list.children.length < 200) list.append(job.row);
}

function progress(job, count) {
  sent += count - (job.sent || 0);
  job.sent = count;
  const bar = document.getElementById("total-bar");
  bar.value = total ? sent / total : 1;
  const done = jobs.filter((j) => j.state === words.tDone || j.state === words.tSame).length;
  document.getElementById("total-text").textContent = `${done} / ${jobs.length} · ${(sent / 1e6).toFixed(1)} / ${(total / 1e6).toFixed(1)} MB · ${total ? Math.floor((100 * sent) / total) : 100} %`;
}

function finish(job, word = words.tDone) { show(job, word); progress(job, job.file.size); if (job.row && job.row.isConnected) job.row.remove(); }

async function sendGroup(group) {
  let waiting = group;
  if (!push.is_empty) {
    const plan = await api("POST", `/pushes/${push.run}/plan`, { files: group.map((j) => [j.path, j.file.size, hex(j.digest)]) });
    const needed = new Set(plan.send);
    group.forEach((job, n) => { if (!needed.has(n)) finish(job, words.tSame); });
    waiting = group.filter((_, n) => needed.has(n));
  }
  if (waiting.length) await sendSmall(waiting);
}

async function attempt(list, action) {
  try { await action(); } catch (error) { for (const job of list) if (job.state !== words.tDone && job.state !== words.tSame) show(job, words.tFailed, error.message); }
}

async function run() {
  if (running) return;
  running = true;
  document.getElementById("total").hidden = false;
  document.getElementById("again").hidden = true;
  push = await openPush();
  const waiting = jobs.filter((j) => j.state !== words.tDone && j.state !== words.tSame);
  let group = [], size = 0;
  for (const job of waiting.filter((j) => j.file.size <= SMALL)) {
    while (paused) await sleep(200);
    try {
      job.content = await job.file.arrayBuffer();
      job.digest = await crypto.subtle.digest("SHA-256", job.content);
    } catch (error) { show(job, words.tFailed, error.message); continue; }
    group.push(job);
    size += job.file.size + 600;
    if (size > BUNDLE || group.length >= 5000) { const full = group; await attempt(full, () => sendGroup(full)); group = []; size = 0; }
  }
  if (group.length) await attempt(group, () => sendGroup(group));
  for (const job of waiting.filter((j) => j.file.size > SMALL)) await attempt([job], () => sendLarge(job));
  const bad = jobs.filter((j) => j.state !== words.tDone && j.state !== words.tSame);
  const text = document.getElementById("total-text");
  if (bad.length) {
    text.textContent = words.tProblem;
    document.getElementById("again").hidden = false;
  } else {
    await api("POST", `/pushes/${push.run}/finish`, { outcome: "ok" });
    localStorage.removeItem(memory);
    text.textContent = "";
    const link = document.createElement("a");
    link.href = `/receipts/${push.run}`;
    link.textContent = words.tReceipt;
    text.append(link);
  }
  running = false;
}

function add(file, path) {
  const name = (words.folder ? `${words.folder}/` : "") + path.replace(/^\/+/, "").normalize("NFC");
  jobs.push({ file, path: name, state: words.tWaiting, sent: 0 });
  total += file.size;
}

async function walk(entry, path) {
  if (entry.isFile) { add(await new Promise((ok, no) => entry.file(ok, no)), path + entry.name); return; }
  const reader = entry.createReader();
  for (;;) {
    const batch = await new Promise((ok, no) => reader.readEntries(ok, no));
    if (!batch.length) return;
    for (const child of batch) await walk(child, `${path}${entry.name}/`);
  }
}

root.hidden = false;
for (const id of ["pick-files", "pick-folder"]) {
  document.getElementById(id).addEventListener("change", (event) => {
    for (const file of event.target.files) add(file, file.webkitRelativePath || file.name);
    run();
  });
}
const drop = document.getElementById("drop");
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const entries = Array.from(event.dataTransfer.items, (item) => item.webkitGetAsEntry()).filter(Boolean);
  for (const entry of entries) await walk(entry, "");
  run();
});
document.getElementById("pause").addEventListener("click", () => { paused = !paused; });
document.getElementById("again").addEventListener("click", () => run());
window.addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });
