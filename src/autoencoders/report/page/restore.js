/* An image corrupted and restored while one looks on. */

import { squaredError } from "./arrays.js";
import { $, captioned, channels, className, content, element, height, options, short, width }
  from "./content.js";
import { apply, draw, inWords, known } from "./corruptions.js";
import { align, canEncode, decode, encode } from "./models.js";
import { normal } from "./sampling.js";
import { pixelsOf } from "./sheets.js";

const SHAPE = [channels, height, width];
let image = 0, records = [], grains = null, held = null;

const chosen = () => $("harm").value;
const parts = () => content.corruptions[chosen()].parts;
const part = (kinds) => parts().findIndex(({ kind }) => kinds.includes(kind));

function noisy(pixels, level) {
  grains ??= pixels.map(() => normal());
  return pixels.map((value, at) => Math.min(1, Math.max(0, value + level * grains[at])));
}

/** Two places of a jigsaw, one after the other, change tiles. */
function swap(event) {
  const at = part(["jigsaw", "scramble"]), { grid } = parts()[at], { order, turns } = records[at];
  const box = event.target.getBoundingClientRect();
  const [h, w] = [height, width].map((side) => Math.floor(side / grid));
  const row = Math.floor((((event.clientY - box.top) / box.height) * height) / h);
  const column = Math.floor((((event.clientX - box.left) / box.width) * width) / w);
  if (row >= grid || column >= grid) return;
  const place = row * grid + column;
  if (held === null) held = place;
  else {
    for (const list of [order, turns]) [list[held], list[place]] = [list[place], list[held]];
    held = null;
    restore();
  }
}

function restore() {
  const level = Number($("harm-noise").value) / 100, original = pixelsOf("original", image);
  $("harm-noise-text").value = level.toFixed(2);
  const corrupted = apply(parts(), original, SHAPE, records);
  const input = level ? noisy(corrupted, level) : corrupted;
  const words = [inWords(parts(), records), level ? `noise ${level.toFixed(2)}` : ""].filter(Boolean);
  $("harm-words").textContent = `${className(image)}: ${words.join(", ") || "unchanged"}`;
  const items = content.items.filter((item) => item.corruption === chosen() && canEncode(item.name));
  const given = captioned(input, "input", `error ${short(squaredError(input, original))}`);
  if (part(["jigsaw", "scramble"]) >= 0) {
    const canvas = given.querySelector("canvas");
    canvas.classList.add("swaps");
    canvas.onclick = swap;
  }
  $("harmed").replaceChildren(
    element("div", { className: "row" }, captioned(original, "original"), given),
    ...items.map((item) => {
      const aligned = align(item.name, input), output = decode(item.name, encode(item.name, input));
      return element("div", { className: "row" },
        ...(aligned ? [captioned(aligned, `aligned for ${item.model}`,
          `error ${short(squaredError(aligned, original))}`)] : []),
        captioned(output, `restored by ${item.model}`, `error ${short(squaredError(output, original))}`));
    }));
}

function again() {
  [records, held] = [draw(parts(), SHAPE), null];
  restore();
}

/** The first draw that changes anything, or the last of a few: k = 0 would show nothing. */
function drawFirst() {
  const original = pixelsOf("original", image);
  for (let tries = 0; tries < 8; tries++) {
    records = draw(parts(), SHAPE);
    if (squaredError(apply(parts(), original, SHAPE, records), original)) break;
  }
  held = null;
  restore();
}

function change() {
  const turns = part(["rotate"]) >= 0, swaps = part(["jigsaw", "scramble"]) >= 0;
  $("harm-turn").hidden = !turns;
  $("harm-note").textContent = swaps ? "Choose two tiles of the input, one after the other, to swap them."
    : "";
  drawFirst();
}

const canRun = (name) => content.items.some((item) => item.corruption === name && canEncode(item.name));

/** Which corruptions are missing here, and why. */
function leftOut() {
  const entries = Object.entries(content.corruptions);
  const strange = entries.filter(([, { parts }]) => !known(parts)).map(([name]) => name);
  const heavy = entries.filter(([name, { parts }]) => known(parts) && !canRun(name)).map(([name]) => name);
  return [
    strange.length ? `This page cannot corrupt images by ${strange.join(", ")}: it does not know `
      + `${strange.length > 1 ? "these corruptions" : "this corruption"}.` : "",
    heavy.length ? `It has no encoder that it can run for ${heavy.join(", ")}.` : "",
  ].filter(Boolean).join(" ");
}

export function startRestore() {
  const names = Object.entries(content.corruptions).filter(([name, { parts }]) => known(parts) && canRun(name));
  $("harm-left-out").textContent = leftOut();
  if (!names.length) {
    for (const control of document.querySelectorAll("#harm, [id^=harm-]")) control.disabled = true;
    return;
  }
  const first = names.find(([, { changes }]) => changes) ?? names[0];
  options($("harm"), names.map(([name]) => [name, name === "none" ? "clean" : name]), first[0]);
  $("harm").onchange = change;
  $("harm-image").onclick = () => {
    [image, grains] = [Math.floor(Math.random() * content.labels.length), null];
    again();
  };
  $("harm-draw").onclick = () => {
    grains = null;
    again();
  };
  $("harm-turn").onclick = () => {
    const at = part(["rotate"]);
    records[at].k = (records[at].k + 1) % 4;
    restore();
  };
  $("harm-noise").oninput = restore;
  change();
}
