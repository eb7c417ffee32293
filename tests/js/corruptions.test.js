import assert from "node:assert/strict";
import test from "node:test";
import { apply, draw, inWords, known } from "../../src/autoencoders/report/page/corruptions.js";

const SHAPE = [2, 7, 7];
const pixels = Float32Array.from({ length: 98 }, (_, at) => at / 98);
const once = (parts) => apply(parts, pixels, SHAPE, draw(parts, SHAPE));

test("four quarter turns are none, and one moves the right edge to the top", () => {
  const parts = [{ kind: "rotate" }];
  const turned = apply(parts, pixels, SHAPE, [{ k: 1 }]);
  assert.deepEqual(Array.from(turned.slice(0, 7)), [6, 13, 20, 27, 34, 41, 48].map((at) => pixels[at]));
  let image = pixels;
  for (let turn = 0; turn < 4; turn++) image = apply(parts, image, SHAPE, [{ k: 1 }]);
  assert.deepEqual(image, pixels);
});

test("tiles move whole, in all maps alike, and the strips at the edges stay", () => {
  const parts = [{ kind: "jigsaw", grid: 3 }], shuffled = once(parts);
  assert.deepEqual(Array.from(shuffled).sort(), Array.from(pixels).sort());
  for (let at = 0; at < 49; at++) {
    assert.ok(Math.abs(shuffled[at + 49] - shuffled[at] - 0.5) < 1e-6);
    if (at % 7 === 6 || at >= 42) assert.equal(shuffled[at], pixels[at]);
  }
});

test("what is drawn differs from time to time, and is told in words", () => {
  const parts = [{ kind: "rotate" }, { kind: "jigsaw", grid: 2 }, { kind: "erase", patch: 2, share: 0.5 }];
  const words = new Set(Array.from({ length: 30 }, () => inWords(parts, draw(parts, SHAPE))));
  assert.ok(words.size > 3);
  assert.match([...words][0], /^k = [0-3], [0-4] tiles misplaced, 50 % erased$/);
});

test("noise is of its level, and stays within black and white", () => {
  const grey = new Float32Array(98).fill(0.5);
  const parts = [{ kind: "noise", distribution: "gaussian", level: 0.1 }];
  const noisy = apply(parts, grey, SHAPE, draw(parts, SHAPE));
  const deviation = Math.sqrt(noisy.reduce((sum, value) => sum + (value - 0.5) ** 2, 0) / 98);
  assert.ok(deviation > 0.06 && deviation < 0.14);
  const salt = once([{ kind: "noise", distribution: "salt_and_pepper", level: [0.9, 1] }]);
  assert.ok(salt.filter((value) => value === 0 || value === 1).length > 70);
});

test("what the page cannot do is not offered", () => {
  assert.ok(known([{ kind: "none" }, { kind: "scramble", grid: 3 }]));
  assert.ok(!known([{ kind: "rotate" }, { kind: "blur" }]));
});
