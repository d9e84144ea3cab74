// What the upload page shows: one line per file that needs a look, sums, time left.
const at = (id) => document.getElementById(id);
const MOST_LINES = 200;
const fill = (text, values) => text.replace(/\{(\w)\}/g, (_, name) => values[name]);

function size(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count, unit = 0;
  while (value >= 999.5 && unit < units.length - 1) { value /= 1000; unit += 1; }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)}\u202f${units[unit]}`;
}

export class Sheet {
  constructor(words) {
    Object.assign(this, { words, jobs: [], byPath: new Map(), tally: {}, total: 0, sent: 0, began: 0, before: 0, due: 0 });
  }

  add(file, path) {
    const job = { file, path, state: "", sent: 0 };
    this.jobs.push(job);
    this.byPath.set(path, job);
    this.total += file.size;
    this.set(job, "tWaiting");
  }

  begin() {
    this.began = performance.now();
    this.before = this.sent;
    at("total").hidden = false;
  }

  // Files that are done leave the list; problems stand first.
  show(job, problem = "") {
    if (!job.row) {
      job.row = document.createElement("li");
      job.name = job.row.appendChild(document.createElement("code"));
      job.word = job.row.appendChild(document.createElement("span"));
      job.name.textContent = job.path;
    }
    job.problem = problem;
    job.word.textContent = problem ? `${this.words[job.state]}: ${problem}` : this.words[job.state];
    job.word.className = problem ? "error" : "meta";
    const list = at("list");
    if (["tDone", "tSame"].includes(job.state)) job.row.remove();
    else if (problem) list.prepend(job.row);
    else if (!job.row.isConnected && list.children.length < MOST_LINES) list.append(job.row);
  }

  set(job, state, problem = "") {
    // Counts are kept, not counted: a folder may hold a hundred thousand files.
    this.tally[job.state] = (this.tally[job.state] ?? 0) - 1;
    this.tally[state] = (this.tally[state] ?? 0) + 1;
    job.state = state;
    this.show(job, problem);
    this.sums();
  }

  moved(job, count) {
    this.sent += count - job.sent;
    job.sent = count;
    if (job.file.size > 1 << 20 && job.row?.isConnected) {
      job.bar ??= job.row.appendChild(Object.assign(document.createElement("progress"), { max: job.file.size }));
      job.bar.setAttribute("aria-label", job.path);
      job.bar.value = count;
    }
    this.sums();
  }

  done(job, state = "tDone") {
    this.moved(job, job.file.size);
    this.set(job, state);
  }

  count(...states) {
    return states.reduce((sum, state) => sum + (this.tally[state] ?? 0), 0);
  }

  sums() {
    this.due ||= setTimeout(() => { this.due = 0; this.write(); }, 100);
  }

  write() {
    const share = this.total ? this.sent / this.total : 1;
    at("total-bar").value = share;
    at("total-text").textContent = `${size(this.sent)} / ${size(this.total)} · ${Math.floor(100 * share)}\u202f%`;
    at("counts").textContent = fill(this.words.tCounts, { a: this.count("tDone", "tSame"), s: this.count("tSending", "tChecking"), w: this.count("tWaiting"), p: this.count("tFailed") });
    const seconds = (performance.now() - this.began) / 1000, moved = this.sent - this.before;
    const minutes = Math.ceil(((this.total - this.sent) * seconds) / Math.max(moved, 1) / 60);
    at("total-left").textContent = seconds > 3 && moved && share < 1 ? fill(this.words.tLeft, { m: minutes }) : "";
  }

  say(text) {
    at("said").textContent = text;
  }
}
