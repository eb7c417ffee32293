/* Many images in one picture, and their pixels. */

import { channels, content, height, width } from "./content.js";

const read = new Map();

/** The pictures, by their names; to be waited for before pixels are asked for. */
export async function readSheets(named) {
  await Promise.all(Object.entries(named).map(async ([name, source]) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0);
    read.set(name, canvas);
  }));
}

/** The picture, and the corner of one of its images. */
export function placeOf(name, index) {
  const columns = content.sheet_columns;
  return [read.get(name), (index % columns) * width, Math.floor(index / columns) * height];
}

/** The numbers of one of its images in [0, 1], map by map. */
export function pixelsOf(name, index) {
  const [canvas, x, y] = placeOf(name, index), size = width * height;
  const { data } = canvas.getContext("2d").getImageData(x, y, width, height);
  return Float32Array.from({ length: channels * size },
    (_, at) => data[4 * (at % size) + Math.floor(at / size)] / 255);
}
