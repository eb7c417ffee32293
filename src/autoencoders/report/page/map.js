/* The map of a model's codes: where each image lies, what is seen, and how it is drawn. */

import { $, classColour, content, height, width } from "./content.js";
import { placeOf } from "./sheets.js";

export const view = { model: null, morph: 0, zoom: 1, middle: [0, 0], hidden: new Set() };
/** What is marked on it: picked images, a free place, the cross, a box, a path (in map units). */
export const marks = { picks: [], place: null, cross: [0, 0], crossed: false, box: null, path: [],
  group: [] };

const EDGE = 1.08, IMAGES_FROM = 2.5, MOST_ZOOM = 24, MORPH_MS = 700;

/** Points into a square from -1 to 1, and back. */
function fitted(points) {
  const axes = [0, 1].map((axis) => points.map((point) => point[axis]));
  const middle = axes.map((v) => (Math.min(...v) + Math.max(...v)) / 2);
  const half = Math.max(...axes.map((v) => (Math.max(...v) - Math.min(...v)) / 2)) || 1;
  return {
    middle, half,
    points: points.map((point) => [0, 1].map((axis) => (point[axis] - middle[axis]) / half)),
  };
}

export function setModel(model) {
  model.maps ??= { pca: fitted(model.points), tsne: model.tsne ? fitted(model.tsne) : null };
  view.model = model;
  Object.assign(marks, { picks: [], place: null, box: null, path: [], group: [] });
  if (!model.maps.tsne) view.morph = 0;
}

/** Where an image lies, in map units. */
export function pointOf(index) {
  const { pca, tsne } = view.model.maps, one = pca.points[index];
  if (!view.morph || !tsne) return one;
  return one.map((value, axis) => value + view.morph * (tsne.points[index][axis] - value));
}

/** Map units to the plane of the most variance. */
export function onPlane([x, y]) {
  const { middle, half } = view.model.maps.pca;
  return [middle[0] + x * half, middle[1] + y * half];
}

const side = () => $("map").clientWidth || 1;

/** Map units to pixels of the element, and back. */
export function toScreen([x, y]) {
  const unit = (side() / 2 / EDGE) * view.zoom;
  return [side() / 2 + (x - view.middle[0]) * unit, side() / 2 - (y - view.middle[1]) * unit];
}

export function toMap(x, y) {
  const unit = (side() / 2 / EDGE) * view.zoom;
  return [view.middle[0] + (x - side() / 2) / unit, view.middle[1] - (y - side() / 2) / unit];
}

/** Zooms by a factor, so that what lies at a place (map units) stays where it is. */
export function zoomBy(factor, [x, y] = view.middle) {
  const zoom = Math.min(MOST_ZOOM, Math.max(1, view.zoom * factor)), share = view.zoom / zoom;
  moveTo([x + (view.middle[0] - x) * share, y + (view.middle[1] - y) * share], zoom);
}

export function moveTo(middle, zoom = view.zoom) {
  const most = 1 - 1 / zoom;
  view.zoom = zoom;
  view.middle = middle.map((value) => Math.min(most, Math.max(-most, value)));
  drawMap();
}

export function isShown(index) {
  return !view.hidden.has(content.labels[index]);
}

/** The image that lies nearest to a place, in map units, of those within some pixels. */
export function nearestTo(place, pixels = 14) {
  const [x, y] = toScreen(place);
  let best = null, least = pixels;
  content.labels.forEach((_, index) => {
    if (!isShown(index)) return;
    const [a, b] = toScreen(pointOf(index)), distance = Math.hypot(a - x, b - y);
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

/** The images in a box between two places. */
export function within([[a, b], [c, d]]) {
  const [left, right, low, high] = [Math.min(a, c), Math.max(a, c), Math.min(b, d), Math.max(b, d)];
  return content.labels.map((_, index) => index).filter((index) => {
    const [x, y] = pointOf(index);
    return isShown(index) && x >= left && x <= right && y >= low && y <= high;
  });
}

/** From one map to the other, at once where motion is not wanted. */
export function morphTo(goal, done) {
  const start = view.morph, began = performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const step = (now) => {
    const share = still ? 1 : Math.min(1, Math.max(0, (now - began) / MORPH_MS));
    view.morph = start + (goal - start) * share * share * (3 - 2 * share);
    drawMap();
    if (share < 1) requestAnimationFrame(step); else done();
  };
  step(began);
}

export function drawMap() {
  const canvas = $("map"), ratio = Math.min(2, devicePixelRatio || 1), size = side();
  if (!view.model) return;
  canvas.width = canvas.height = Math.round(size * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.imageSmoothingEnabled = false;
  const ink = getComputedStyle(document.body).color;
  content.labels.forEach((label, index) => {
    if (!isShown(index)) return;
    const [x, y] = toScreen(pointOf(index));
    if (x < -40 || y < -40 || x > size + 40 || y > size + 40) return;
    if (view.zoom >= IMAGES_FROM) drawImage(context, index, x, y);
    else drawDot(context, label, x, y, size, marks.group.length > 0 && !marks.group.includes(index));
  });
  drawMarks(context, ink);
}

function drawDot(context, label, x, y, size, faded) {
  context.beginPath();
  context.arc(x, y, Math.max(2.5, size / 150), 0, 7);
  context.fillStyle = classColour(label);
  context.globalAlpha = faded ? 0.3 : 0.75;
  context.fill();
  context.globalAlpha = 1;
}

function drawImage(context, index, x, y) {
  const [picture, left, top] = placeOf("original", index), unit = 10 + 10 * Math.sqrt(view.zoom);
  const [w, h] = [unit, (unit * height) / width];
  context.fillStyle = classColour(content.labels[index]);
  context.fillRect(x - w / 2 - 2, y - h / 2 - 2, w + 4, h + 4);
  context.drawImage(picture, left, top, width, height, x - w / 2, y - h / 2, w, h);
}

function drawMarks(context, ink) {
  context.strokeStyle = ink;
  context.lineWidth = 2;
  const stroke = (draw) => {
    context.beginPath();
    draw();
    context.stroke();
  };
  marks.picks.forEach((index, at) => {
    const [x, y] = toScreen(pointOf(index));
    stroke(() => context.arc(x, y, 9, 0, 7));
    context.fillStyle = ink;
    context.font = "bold 14px system-ui";
    context.fillText("ABC"[at], x + 11, y - 8);
  });
  for (const place of [marks.place, marks.crossed && marks.cross].filter(Boolean)) {
    const [x, y] = toScreen(place);
    stroke(() => {
      context.moveTo(x - 8, y);
      context.lineTo(x + 8, y);
      context.moveTo(x, y - 8);
      context.lineTo(x, y + 8);
    });
  }
  if (marks.box) {
    const [[a, b], [c, d]] = marks.box.map(toScreen);
    stroke(() => context.rect(Math.min(a, c), Math.min(b, d), Math.abs(c - a), Math.abs(d - b)));
  }
  if (marks.path.length) stroke(() => marks.path.forEach((place) => context.lineTo(...toScreen(place))));
}
