"use strict";
// Lays out the lists, whose rows are all in the page already, and filters them. Work is done in slices, so that typing never waits.
const SLICE_MS = 8;
const pause = () => new Promise((resolve) => setTimeout(resolve));

const own = globalThis.trustedTypes?.createPolicy("hullmark", { createHTML: (markup) => markup }) ?? { createHTML: (markup) => markup };

// Makes markup of a chunk's rows: the text of its noscript is what a browser without scripts reads in its place.
function fill(chunk) {
  const held = chunk.querySelector(":scope > noscript");
  if (held) chunk.innerHTML = own.createHTML(held.textContent);
  return chunk.firstElementChild.children;
}

async function start(list) {
  const form = list.querySelector("form");
  const total = Number(list.dataset.rows);
  const said = list.querySelector(".shown");
  const chunks = [...list.querySelectorAll(".chunk")];
  const texts = new Map(); // row -> its text in lower case, made when first searched
  let turn = 0;

  function wanted() {
    const data = new FormData(form);
    const boxes = form.querySelectorAll("[name=s]");
    const levels = new Set(data.getAll("s"));
    const words = data.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    const [state, place, kind] = ["f", "o", "e"].map((name) => data.get(name) || "");
    return (row) => {
      const { s, f, o, l, e } = row.dataset;
      if (levels.size < boxes.length && !levels.has(s)) return false;
      if ((state && f !== state) || (kind && e !== kind)) return false;
      if (place && o !== place && !l.split(" ").includes(place)) return false;
      if (!words.length) return true;
      if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
      const text = texts.get(row);
      return words.every((word) => text.includes(word));
    };
  }

  async function filter() {
    const mine = ++turn;
    list.ariaBusy = "true";
    const fits = wanted();
    let until = performance.now() + SLICE_MS;
    let shown = 0;
    for (const chunk of chunks) {
      let rows = 0;
      for (const row of fill(chunk)) {
        const fit = fits(row);
        if (row.hidden === fit) row.hidden = !fit;
        if (fit) rows += 1;
      }
      chunk.hidden = rows === 0;
      chunk.style.setProperty("--rows", rows);
      shown += rows;
      if (performance.now() > until) {
        await pause();
        if (mine !== turn) return; // something else was asked meanwhile
        until = performance.now() + SLICE_MS;
      }
    }
    const [all, some] = [total, shown].map((number) => number.toLocaleString("en"));
    said.textContent = shown === total ? `All ${all} ${said.dataset.what} are shown.` : `${some} of ${all} ${said.dataset.what} are shown.`;
    list.ariaBusy = "false";
  }

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    list.ariaBusy = "true";
    setTimeout(filter); // the controls are reset after this event
  });
  await filter();
}

(async () => {
  for (const list of document.querySelectorAll(".list")) await start(list);
})();

// A layer's number of findings leads to just these.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-layer]");
  if (!link) return;
  const form = document.querySelector(`#${link.dataset.to}-findings form`);
  form.reset();
  form.elements.o.value = link.dataset.layer;
  form.dispatchEvent(new Event("input"));
});

// Paper shows what is closed on the screen.
let opened = [];
addEventListener("beforeprint", () => {
  document.querySelectorAll(".chunk").forEach(fill);
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const each of opened) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of opened) each.open = false;
  opened = [];
});
