import assert from "node:assert/strict";
import test from "node:test";
import { alongLine, mixtureCode, mostActive, normalCode, onSphere, weighted }
  from "../../src/autoencoders/report/page/sampling.js";

/** The same numbers each time: Lehmer's generator. */
function chance() {
  let state = 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;

function spread(values) {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

test("codes of the prior are standard normal", () => {
  const drawn = Array.from(normalCode(20000, chance()));
  assert.ok(Math.abs(mean(drawn)) < 0.03);
  assert.ok(Math.abs(spread(drawn) - 1) < 0.03);
});

test("codes of a mixture have the means and covariances of its parts", () => {
  const mixture = { weights: [0.25, 0.75], means: [0, 0, 10, 20], factors: [1, 0, 1, 1, 2, 0.5] };
  const random = chance(), drawn = Array.from({ length: 8000 }, () => mixtureCode(mixture, 2, random));
  const second = drawn.filter(([x]) => x > 5);
  assert.ok(Math.abs(second.length / drawn.length - 0.75) < 0.02);
  assert.ok(Math.abs(mean(second.map(([, y]) => y)) - 20) < 0.1);
  const together = mean(second.map(([x, y]) => (x - 10) * (y - 20)));
  assert.ok(Math.abs(together - 2) < 0.15, `covariance ${together}`);
});

test("a way on the sphere keeps the length, and is straight where there is no arc", () => {
  const half = onSphere(Float32Array.of(3, 0), Float32Array.of(0, 3), 0.5);
  assert.ok(Math.abs(Math.hypot(...half) - 3) < 1e-5);
  assert.deepEqual(Array.from(onSphere(Float32Array.of(1, 0), Float32Array.of(3, 0), 0.5)), [2, 0]);
});

test("places on a line are equally far from each other", () => {
  assert.deepEqual(alongLine([[0, 0], [3, 0], [3, 1]], 5), [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]]);
  assert.deepEqual(alongLine([[1, 2]], 2), [[1, 2], [1, 2]]);
});

test("sums of codes, and the dimensions that vary most", () => {
  assert.deepEqual(Array.from(weighted([[1, 0], [0, 1]].map((code) => Float32Array.from(code)),
    [0.25, 0.75])), [0.25, 0.75]);
  assert.deepEqual(mostActive([0, 5, 1, 0, -5, 2, 0, 0, 3], 3, 2), [1, 2]);
});
