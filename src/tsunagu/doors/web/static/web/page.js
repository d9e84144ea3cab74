// What every page does beyond HTML: copy buttons, the guard for Japanese input, polling that rests in hidden tabs.
const words = document.body.dataset;
const status = document.getElementById("status");

export function say(text) {
  const line = document.createElement("p");
  line.className = "sr";
  line.textContent = text;
  status.append(line);
  setTimeout(() => line.remove(), 4000);
}

// Copy: the button is hidden where it cannot work.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const before = button.innerHTML;
    button.textContent = words.tCopied;
    say(words.tCopied);
    setTimeout(() => { button.innerHTML = before; }, 1500);
  });
}

// The Enter key that confirms a conversion must not send the form: Safari says 229, others say isComposing.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.preventDefault();
}, true);

// An error of a form comes into view and takes the focus.
const error = document.querySelector("main form [role=alert], #error");
if (error) { error.tabIndex = -1; error.focus(); }

// Parts that ask for themselves again rest while nobody looks, and try again after a failure.
const resting = new Set();
const wake = (part) => { if (part.isConnected && window.htmx) window.htmx.trigger(part, "wake"); };

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!document.hidden) return;
  event.preventDefault();
  resting.add(event.detail.elt);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const part of resting) wake(part);
  resting.clear();
});
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    say(words.tLost);
    setTimeout(() => wake(event.detail.elt), 10_000);
  });
}
