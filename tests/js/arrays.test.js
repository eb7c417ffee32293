import assert from "node:assert/strict";
import test from "node:test";
import { between, rowOf, squaredError, unpack, unpackArray }
  from "../../src/autoencoders/report/page/arrays.js";

const base64 = (array) => Buffer.from(array.buffer).toString("base64");

test("float16 is read with its signs, its small numbers and its large ones", () => {
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0);
  const found = Array.from(unpack(base64(halves)));
  assert.deepEqual(found.toSpliced(2, 1), [1, -2, 2 ** -24, 65504, 0]);
  assert.ok(Math.abs(found[2] - 1 / 3) < 1e-4);
});

test("bytes are read row by row, each with its own scale", () => {
  const levels = base64(Int8Array.of(127, -127, 0, 1, 2, 3));
  const scales = base64(Uint16Array.of(0x3800, 0x4000)); // a half, two
  assert.deepEqual(Array.from(unpackArray({ levels, scales })), [63.5, -63.5, 0, 2, 4, 6]);
});

test("rows, ways and errors", () => {
  assert.deepEqual(Array.from(rowOf(Float32Array.of(1, 2, 3, 4), 2, 1)), [3, 4]);
  assert.deepEqual(Array.from(between([0, 2], [1, 4], 0.5)), [0.5, 3]);
  assert.equal(squaredError([1, 2], [3, 2]), 2);
});
