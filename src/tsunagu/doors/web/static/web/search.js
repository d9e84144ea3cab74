// Suggestions below the search field. Half-typed kana are no words: nothing is asked between start and end of a conversion.
const field = document.querySelector("[data-suggestions]");
const list = field && document.getElementById(field.getAttribute("list"));
let wait = 0, asked = "";

async function suggest() {
  const text = field.value.trim();
  if (!text || text === asked) return;
  asked = text;
  try {
    const answer = await fetch(`${field.dataset.suggestions}?q=${encodeURIComponent(text)}`);
    if (!answer.ok || field.value.trim() !== text) return;
    const found = await answer.json();
    list.replaceChildren(...found.suggestions.map((one) => {
      const option = document.createElement("option");
      option.value = one;
      return option;
    }));
  } catch { /* without suggestions one types on */ }
}

function later(event) {
  if (event.isComposing) return;
  clearTimeout(wait);
  wait = setTimeout(suggest, 150);
}

if (field) {
  field.addEventListener("input", later);
  field.addEventListener("compositionend", () => { clearTimeout(wait); wait = setTimeout(suggest, 50); });
}
