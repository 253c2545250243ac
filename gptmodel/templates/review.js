"use strict";
// The ticks of a review sheet: kept in this browser, saved as a small file without text, sent nowhere.
const sheet = document.getElementById("sheet");
const key = "gptmodel-review-" + sheet.dataset.sheet;
const passages = [...sheet.querySelectorAll(".passage")];
const reviewer = document.getElementById("reviewer");
const save = document.getElementById("save");
const state = { read: 0, missed: {}, reviewer: "" };

function remember() {
  try { localStorage.setItem(key, JSON.stringify(state)); } catch { /* without storage the ticks live as long as the page */ }
}

function recall() {
  try { Object.assign(state, JSON.parse(localStorage.getItem(key) || "{}")); } catch { /* as above */ }
}

function show() {
  for (const passage of passages) {
    const kind = state.missed[passage.dataset.passage];
    const choice = passage.querySelector("select");
    passage.querySelector("input").checked = kind !== undefined;
    choice.hidden = kind === undefined;
    if (kind !== undefined) choice.value = kind;
    passage.classList.toggle("missed", kind !== undefined);
    passage.classList.toggle("read", Number(passage.dataset.passage) <= state.read);
  }
  const missed = Object.keys(state.missed).length;
  document.getElementById("state").textContent = `read ${state.read} of ${passages.length}, missed in ${missed}`;
  save.disabled = state.read === 0;
}

function change() {
  remember();
  show();
}

for (const passage of passages) {
  const number = Number(passage.dataset.passage);
  const choice = passage.querySelector("select");
  passage.querySelector("input").addEventListener("change", event => {
    if (event.target.checked) {
      state.missed[number] = choice.value;
      state.read = Math.max(state.read, number);
    } else {
      delete state.missed[number];
    }
    change();
  });
  choice.addEventListener("change", () => { state.missed[number] = choice.value; change(); });
  passage.querySelector("button").addEventListener("click", () => {
    state.read = number;
    for (const ticked of Object.keys(state.missed)) state.read = Math.max(state.read, Number(ticked));
    change();
  });
}

reviewer.addEventListener("input", () => { state.reviewer = reviewer.value; remember(); });

save.addEventListener("click", () => {
  const missed = Object.entries(state.missed).map(([passage, kind]) => ({ passage: Number(passage), kind }));
  const result = { sheet: sheet.dataset.sheet, num_read: state.read, missed, reviewer: state.reviewer };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(result)], { type: "application/json" }));
  link.download = `review-${sheet.dataset.sheet}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
});

recall();
reviewer.value = state.reviewer;
show();
