// What makes the pages quicker to use. Each of them can be read, and its links followed, without this.

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const link = button.dataset.copy ? new URL(button.dataset.copy, location.href).href : "";
    const words = [button.dataset.copyText, link].filter(Boolean).join(" ");
    try {
      await navigator.clipboard.writeText(words);
      said(button, "Copied");
    } catch {
      said(button, "Press Ctrl+C");
      window.prompt("Copy this:", words);
    }
  });
}

function said(button, words) {
  const before = button.textContent;
  button.textContent = words;
  setTimeout(() => (button.textContent = before), 2000);
}

// The base as it stood: a slider over the revisions, beside the number that works without a script.
const slider = document.querySelector("form.slider");
if (slider !== null) {
  const number = slider.querySelector("#as_of");
  const answer = await fetch("/v1/revisions?limit=1");
  const latest = Number(answer.headers.get("KB-Revision"));
  if (latest > 1) {
    number.max = latest;
    const range = document.createElement("input");
    range.type = "range";
    range.min = 1;
    range.max = latest;
    range.value = number.value;
    range.setAttribute("aria-label", "Revision");
    const told = document.createElement("output");
    number.after(range, told);
    const say = async () => {
      const found = await fetch(`/v1/revisions/${range.value}`);
      if (found.ok) {
        const revision = await found.json();
        told.textContent = `${revision.published_at.slice(0, 10)}: ${revision.why}`;
      }
    };
    range.addEventListener("input", () => {
      number.value = range.value;
      say();
    });
    range.addEventListener("change", () => slider.requestSubmit());
    number.addEventListener("input", () => (range.value = number.value));
  }
  // A reader who sees the present keeps an address without a revision in it.
  slider.addEventListener("submit", () => {
    if (Number(number.value) === latest) number.disabled = true;
  });
}
