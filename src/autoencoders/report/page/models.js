/* The trained models: their networks run here, in the browser. */

import { rowOf, unpack } from "./arrays.js";
import { channels, content, height, width } from "./content.js";
import { readNetwork, runNetwork } from "./operations.js";
import { pixelsOf, readSheets } from "./sheets.js";
import { tensor } from "./tensors.js";

const read = new Map();

/** A model of the page by its name, with its arrays and networks unpacked. */
export function modelOf(name) {
  if (!read.has(name)) {
    const item = content.items.find((one) => one.name === name);
    const arrays = Object.fromEntries(["codes", "means", "origin", "axes"].map(
      (key) => [key, unpack(item[key])]));
    const networks = Object.fromEntries(Object.entries(item.networks).map(
      ([key, network]) => [key, network && readNetwork(network)]));
    read.set(name, { ...item, ...arrays, networks });
  }
  return read.get(name);
}

export function readAtlases() {
  const atlases = content.items.filter((item) => item.atlas);
  return readSheets(Object.fromEntries(atlases.map(({ name, atlas }) => [`atlas ${name}`,
    atlas.images])));
}

/** The image that a code decodes to. */
export function decode(name, code) {
  const model = modelOf(name), { decode: network } = model.networks;
  if (!network) return nearestDecoded(model, code);
  return runNetwork(network, tensor(Float32Array.from(code), [1, model.latent])).data;
}

/** Of the images that were decoded beforehand the one whose code is nearest. */
function nearestDecoded({ name, atlas, latent }, code) {
  atlas.unpacked ??= unpack(atlas.codes);
  let best = 0, least = Infinity;
  for (let image = 0; image < atlas.count; image++) {
    let apart = 0;
    for (let at = 0; at < latent && apart < least; at++)
      apart += (code[at] - atlas.unpacked[image * latent + at]) ** 2;
    if (apart < least) [best, least] = [image, apart];
  }
  return pixelsOf(`atlas ${name}`, best);
}

const asImage = (pixels) => tensor(pixels, [1, channels, height, width]);

/** What the aligner makes of an image; null where there is none in the page. */
export function align(name, pixels) {
  const { align: network } = modelOf(name).networks;
  return network ? runNetwork(network, asImage(pixels)).data : null;
}

export function canEncode(name) {
  return Boolean(content.items.find((one) => one.name === name).networks.encode);
}

/** The code of an image, aligned before where there is an aligner. */
export function encode(name, pixels) {
  const aligned = align(name, pixels) ?? pixels;
  return runNetwork(modelOf(name).networks.encode, asImage(aligned)).data;
}

/** The code of one of the images on the map. */
export function codeOf(name, index) {
  const { codes, latent } = modelOf(name);
  return rowOf(codes, latent, index);
}

/** The mean code of a class. */
export function meanOf(name, label) {
  const { means, latent } = modelOf(name);
  return rowOf(means, latent, label);
}
