/* The explorer: pointing, picking, boxes and paths on the map. */

import { squaredError } from "./arrays.js";
import { fillCorners, startBlend } from "./blend.js";
import { $, captioned, classColour, className, content, element, options, pictured, radios, short,
  show } from "./content.js";
import { drawMap, marks, morphTo, moveTo, nearestTo, onPlane, pointOf, setModel, toMap, toScreen, view,
  within, zoomBy } from "./map.js";
import { align, codeOf, decode, modelOf } from "./models.js";
import { alongLine, weighted } from "./sampling.js";
import { pixelsOf } from "./sheets.js";

const FRAMES = 14, THUMBNAILS = 48, NEIGHBOURS = 6, KEY_STEP = 12;
let tool = "point", from = null, dragged = false, tipped = "";

/** The code of a place: of the plane itself, or, of t-SNE, amid those that lie nearest. */
function codeAt(place) {
  const { name, origin, axes, latent } = view.model;
  if (view.morph < 0.5) {
    const [x, y] = onPlane(place);
    return Float32Array.from(origin, (value, at) => value + x * axes[at] + y * axes[latent + at]);
  }
  const near = content.labels.map((_, index) => [index, Math.hypot(...pointOf(index).map(
    (value, axis) => value - place[axis]))]).sort((a, b) => a[1] - b[1]).slice(0, NEIGHBOURS);
  const weights = near.map(([, away]) => 1 / (away + 1e-3));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weighted(near.map(([index]) => codeOf(name, index)), weights.map((weight) => weight / sum));
}

function showTip(place) {
  const index = nearestTo(place), tip = $("tip"), wanted = `${view.model.name} ${index}`;
  tip.hidden = index === null;
  if (index === null) return;
  // The networks run once for an image, however often the pointer moves over it.
  if (tipped !== wanted) fillTip(index);
  tipped = wanted;
  const [x, y] = toScreen(place), size = $("map").clientWidth;
  tip.style.left = `${Math.max(0, Math.min(x + 14, size - tip.offsetWidth))}px`;
  tip.style.top = y + 14 + tip.offsetHeight > size && y > tip.offsetHeight + 14
    ? `${y - 14 - tip.offsetHeight}px` : `${y + 14}px`;
}

function fillTip(index) {
  const { name, corruption } = view.model;
  const original = pixelsOf("original", index), input = pixelsOf(corruption, index);
  const aligned = align(name, input), output = decode(name, codeOf(name, index));
  const shown = [["original", original], ["input", input], ["aligned", aligned], ["output", output]];
  $("tip-class").textContent = `${className(index)}, error ${short(squaredError(output, original))}`;
  $("tip-images").replaceChildren(...shown.filter(([, values]) => values)
    .map(([words, values]) => captioned(values, words)));
}

function point(place) {
  const index = nearestTo(place);
  marks.place = index === null ? place : null;
  if (index === null) {
    show($("blend"), decode(view.model.name, codeAt(place)));
    $("blend-words").textContent = `${view.model.name}: the place of the cross`;
  } else {
    marks.picks = marks.picks.includes(index) ? marks.picks.filter((one) => one !== index)
      : [...marks.picks, index].slice(-3);
    fillCorners();
  }
  drawMap();
}

function showGroup(indices) {
  marks.group = indices;
  $("group").hidden = !indices.length;
  if (indices.length) {
    const { name } = view.model, counts = new Map();
    for (const index of indices) counts.set(className(index), (counts.get(className(index)) ?? 0) + 1);
    const words = [...counts].sort((a, b) => b[1] - a[1]).map(([one, count]) => `${count} \u00d7 ${one}`);
    $("group-words").textContent = `${indices.length} images: ${words.join(", ")}`;
    const even = indices.map(() => 1 / indices.length);
    show($("group-mean"), decode(name, weighted(indices.map((index) => codeOf(name, index)), even)));
    $("group-images").replaceChildren(...indices.slice(0, THUMBNAILS).map((index) =>
      pictured(pixelsOf("original", index), className(index))));
  }
  drawMap();
}

function showFilm() {
  $("film").hidden = marks.path.length < 2;
  if (marks.path.length < 2) return;
  $("film-images").replaceChildren(...alongLine(marks.path, FRAMES).map((place, at) =>
    pictured(decode(view.model.name, codeAt(place)), `step ${at + 1} of the path, decoded`)));
}

function clear() {
  Object.assign(marks, { picks: [], place: null, box: null, path: [] });
  $("tip").hidden = true;
  fillCorners();
  showFilm();
  showGroup([]);
}

const TOOLS = {
  point: {
    down: (place) => { from = place; dragged = false; },
    drag: (place) => {
      const apart = toScreen(place).map((value, axis) => value - toScreen(from)[axis]);
      dragged ||= Math.hypot(...apart) > 5;
      if (dragged) moveTo(view.middle.map((value, axis) => value + from[axis] - place[axis]));
    },
    up: (place) => { if (!dragged) point(place); },
    enter: point,
  },
  box: {
    down: (place) => { marks.box = [place, place]; },
    drag: (place) => { marks.box[1] = place; drawMap(); },
    up: (place) => { marks.box[1] = place; showGroup(within(marks.box)); },
    enter: (place) => {
      if (!from) [from, marks.box] = [place, [place, place]];
      else {
        marks.box = [from, place];
        from = null;
        showGroup(within(marks.box));
      }
    },
  },
  path: {
    down: (place) => { marks.path = [place]; },
    drag: (place) => { marks.path.push(place); drawMap(); },
    up: showFilm,
    enter: (place) => { marks.path.push(place); drawMap(); showFilm(); },
  },
};

function setTool(name) {
  [tool, from] = [name, null];
  $("map").classList.toggle("taken", name !== "point");
}

function explore(name) {
  setModel(modelOf(name));
  const { atlas, maps } = view.model;
  $("decoded-before").hidden = !atlas;
  $("decoded-before").textContent = atlas ? "The page cannot run this model's decoder: of "
    + `${atlas.count} images that were decoded beforehand it shows the nearest.` : "";
  $("projection").querySelector("[value=tsne]").disabled = !maps.tsne;
  $("projection").querySelector(view.morph ? "[value=tsne]" : "[value=pca]").checked = true;
  clear();
}

/** Said once the map is another one, on which a path leads elsewhere. */
function noteMap() {
  $("map-note").textContent = view.morph ? "A free place of the t-SNE map decodes to a mean of the "
    + `${NEIGHBOURS} codes that lie nearest: the map itself has no way back.` : "";
  showFilm();
}

function listen(map) {
  const at = (event) => {
    const box = map.getBoundingClientRect();
    return toMap(event.clientX - box.left, event.clientY - box.top);
  };
  map.addEventListener("pointerdown", (event) => {
    map.setPointerCapture(event.pointerId);
    TOOLS[tool].down(at(event));
  });
  map.addEventListener("pointermove", (event) => {
    if (event.buttons) TOOLS[tool].drag(at(event));
    else if (tool === "point") showTip(at(event));
  });
  map.addEventListener("pointerup", (event) => TOOLS[tool].up(at(event)));
  map.addEventListener("pointerleave", () => { $("tip").hidden = true; });
  map.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    zoomBy(event.deltaY < 0 ? 1.25 : 0.8, at(event));
    event.preventDefault();
  }, { passive: false });
  map.addEventListener("blur", () => { marks.crossed = false; $("tip").hidden = true; drawMap(); });
  map.addEventListener("keydown", heedKey);
}

function heedKey(event) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const step = steps[event.key], size = $("map").clientWidth;
  if (step) {
    const place = toScreen(marks.cross).map((value, axis) =>
      Math.min(size, Math.max(0, value + KEY_STEP * step[axis])));
    Object.assign(marks, { cross: toMap(...place), crossed: true });
    drawMap();
    showTip(marks.cross);
  } else if (event.key === "Enter" || event.key === " ") TOOLS[tool].enter(marks.cross);
  else if (event.key === "+" || event.key === "=") zoomBy(1.5, marks.cross);
  else if (event.key === "-") zoomBy(1 / 1.5, marks.cross);
  else if (event.key === "Escape") clear();
  else return;
  event.preventDefault();
}

function fillLegend() {
  $("legend").replaceChildren(...content.classes.map((name, label) => {
    const dot = element("span", { className: "dot" });
    dot.style.background = classColour(label);
    const button = element("button", { type: "button", ariaPressed: "true" }, dot, name);
    button.onclick = () => {
      if (!view.hidden.delete(label)) view.hidden.add(label);
      button.ariaPressed = String(!view.hidden.has(label));
      drawMap();
    };
    return button;
  }));
}

export function startExplorer() {
  radios($("projection").querySelector("div"), "projection", [["pca", "PCA"], ["tsne", "t-SNE"]], "pca",
    (name) => morphTo(Number(name === "tsne"), noteMap));
  radios($("tool").querySelector("div"), "tool", [["point", "point"], ["box", "box"], ["path", "path"]],
    "point", setTool);
  $("zoom-in").onclick = () => zoomBy(1.5);
  $("zoom-out").onclick = () => zoomBy(1 / 1.5);
  $("zoom-whole").onclick = () => moveTo([0, 0], 1);
  options($("explored"), content.items.map(({ name }) => [name, name]), content.first_explored);
  $("explored").onchange = ({ target }) => explore(target.value);
  startBlend();
  fillLegend();
  listen($("map"));
  new ResizeObserver(drawMap).observe($("map"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);
  explore(content.first_explored);
}
