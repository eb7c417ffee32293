/* What the page holds, and elements to show it with. */

export const content = JSON.parse(document.getElementById("content").textContent);
export const [channels, height, width] = content.image_shape;

const COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2",
  "#7f7f7f", "#bcbd22", "#17becf"];

/** The colour of one of so many. */
export function colourOf(number, count) {
  return count > COLOURS.length ? `hsl(${(360 * number) / count} 65% 50%)` : COLOURS[number];
}

export function classColour(label) {
  return colourOf(label, Math.max(1, content.classes.length));
}

export function className(index) {
  return content.classes[content.labels[index]] ?? "image";
}

export function $(id) {
  return document.getElementById(id);
}

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Fills a select with [value, text], of which one is chosen. */
export function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => element("option",
    { value, textContent: text, selected: value === chosen })));
}

/** Radio buttons under one name, as [value, text]; the one that is chosen is told to `heed`. */
export function radios(group, name, entries, chosen, heed) {
  group.replaceChildren(...entries.map(([value, text]) => element("label", {},
    element("input", { type: "radio", name, value, checked: value === chosen,
      onchange: () => heed(value) }), element("span", { textContent: text }))));
}

/** Numbers in [0, 1], map by map, onto a canvas. */
export function show(canvas, values) {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height), size = width * height;
  for (let pixel = 0; pixel < size; pixel++) {
    for (let c = 0; c < 3; c++)
      image.data[4 * pixel + c] = Math.round(255 * values[(c % channels) * size + pixel]);
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** A canvas that shows an image, with words for those who do not see it. */
export function pictured(values, words) {
  const canvas = element("canvas", { className: "image", role: "img", ariaLabel: words });
  show(canvas, values);
  return canvas;
}

/** A figure: an image, and words below. */
export function captioned(values, words, quiet = "") {
  return element("figure", {}, pictured(values, `${words} ${quiet}`.trim()),
    element("figcaption", {}, words, quiet ? element("small", { textContent: quiet }) : ""));
}

export function number(value, digits) {
  return value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−");
}

/** To so many significant digits, never as a power of ten. */
export function short(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value) || Math.abs(value) < 5e-7) return String(Math.round(value)).replace("-", "−");
  const places = digits - 1 - Math.floor(Math.log10(Math.abs(value) || 1));
  return number(value, Math.min(6, Math.max(0, places)));
}

/** A table: a row of heads, if there are any, then rows whose first cell is their head. */
export function table(caption, heads, rows) {
  const cell = (one, column) => one instanceof Node ? one
    : element(column ? "td" : "th", { textContent: one, ...(column ? {} : { scope: "row" }) });
  const names = heads.map((head) => head ? element("th", { scope: "col", textContent: head })
    : element("td"));
  return element("table", {}, element("caption", { textContent: caption }),
    ...(heads.length ? [element("thead", {}, element("tr", {}, ...names))] : []),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell)))));
}

export function scrolled(...children) {
  return element("div", { className: "scroll", tabIndex: 0, role: "group",
    ariaLabel: "Table, which may be scrolled sideways" }, ...children);
}
