// Speaks to the node for the upload page: REST with the session, the byte server with a capability.
// Large files go by tus in pieces that resume; the beginning of a file tells whether it is still the same one.
const TUS = { "Tus-Resumable": "1.0.0" };
const HEAD = 1 << 20;
const TRIES = 6;
export const PIECE = 8 << 20;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, "0")).join("");
const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const digest = async (blob) => crypto.subtle.digest("SHA-256", await blob.arrayBuffer());

export class Refused extends Error {}

export class Wire {
  // `lost` is called when the line breaks and with false when it is back.
  constructor(words, csrf, lost) {
    Object.assign(this, { words, csrf, lost, push: null, stopped: new AbortController() });
  }

  async api(method, path, body) {
    const answer = await this.reach(() => fetch(this.words.api + path, {
      method,
      headers: { "Content-Type": "application/json", "X-CSRFToken": this.csrf },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: this.stopped.signal,
    }));
    const value = await answer.json();
    if (!answer.ok) throw new Refused([value.title, value.remedy].filter(Boolean).join(" "));
    return value;
  }

  // Waits while the line is down; a refusal of the node ends it.
  async reach(ask) {
    for (let tries = 0; ; tries += 1) {
      try {
        const answer = await ask();
        if (answer.status < 500 || tries >= TRIES) { if (tries) this.lost(false); return answer; }
      } catch (error) {
        if (this.stopped.signal.aborted || tries >= 60) throw error;
        this.lost(true);
      }
      await sleep(Math.min(500 * 2 ** tries, 15_000));
    }
  }

  async open(run) {
    if (run) {
      try { this.push = await this.api("POST", `/pushes/${run}/capability`); return; } catch (error) { if (!(error instanceof Refused)) throw error; }
    }
    this.push = await this.api("POST", `/datasets/${this.words.project}/${this.words.dataset}/pushes`, { create: false, kind: "browser", client: navigator.userAgent.slice(0, 180) });
  }

  async bytes(method, path, headers, body) {
    for (let renewed = false; ; renewed = true) {
      const answer = await this.reach(() => fetch(new URL(path, this.push.byte_url), { method, headers: { Authorization: `Bearer ${this.push.capability}`, ...headers }, body, signal: this.stopped.signal }));
      if (answer.status !== 401 || renewed) return answer;
      this.push = await this.api("POST", `/pushes/${this.push.run}/capability`);
    }
  }

  async must(answer) {
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({ title: String(answer.status) }));
    throw new Refused([problem.title, problem.remedy].filter(Boolean).join(" "));
  }

  async unfinished() {
    const answer = await this.bytes("GET", "/tus", {});
    return answer.ok ? (await answer.json()).uploads : [];
  }

  plan(files) {
    return this.api("POST", `/pushes/${this.push.run}/plan`, { files });
  }

  finish(outcome, reason = "") {
    return this.api("POST", `/pushes/${this.push.run}/finish`, { outcome, reason });
  }

  async bundle(id, jobs) {
    const parts = [];
    for (const job of jobs) {
      const path = new TextEncoder().encode(job.path);
      const head = new DataView(new ArrayBuffer(42));
      head.setUint16(0, path.length);
      head.setBigUint64(2, BigInt(job.file.size));
      new Uint8Array(head.buffer).set(new Uint8Array(job.digest), 10);
      parts.push(head.buffer, path, job.content);
    }
    parts.push(new Uint8Array(2));
    const headers = { "Content-Type": "application/vnd.tsunagu.bundle; version=1", "Tsunagu-Bundle-Id": id };
    await this.must(await this.bytes("POST", "/bundles", headers, new Blob(parts)));
  }

  // Whether an unfinished upload is of this very file: size, time of change and the hash of its beginning agree.
  async fits(old, file) {
    if (old.length !== file.size || old.metadata.mtime !== String(file.lastModified)) return false;
    return old.metadata.head === hex(await digest(file.slice(0, HEAD)));
  }

  async create(job) {
    const head = hex(await digest(job.file.slice(0, HEAD)));
    const metadata = { path: job.path, mtime: String(job.file.lastModified), head };
    const pairs = Object.entries(metadata).map(([name, value]) => `${name} ${encode(value)}`);
    const headers = { ...TUS, "Upload-Length": String(job.file.size), "Upload-Metadata": pairs.join(",") };
    const made = await this.must(await this.bytes("POST", "/tus", headers));
    return new URL(made.headers.get("Location"), this.push.byte_url).pathname;
  }

  async offset(place) {
    const answer = await this.bytes("HEAD", place, TUS);
    return answer.ok ? Number(answer.headers.get("Upload-Offset")) : -1;
  }

  forget(place) {
    return this.bytes("DELETE", place, TUS);
  }

  // Sends the rest of a file; `rest` may wait (pause), `moved` hears how far it is.
  async send(place, file, offset, rest, moved) {
    for (let failed = 0; offset < file.size;) {
      await rest();
      let answer = null;
      try {
        const headers = { ...TUS, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
        answer = await this.bytes("PATCH", place, headers, file.slice(offset, offset + PIECE));
      } catch (error) {
        if (this.stopped.signal.aborted || failed > TRIES) throw error;
      }
      if (answer?.ok) {
        offset = Number(answer.headers.get("Upload-Offset"));
        failed = 0;
      } else {
        if (answer && answer.status < 500 && ![409, 423].includes(answer.status)) await this.must(answer);
        failed += 1;
        if (failed > TRIES) throw new Refused(String(answer?.status ?? ""));
        await sleep(500 * 2 ** failed);
        const stands = await this.offset(place);
        if (stands >= 0) offset = stands;
      }
      moved(offset);
    }
  }
}

export function newId() {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let time = Date.now(), id = "";
  for (let i = 0; i < 10; i += 1) { id = letters[time % 32] + id; time = Math.floor(time / 32); }
  return id + Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => letters[b % 32]).join("");
}
