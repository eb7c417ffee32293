/* New images of a model, and its best and worst reconstructions. */

import { between, squaredError, unpack } from "./arrays.js";
import { $, captioned, className, content, element, options, pictured, short } from "./content.js";
import { codeOf, decode, meanOf, modelOf } from "./models.js";
import { mixtureCode, mostActive, normalCode, onSphere, weighted } from "./sampling.js";
import { pixelsOf } from "./sheets.js";

const SAMPLES = 24, STEPS = 9, DIMENSIONS = 8, REACH = 2.5, EXTREMES = 8;

const model = () => modelOf($("generating").value);
const made = (code, words) => pictured(decode(model().name, code), words);

function sample() {
  const { prior, latent, name } = model(), item = content.items.find((one) => one.name === name);
  const normalPrior = prior === "standard normal";
  $("samples-title").textContent = normalPrior ? "Samples from the prior" : "Samples from a mixture";
  $("samples-words").textContent = normalPrior
    ? "Codes drawn from the standard normal distribution, decoded: a new draw each time."
    : "Codes drawn from Gaussians that were fitted to the training codes, decoded: a new draw each time.";
  $("sample").disabled = !normalPrior && !item.mixture;
  if (item.mixture) item.mixture.read ??= Object.fromEntries(["weights", "means", "factors"].map(
    (key) => [key, unpack(item.mixture[key])]));
  if ($("sample").disabled) $("samples").replaceChildren("The page has no mixture of this model.");
  else $("samples").replaceChildren(...Array.from({ length: SAMPLES }, (_, at) => made(
    normalPrior ? normalCode(latent) : mixtureCode(item.mixture.read, latent), `sample ${at + 1}`)));
}

function showWays() {
  const [start, end] = [0, 1].map((n) => meanOf(model().name, Number($(`way-${n}`).value)));
  const [from, to] = [0, 1].map((n) => content.classes[$(`way-${n}`).value]);
  const film = (words, code) => element("div", { className: "film" }, ...Array.from({ length: STEPS },
    (_, at) => made(code(at / (STEPS - 1)), `${from} to ${to}, ${words}, step ${at + 1}`)));
  $("ways").replaceChildren(film("straight", (share) => between(start, end, share)),
    film("along an arc", (share) => onSphere(start, end, share)));
}

function showBlends() {
  $("blends").replaceChildren(...model().blends.map(({ title, members }) => {
    const codes = members.map((label) => meanOf(model().name, label));
    const names = members.map((label) => content.classes[label]);
    const amid = weighted(codes, codes.map(() => 1 / codes.length));
    return element("div", { className: "row" }, element("span", { textContent: title }),
      ...codes.map((code, at) => captioned(decode(model().name, code), names[at])),
      captioned(decode(model().name, amid), "blend"));
  }));
}

function rowOf(head, images, end = false) {
  const row = element("div", { className: end ? "row end" : "row" }, element("span", { textContent: head }),
    ...images);
  row.style.setProperty("--columns", Math.max(1, images.length));
  return row;
}

function showTraversals() {
  const { codes, latent } = model(), rows = codes.length / latent;
  const mean = Float32Array.from({ length: latent }, (_, at) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += codes[row * latent + at];
    return sum / rows;
  });
  $("traversals").replaceChildren(...mostActive(codes, latent, DIMENSIONS).map((dimension) => {
    let squares = 0;
    for (let row = 0; row < rows; row++) squares += (codes[row * latent + dimension] - mean[dimension]) ** 2;
    const deviation = Math.sqrt(squares / rows);
    return rowOf(`dim. ${dimension}`, Array.from({ length: STEPS }, (_, at) => {
      const moved = REACH * ((2 * at) / (STEPS - 1) - 1);
      return made(mean.with(dimension, mean[dimension] + moved * deviation),
        `dimension ${dimension} at ${moved.toFixed(1)} deviations`);
    }));
  }));
}

function showExtremes() {
  const { name, corruption, errors } = model();
  const order = errors.map((_, index) => index).sort((a, b) => errors[a] - errors[b]);
  const ends = [["best", order.slice(0, EXTREMES)], ["worst", order.slice(-EXTREMES).reverse()]];
  $("extremes-words").textContent = `Of the ${errors.length} validation images on the map those that `
    + `${name} restores best and worst, with the mean squared error of each.`;
  $("extremes").replaceChildren(...ends.flatMap(([words, indices]) => [
    rowOf(`${words}: original`, indices.map((index) => content.classes.length
      ? captioned(pixelsOf("original", index), className(index))
      : pictured(pixelsOf("original", index), "an image"))),
    rowOf("input", indices.map((index) => pictured(pixelsOf(corruption, index), `input, ${className(index)}`))),
    rowOf("output", indices.map((index) => {
      const output = decode(name, codeOf(name, index));
      return captioned(output, short(squaredError(output, pixelsOf("original", index)), 2));
    }), true)]));
}

function showModel() {
  const { name, nearest } = model();
  sample();
  $("nearest").hidden = !nearest;
  $("nearest").replaceChildren(...(nearest ? [element("img", { src: nearest, alt:
    `${name}: samples above the training images nearest to them` }), element("figcaption", { textContent:
    "Samples that the pipeline drew, each above the training image nearest to it: near copies would mean "
    + "that the model repeats what it has seen." })] : []));
  $("of-classes").hidden = !content.classes.length;
  if (content.classes.length) {
    showWays();
    showBlends();
  }
  showTraversals();
  showExtremes();
}

export function startGeneration() {
  options($("generating"), content.items.map(({ name }) => [name, name]), content.first_explored);
  const classes = content.classes.map((name, label) => [String(label), name]);
  const [one, other] = content.first_blend;
  options($("way-0"), classes, String(one ?? 0));
  options($("way-1"), classes, String(other ?? 1));
  for (const n of [0, 1]) $(`way-${n}`).onchange = showWays;
  $("generating").onchange = showModel;
  $("sample").onclick = sample;
  showModel();
}
