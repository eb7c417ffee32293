/* What is done to an image, as the corruptions of the same names do it. */

import { normal } from "./sampling.js";

function shuffled(count, random) {
  const order = Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}

/** Each pixel of each map from the pixel that `source` names. */
function moved(pixels, [channels, height, width], source) {
  const size = height * width;
  return Float32Array.from(pixels, (_, at) => {
    const pixel = at % size;
    return pixels[at - pixel + source(Math.floor(pixel / width), pixel % width)];
  });
}

/** Tile by tile; what the grid leaves over at the right and at the bottom stays. */
function tiled(pixels, shape, grid, order, turns) {
  const [, height, width] = shape, h = Math.floor(height / grid), w = Math.floor(width / grid);
  return moved(pixels, shape, (row, column) => {
    if (row >= grid * h || column >= grid * w) return row * width + column;
    const place = Math.floor(row / h) * grid + Math.floor(column / w), tile = order[place];
    const [i, j] = turnedBack(row % h, column % w, h, turns[place]);
    return (Math.floor(tile / grid) * h + i) * width + (tile % grid) * w + j;
  });
}

/** Where a pixel was before a square was turned by k * 90 degrees counter-clockwise. */
function turnedBack(row, column, side, k) {
  for (let turn = 0; turn < k; turn++) [row, column] = [column, side - 1 - row];
  return [row, column];
}

const still = (grid) => new Array(grid * grid).fill(0);
const span = (level, random) => Array.isArray(level)
  ? level[0] + random() * (level[1] - level[0]) : level;

/** By their kinds: what is drawn for an image, what is done to it, and that in words. */
const CORRUPTIONS = {
  none: { draw: () => ({}), apply: (pixels) => pixels, words: () => "" },
  rotate: {
    draw: (settings, shape, random) => ({ k: Math.floor(4 * random()) }),
    apply: (pixels, settings, shape, { k }) => moved(pixels, shape, (row, column) => {
      const [i, j] = turnedBack(row, column, shape[1], k);
      return i * shape[2] + j;
    }),
    words: ({ k }) => `k = ${k}`,
  },
  jigsaw: {
    draw: ({ grid }, shape, random) => ({ order: shuffled(grid * grid, random), turns: still(grid) }),
    apply: (pixels, { grid }, shape, { order, turns }) => tiled(pixels, shape, grid, order, turns),
    words: ({ order }) => `${order.filter((tile, place) => tile !== place).length} tiles misplaced`,
  },
  scramble: {
    draw: ({ grid }, shape, random) => ({ order: shuffled(grid * grid, random),
      turns: still(grid).map(() => Math.floor(4 * random())) }),
    apply: (pixels, { grid }, shape, { order, turns }) => tiled(pixels, shape, grid, order, turns),
    words: ({ order, turns }) => `${order.filter((tile, place) => tile !== place).length} tiles `
      + `misplaced, ${turns.filter(Boolean).length} turned`,
  },
  erase: {
    draw: ({ patch, share }, [, height, width], random) => {
      const patches = Math.ceil(height / patch) * Math.ceil(width / patch);
      const count = Math.min(patches - 1, Math.max(1, Math.round(span(share, random) * patches)));
      return { erased: new Set(shuffled(patches, random).slice(0, count)), patches };
    },
    apply: (pixels, { patch }, [, height, width], { erased }) => pixels.map((value, at) => {
      const pixel = at % (height * width), row = Math.floor(pixel / width), column = pixel % width;
      const number = Math.floor(row / patch) * Math.ceil(width / patch) + Math.floor(column / patch);
      return erased.has(number) ? 128 / 255 : value;
    }),
    words: ({ erased, patches }) => `${Math.round((100 * erased.size) / patches)} % erased`,
  },
  noise: {
    draw: ({ level, distribution }, [channels, height, width], random) => ({
      level: span(level, random),
      drawn: Float32Array.from({ length: channels * height * width },
        distribution === "gaussian" ? () => normal(random) : random),
    }),
    apply: (pixels, { distribution }, shape, { level, drawn }) => pixels.map((value, at) => {
      if (distribution === "gaussian") return Math.min(1, Math.max(0, value + level * drawn[at]));
      return drawn[at] < level / 2 ? 0 : drawn[at] < level ? 1 : value;
    }),
    words: ({ level }) => `level ${level.toFixed(2)}`,
  },
};

/** Whether the page can do what a corruption's parts do. */
export function known(parts) {
  return parts.every(({ kind }) => kind in CORRUPTIONS);
}

/** What is drawn for each part of a corruption. */
export function draw(parts, shape, random = Math.random) {
  return parts.map((part) => CORRUPTIONS[part.kind].draw(part, shape, random));
}

/** Part after part, each as its record says. */
export function apply(parts, pixels, shape, records) {
  return parts.reduce((image, part, at) =>
    CORRUPTIONS[part.kind].apply(image, part, shape, records[at]), pixels);
}

export function inWords(parts, records) {
  return parts.map((part, at) => CORRUPTIONS[part.kind].words(records[at])).filter(Boolean).join(", ");
}
