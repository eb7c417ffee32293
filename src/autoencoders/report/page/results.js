/* Tables of results, the curves of the trainings, and what a model's metrics hold. */

import { $, colourOf, content, drawing, element, number, options, scrolled, short, table }
  from "./content.js";

const COMMON = ["model", "MSE", "SSIM", "kNN"];

function fillTable(sortedBy, descending) {
  const rare = (index) => COMMON.includes(content.columns[index].name) ? "" : "rare";
  const heads = content.columns.map((column, index) => {
    const button = element("button", { type: "button", textContent: column.name, title: column.meaning });
    const cell = element("th", { scope: "col", className: rare(index) }, button);
    if (index === sortedBy) cell.ariaSort = descending ? "descending" : "ascending";
    button.onclick = () => {
      fillTable(index, index === sortedBy && !descending);
      $("table").querySelectorAll("thead button")[index].focus();
    };
    return cell;
  });
  const rows = [...content.rows];
  if (sortedBy !== undefined) rows.sort((a, b) => {
    const [x, y] = [a.cells[sortedBy], b.cells[sortedBy]];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return descending ? -order : order;
  });
  $("table").tHead.replaceChildren(element("tr", {}, ...heads));
  $("table").tBodies[0].replaceChildren(...rows.map((row) => element("tr",
    { className: row.floor ? "floor" : "" }, ...row.cells.map((cell, index) => element(
      index ? "td" : "th", {
        className: `${cell === null ? "empty" : ""} ${rare(index)}`.trim(),
        textContent: typeof cell === "string" ? cell : number(cell, content.columns[index].digits),
        ...(index ? {} : { scope: "row" }),
      })))));
}

function fillMatrix() {
  const { rows, columns, values } = content.matrix;
  const logs = values.flat().map(Math.log), least = Math.min(...logs);
  const span = Math.max(...logs) - least || 1;
  const cells = (row) => row.map((value) => {
    const share = Math.round(8 + (77 * (Math.log(value) - least)) / span);
    const cell = element("td", { textContent: number(value, 4) });
    // Shades between which no contrast is enough are left out.
    const dark = share > 50;
    cell.style.background = `color-mix(in srgb, #1f5f9e ${dark ? Math.max(share, 75) : Math.min(share, 30)}%, var(--page))`;
    cell.className = dark ? "dark" : "";
    return cell;
  });
  $("matrix").replaceChildren(table("test MSE", ["model", ...columns.map((name) => `on ${name}`)],
    rows.map((name, at) => [name, ...cells(values[at])])));
}

/** Round numbers on a logarithmic axis, or evenly spaced ones where it has few of those. */
function ticks(low, high) {
  const round = [-7, -6, -5, -4, -3, -2, -1, 0].flatMap((exponent) =>
    [1, 2, 3, 5, 7].map((digit) => digit * 10 ** exponent)).filter((v) => v >= low && v <= high);
  return round.length > 1 ? round : [0, 1, 2, 3].map((n) => low + ((high - low) * n) / 3);
}

function drawCurves() {
  const curves = content.items.map((item) => item.history);
  const all = curves.flat().map(Math.log10), epochs = Math.max(...curves.map((c) => c.length));
  const low = Math.min(...all), high = Math.max(...all);
  const W = 760, H = 340, left = 56, right = 150, top = 12, bottom = 34;
  const x = (epoch) => left + ((W - left - right) * (epoch - 1)) / Math.max(1, epochs - 1);
  const y = (value) => top + ((H - top - bottom) * (high - Math.log10(value))) / (high - low || 1);
  const text = (words, attributes) => drawing("text", attributes, words);
  const parts = [];
  for (const value of ticks(10 ** low, 10 ** high)) {
    parts.push(drawing("line", { x1: left, x2: W - right, y1: y(value), y2: y(value) }),
      text(Number(value.toPrecision(2)), { x: left - 6, y: y(value) + 4, "text-anchor": "end" }));
  }
  for (let epoch = 1; epoch <= epochs; epoch += Math.max(1, Math.round(epochs / 8)))
    parts.push(text(epoch, { x: x(epoch), y: H - 14, "text-anchor": "middle" }));
  parts.push(text("epoch", { x: (W + left - right) / 2, y: H, "text-anchor": "middle" }));
  const ends = curves.map((curve, n) => ({ n, at: y(curve.at(-1)) })).sort((a, b) => a.at - b.at);
  ends.forEach((end, k) => { if (k) end.at = Math.max(end.at, ends[k - 1].at + 15); });
  content.items.forEach((item, n) => {
    const colour = colourOf(n, curves.length), at = ends.find((end) => end.n === n).at;
    const way = curves[n].map((value, e) => `${x(e + 1)},${y(value)}`).join(" ");
    parts.push(drawing("polyline", { points: way, fill: "none", stroke: colour, "stroke-width": 2 }),
      drawing("line", { x1: W - right + 4, x2: W - right + 16, y1: at, y2: at }),
      text(item.name, { x: W - right + 20, y: at + 4 }));
    parts.at(-2).style.stroke = colour;
    parts.at(-2).style.strokeWidth = 3;
  });
  const words = content.items.map((item, n) => `${item.name} ends at ${short(curves[n].at(-1))}`);
  $("curves").replaceChildren(drawing("svg", { viewBox: `0 0 ${W} ${H + 6}`, class: "plot", role: "img",
    "aria-label": `Validation error by epoch: ${words.join(", ")}` }, ...parts));
}

const spaced = (name) => name.replaceAll("_", " ");

/** Tables of a tree of numbers: one of what is at its top, one for each branch. */
function tablesOf(title, tree) {
  const entries = Object.entries(tree);
  const numbers = entries.filter(([, value]) => typeof value !== "object" || Array.isArray(value));
  const branches = entries.filter(([, value]) => typeof value === "object" && !Array.isArray(value));
  const own = numbers.map(([name, value]) =>
    [spaced(name), Array.isArray(value) ? value.join(", ") : short(value, 4)]);
  const leaves = branches.length && branches.every(([, branch]) =>
    Object.values(branch).every((value) => typeof value === "number"));
  if (leaves) {
    const columns = [...new Set(branches.flatMap(([, branch]) => Object.keys(branch)))];
    const rows = branches.map(([name, branch]) =>
      [spaced(name), ...columns.map((column) => short(branch[column], 3))]);
    const made = [scrolled(table(title, ["", ...columns.map(spaced)], rows))];
    return own.length ? [scrolled(table(title, [], own)), ...made] : made;
  }
  return [...(own.length ? [scrolled(table(title, [], own))] : []),
    ...branches.flatMap(([name, branch]) => tablesOf(`${title}: ${spaced(name)}`, branch))];
}

function showMeasures() {
  $("measured-tables").replaceChildren(...Object.entries(content.measures[$("measured").value])
    .flatMap(([name, tree]) => tablesOf(spaced(name), tree)));
}

export function startResults() {
  fillTable();
  $("all-columns").onchange = ({ target }) => $("table").classList.toggle("whole", target.checked);
  fillMatrix();
  drawCurves();
  $("findings").replaceChildren(...(content.findings.length ? content.findings.map(({ name, text }) =>
    element("li", { textContent: `${name}: ${text}` }))
    : [element("li", { textContent: "nothing: all trainings look sound" })]));
  options($("measured"), content.items.map(({ name }) => [name, name]), content.items[0].name);
  $("measured").onchange = showMeasures;
  showMeasures();
  $("params").textContent = content.params;
  $("versions").textContent = content.versions;
}
