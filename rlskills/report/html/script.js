"use strict";

// The theme, which arms are shown, and the tables. `figures.js`, behind this, draws.

const root = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const arms = JSON.parse(document.getElementById("arm-names").textContent);
const changed = new EventTarget(); // "theme" and "arms"
const tell = (what) => changed.dispatchEvent(new Event(what));

// ---- theme: the system's, until the reader chooses
const system = matchMedia("(prefers-color-scheme: dark)");
const themeButton = document.getElementById("theme");
let theme = null;

function applyTheme(name) {
  root.dataset.theme = name;
  themeButton.textContent = name === "dark" ? "Light page" : "Dark page";
  tell("theme");
}
const currentTheme = () => theme ?? (system.matches ? "dark" : "light");
themeButton.addEventListener("click", () => {
  theme = currentTheme() === "dark" ? "light" : "dark";
  applyTheme(theme);
});
system.addEventListener("change", () => applyTheme(currentTheme()));
applyTheme(currentTheme());

// ---- arms: shown where a word of the filter is in the name and the button is pressed
const filter = document.getElementById("arm-filter");
const armButtons = all(".arm");
const off = new Set();

function matches(number) {
  const words = filter.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  const name = arms[number].toLowerCase();
  return !words.length || words.some((word) => name.includes(word));
}
const isShown = (number) => !off.has(number) && matches(number);

function applyArms() {
  const shown = arms.map((_, number) => isShown(number));
  for (const button of armButtons) {
    const number = Number(button.dataset.number);
    button.setAttribute("aria-pressed", String(!off.has(number)));
    button.parentElement.classList.toggle("hidden", !matches(number));
  }
  for (const element of all("[data-arm]")) {
    element.classList.toggle("hidden", !shown[Number(element.dataset.arm)]);
  }
  const count = shown.filter(Boolean).length;
  document.getElementById("arm-count").textContent =
    count === arms.length ? `${count} arms` : `${count} of ${arms.length} arms`;
  tell("arms");
}
let waiting = 0;
filter.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(applyArms, 120);
});
for (const button of armButtons) {
  const number = Number(button.dataset.number);
  button.addEventListener("click", () => {
    if (!off.delete(number)) off.add(number);
    applyArms();
  });
}
document.getElementById("arms-all").addEventListener("click", () => {
  off.clear();
  filter.value = "";
  applyArms();
});
document.getElementById("arms-none").addEventListener("click", () => {
  arms.forEach((_, number) => off.add(number));
  applyArms();
});
if (matchMedia("(max-width: 56rem)").matches) document.querySelector(".side").open = false;

// ---- tables
const SIZES = { k: 1e3, M: 1e6, G: 1e9 };

function numberIn(text) {
  const found = text.replaceAll(",", "").match(/^\s*([+-]?(?:\d+\.?\d*|\.\d+))\s?([kMG]?)/);
  return found ? Number(found[1]) * (SIZES[found[2]] ?? 1) : null;
}
function compare(a, b) {
  const [x, y] = [numberIn(a), numberIn(b)];
  if (x !== null && y !== null) return x - y;
  if (x !== null || y !== null) return x === null ? 1 : -1; // what is no number comes last
  return a.localeCompare(b, undefined, { numeric: true });
}
function sortBy(table, column) {
  const titles = all("thead th", table);
  const before = titles[column].getAttribute("aria-sort");
  const numeric = titles[column].classList.contains("number");
  const first = numeric ? "descending" : "ascending";
  const next = !before ? first : before === "ascending" ? "descending" : "ascending";
  titles.forEach((title) => title.removeAttribute("aria-sort"));
  titles[column].setAttribute("aria-sort", next);
  const body = table.tBodies[0];
  const text = (row) => row.cells[column].textContent;
  const sign = next === "ascending" ? 1 : -1;
  const rows = [...body.rows].sort((a, b) => {
    const lacking = (row) => numeric && numberIn(text(row)) === null;
    if (lacking(a) || lacking(b)) return lacking(a) - lacking(b);
    return sign * compare(text(a), text(b));
  });
  body.append(...rows);
}
function asText(table) {
  const shown = (element) => element.offsetParent !== null;
  const line = (row) =>
    [...row.cells].filter(shown).map((cell) => cell.textContent.trim().replace(/\s+/g, " ")).join("\t");
  return [...table.rows].filter(shown).map(line).join("\n") + "\n";
}
async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    const area = document.createElement("textarea"); // a page from a file may have no clipboard
    area.value = text;
    document.body.append(area);
    area.select();
    button.textContent = document.execCommand("copy") ? "Copied" : "Not copied";
    area.remove();
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}
for (const box of all(".table")) {
  const table = box.querySelector("table");
  if (!table) continue;
  all(".sort", table).forEach((button, column) =>
    button.addEventListener("click", () => sortBy(table, column)));
  box.querySelector(".copy").addEventListener("click", (event) => copy(event.target, asText(table)));
  box.querySelector(".row-filter").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const row of table.tBodies[0].rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
    }
  });
}
