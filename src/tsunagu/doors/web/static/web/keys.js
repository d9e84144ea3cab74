// Single keys for lists that one works through: j, k and Enter, a letter for each marked button, / and ?.
// They rest in fields, while Japanese is being typed, with modifiers, and where somebody turned them off (WCAG 2.1.4).
const KEPT = "tsunagu.keys";
const list = document.querySelector("[data-keys=list]");
const off = document.querySelector("[data-keys=off]");
const help = document.querySelector("details.keys");

const kept = () => { try { return localStorage.getItem(KEPT); } catch { return null; } };

if (off) {
  off.checked = kept() === "off";
  off.addEventListener("change", () => {
    try { localStorage.setItem(KEPT, off.checked ? "off" : "on"); } catch { /* a browser that keeps nothing */ }
  });
}

function step(by) {
  const links = list ? [...list.querySelectorAll("th a")] : [];
  if (!links.length) return;
  const now = links.findIndex((one) => one.closest("tr").contains(document.activeElement));
  links[now < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(now + by, 0), links.length - 1)].focus();
}

const actions = {
  j: () => step(1),
  k: () => step(-1),
  "/": () => document.getElementById("box")?.focus(),
  "?": () => { if (help) { help.open = true; help.querySelector("summary").focus(); } },
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
  if (off?.checked || event.target.closest("input, select, textarea, [contenteditable]")) return;
  const button = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  const action = button && !button.disabled ? () => button.click() : actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
