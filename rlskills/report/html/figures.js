// Figures: unpacked once, drawn for the width, the theme and the arms that are shown.

const MANY = 8; // more arms than that are drawn without bands
const GAP = 54; // pixels between rows of panels: ticks below, a title above
const HEAD = 26;
const FOOT = 46; // ticks and the name of the axis
const PRINTED = 660; // pixels of a figure on paper
const CONFIG = { displayModeBar: false };
const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
let packed = null;
let printing = false;

async function unpack() {
  const binary = atob(document.getElementById("packed").textContent.trim());
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const content = JSON.parse(await new Response(stream).text());
  const script = document.createElement("script");
  script.textContent = content.plotly;
  document.head.append(script);
  return content;
}

// Colours of arms, as a dark page has them.
function recoloured(value) {
  if (typeof value === "string") return packed.dark[value] ?? value;
  if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(recoloured);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, recoloured(inner)]));
}

function axisLook() {
  return {
    gridcolor: css("--grid"), linecolor: css("--edge"), zeroline: false, tickcolor: css("--edge"),
    fixedrange: matchMedia("(pointer: coarse)").matches,
  };
}

// Panels in as many columns as the width takes; every axis gets its place and its look.
function arranged(layout, traces, width) {
  const { panels, rows, height, width: least } = layout.meta;
  const names = rows ? Math.min(165, width * 0.4) : 44;
  const columns = Math.max(1, Math.min(panels, Math.floor((width - names) / least)));
  const lines = Math.max(1, Math.ceil(panels / columns));
  const shown = rows ? new Set(traces.flatMap((trace) => trace.y)) : null;
  const tall = rows ? Math.max(3, shown.size) * height : height;
  const plot = lines * tall + (lines - 1) * GAP;
  const gap = 0.035;
  let lower = 0; // pixels for the second line of a name
  const wide = (1 - gap * (columns - 1)) / columns;
  for (let panel = 0; panel < panels; panel++) {
    const [column, line] = [panel % columns, Math.floor(panel / columns)];
    const x = layout[`xaxis${panel ? panel + 1 : ""}`];
    const y = layout[`yaxis${panel ? panel + 1 : ""}`];
    const top = line * (tall + GAP);
    x.domain = [column * (wide + gap), Math.min(1, column * (wide + gap) + wide)];
    y.domain = [Math.max(0, 1 - (top + tall) / plot), Math.min(1, 1 - top / plot)];
    Object.assign(x, axisLook(), { automargin: true });
    Object.assign(y, axisLook(), { automargin: true, showticklabels: column === 0 });
    if (panel + columns < panels) delete x.title;
    else if (x.title && x.title.text.length * 7 > wide * (width - names)) {
      x.title.text = x.title.text.replace(" (", "<br>(");
      x.title.font = { size: 10 };
      lower = 14;
    }
    if (rows) {
      y.categoryarray = y.categoryarray.filter((name) => shown.has(name));
      y.autorange = false;
      y.range = [Math.max(1, y.categoryarray.length) - 0.5, -0.5];
      y.tickmode = "array";
      y.tickvals = y.categoryarray;
      y.ticktext = y.categoryarray.map((name) => cut(name, names));
    }
  }
  const entries = layout.showlegend ? traces.filter((trace) => trace.showlegend) : [];
  const letters = entries.reduce((sum, trace) => sum + 44 + 7 * trace.name.length, 0);
  const legend = entries.length ? 6 + 20 * Math.ceil(letters / (width - 20)) : 0;
  const foot = lower + (layout.xaxis.title || panels > columns ? FOOT : FOOT / 2);
  // Above the titles of the panels.
  if (legend) layout.legend = { ...layout.legend, y: 1 + 20 / plot };
  const font = { family: getComputedStyle(document.body).fontFamily, size: 12, color: css("--ink") };
  return {
    showlegend: false, ...layout, font, width, height: plot + HEAD + foot + legend,
    margin: { l: rows ? 8 : 34, r: 12, t: HEAD + legend, b: foot },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
    hoverlabel: { font, bgcolor: css("--box"), bordercolor: css("--edge") }, dragmode: "zoom",
  };
}

// Escaped names are cut whole: an entity counts as one character.
function cut(name, pixels) {
  const characters = name.match(/&\w+;|&#\w+;|./gu) ?? [];
  const most = Math.floor(pixels / 6.4);
  return characters.length <= most ? name : characters.slice(0, most - 1).join("") + "…";
}

// A trace of one arm is there or not; one of several, such as a heat map, loses rows.
function ofShownArms(trace) {
  const { arm, arms } = trace.meta ?? {};
  if (arm !== undefined) return isShown(arm) ? [trace] : [];
  if (arms === undefined) return [trace];
  const kept = (list) => list.filter((_, row) => isShown(arms[row]));
  return [{ ...trace, y: kept(trace.y), z: kept(trace.z), text: kept(trace.text) }];
}

function draw(figure) {
  const box = figure.querySelector(".plot");
  const key = all("select", figure).map((select) => select.value).join("-");
  const view = packed.figures[figure.dataset.name][key];
  const copied = structuredClone(view);
  const { data, layout } = root.dataset.theme === "dark" ? recoloured(copied) : copied;
  const mine = data.flatMap(ofShownArms);
  const drawn = new Set(mine.map((trace) => trace.meta?.arm)).size;
  const traces = mine.filter((trace) => !trace.meta?.band || drawn <= MANY);
  const named = new Set(); // a legend names each group once, whichever arms are shown
  for (const trace of traces.filter((each) => each.legendgroup)) {
    trace.showlegend = !named.has(trace.legendgroup);
    named.add(trace.legendgroup);
  }
  const width = printing ? PRINTED : Math.floor(figure.getBoundingClientRect().width);
  figure.querySelector("figcaption").textContent = layout.meta.note;
  figure.dataset.width = String(width);
  const done = Plotly.react(box, traces, arranged(layout, traces, width), CONFIG);
  if (!box.dataset.listens) {
    box.dataset.listens = "yes";
    box.on("plotly_hover", (event) => emphasise(box, event.points[0].data.meta?.arm));
    box.on("plotly_unhover", () => emphasise(box, undefined));
  }
  return done;
}

// The arm below the pointer stays as it is, the others fade.
function emphasise(box, arm) {
  for (const node of all(".scatterlayer .trace", box)) {
    const its = node.__data__?.[0]?.trace?.meta?.arm;
    node.style.opacity = arm === undefined || its === undefined || its === arm ? "" : "0.15";
  }
}

async function start() {
  const figures = all(".figure");
  packed = await unpack();
  for (const figure of figures) {
    await draw(figure);
    figure.addEventListener("change", () => draw(figure));
    await new Promise((resolve) => setTimeout(resolve));
  }
  const redraw = () => figures.forEach(draw);
  changed.addEventListener("arms", redraw);
  changed.addEventListener("theme", redraw);
  addEventListener("beforeprint", () => {
    printing = true;
    for (const details of all("main details")) details.open = true;
    applyTheme("light");
  });
  addEventListener("afterprint", () => {
    printing = false;
    applyTheme(currentTheme());
  });
  new ResizeObserver(() => {
    if (printing) return;
    for (const figure of figures) {
      if (Math.floor(figure.getBoundingClientRect().width) !== Number(figure.dataset.width)) draw(figure);
    }
  }).observe(document.getElementById("content"));
  root.dataset.ready = "yes";
}
start().catch((error) => {
  const note = document.getElementById("failed");
  note.textContent = `The figures could not be drawn (${error}); the tables are whole.`;
  note.hidden = false;
  console.error(error);
});
