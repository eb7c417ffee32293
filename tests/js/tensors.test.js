import assert from "node:assert/strict";
import test from "node:test";
import { combined, expanded, flipped, joined, permuted, reduced, reshaped, rowByRow, sliced, swapped,
  tensor, withAxis, withoutAxis } from "../../src/autoencoders/report/page/tensors.js";

const six = tensor(Float32Array.of(0, 1, 2, 3, 4, 5), [2, 3]);
const numbers = (x) => Array.from(rowByRow(x).data);

test("views change no number, and copy none", () => {
  for (const view of [swapped(six, 0, 1), sliced(six, 1, 1, 3), flipped(six, 1), withAxis(six, 0, 1, 0)])
    assert.equal(view.data, six.data);
  assert.deepEqual(numbers(swapped(six, -1, -2)), [0, 3, 1, 4, 2, 5]);
  assert.deepEqual(numbers(permuted(six, [1, 0])), [0, 3, 1, 4, 2, 5]);
  assert.deepEqual(numbers(flipped(six, 1)), [2, 1, 0, 5, 4, 3]);
  assert.deepEqual(numbers(sliced(six, 1, -2, 1 << 30)), [1, 2, 4, 5]);
  assert.deepEqual(numbers(sliced(six, 1, 0, 3, 2)), [0, 2, 3, 5]);
  assert.deepEqual(numbers(withoutAxis(six, 0, -1)), [3, 4, 5]);
  assert.deepEqual(expanded(withoutAxis(six, 0, 1), [2, -1]).shape, [2, 3]);
  assert.deepEqual(numbers(expanded(withoutAxis(six, 0, 1), [2, 3])), [3, 4, 5, 3, 4, 5]);
});

test("a view that is a part of its data is put row by row before it is reshaped", () => {
  const part = sliced(six, 0, 1, 2);
  assert.deepEqual(numbers(reshaped(part, [3, -1])), [3, 4, 5]);
  assert.deepEqual(reshaped(part, [3, -1]).shape, [3, 1]);
});

test("tensors are joined, combined and reduced along any axis", () => {
  assert.deepEqual(numbers(joined([six, sliced(six, 1, 0, 1)], 1)), [0, 1, 2, 0, 3, 4, 5, 3]);
  const sums = reduced(six, [0], false, (values) => values.reduce((a, b) => a + b));
  assert.deepEqual([sums.shape, numbers(sums)], [[3], [3, 5, 7]]);
  assert.deepEqual(reduced(six, [1], true, (values) => values[0]).shape, [2, 1]);
  assert.deepEqual(numbers(reduced(six, null, false, (values) => values.length)), [6]);
  assert.deepEqual(numbers(combined(six, sums, (a, b) => a * b)), [0, 5, 14, 9, 20, 35]);
  assert.deepEqual(numbers(combined(six, 2, (a, b) => a - b)), [-2, -1, 0, 1, 2, 3]);
});
