/* Networks as torch traced them: the operations of ATen that they are made of. */

import { unpackArray } from "./arrays.js";
import { axisOf, combined, expanded, flipped, joined, mapped, permuted, reduced, reshaped, rowByRow,
  sliced, swapped, tensor, withAxis, withoutAxis } from "./tensors.js";

const pointwise = (f) => (x) => mapped(x, f);
const same = (x) => x;
const sum = (values) => values.reduce((total, value) => total + value, 0);
const place = (better) => (x, axis, keep) => reduced(x, axis === undefined || axis === null ? null
  : [axis], keep, (values) => {
  let best = 0;
  for (let at = 1; at < values.length; at++) if (better(values[at], values[best])) best = at;
  return best;
});

/** By their names, each as torch calls it. */
export const OPERATIONS = {
  _safe_softmax: softmax,
  _softmax: softmax,
  _to_copy: same,
  _unsafe_view: reshaped,
  add: (x, y) => combined(x, y, (a, b) => a + b),
  addmm: (bias, x, y) => combined(matrixProduct(x, y), bias, (a, b) => a + b),
  alias: same,
  arange: (end) => tensor(Float32Array.from({ length: end }, (_, at) => at), [end]),
  argmax: place((a, b) => a > b),
  argmin: place((a, b) => a < b),
  bmm: (x, y) => joined(Array.from({ length: x.shape[0] }, (_, at) =>
    withAxis(matrixProduct(withoutAxis(x, 0, at), withoutAxis(y, 0, at)), 0, 1, 1)), 0),
  cat: (parts, axis = 0) => joined(parts, axis),
  clamp: (x, least, most) => mapped(x, (v) => Math.min(most ?? Infinity, Math.max(least ?? -Infinity, v))),
  clone: same,
  convolution,
  div: (x, y) => combined(x, y, (a, b) => a / b),
  eq: (x, y) => combined(x, y, (a, b) => Number(a === b)),
  expand: expanded,
  gelu: pointwise((v) => 0.5 * v * (1 + errorFunction(v / Math.SQRT2))),
  getitem: (list, at) => list[at],
  index: (x, [rows]) => joined(Array.from(rowByRow(rows).data, (row) => sliced(x, 0, row, row + 1)), 0),
  mean: (x, axes, keep) => reduced(x, axes, keep, (values) => sum(values) / values.length),
  mm: matrixProduct,
  mul: (x, y) => combined(x, y, (a, b) => a * b),
  native_batch_norm: (x, gain, shift, mean, variance, training, momentum, epsilon) => {
    const scale = combined(gain, mapped(variance, (v) => Math.sqrt(v + epsilon)), (a, b) => a / b);
    const rest = combined(shift, combined(mean, scale, (a, b) => a * b), (a, b) => a - b);
    const shape = x.shape.map((_, axis) => axis === 1 ? -1 : 1);
    const scaled = combined(x, reshaped(scale, shape), (a, b) => a * b);
    return [combined(scaled, reshaped(rest, shape), (a, b) => a + b)];
  },
  native_layer_norm: (x, shape, gain, shift, epsilon) => {
    const axes = shape.map((_, axis) => axis - shape.length);
    const mean = reduced(x, axes, true, (values) => sum(values) / values.length);
    const away = combined(x, mean, (a, b) => a - b);
    const spread = reduced(away, axes, true, (values) =>
      Math.sqrt(values.reduce((total, v) => total + v * v, 0) / values.length + epsilon));
    const scaled = combined(combined(away, spread, (a, b) => a / b), gain, (a, b) => a * b);
    return [combined(scaled, shift, (a, b) => a + b)];
  },
  permute: permuted,
  pow: (x, power) => mapped(x, (v) => v ** power),
  relu: pointwise((v) => Math.max(0, v)),
  rot90: (x, k = 1, [one, other] = [0, 1]) => {
    let turned = x;
    for (let turn = 0; turn < ((k % 4) + 4) % 4; turn++)
      turned = flipped(swapped(turned, one, other), one);
    return turned;
  },
  select: withoutAxis,
  sigmoid: pointwise((v) => 1 / (1 + Math.exp(-v))),
  silu: pointwise((v) => v / (1 + Math.exp(-v))),
  slice: (x, axis = 0, start, end, step) => sliced(x, axis, start, end, step),
  split: (x, size, axis = 0) => Array.from({ length: Math.ceil(x.shape[axisOf(x, axis)] / size) },
    (_, part) => sliced(x, axis, part * size, (part + 1) * size)),
  squeeze: (x, axis) => x.shape[axisOf(x, axis)] === 1 ? withoutAxis(x, axis, 0) : x,
  stack: (parts, axis = 0) => joined(parts.map((part) => withAxis(part, axis, 1, 0)), axis),
  sub: (x, y) => combined(x, y, (a, b) => a - b),
  sum: (x, axes, keep) => reduced(x, axes, keep, sum),
  t: (x) => swapped(x, 0, 1),
  tanh: pointwise(Math.tanh),
  transpose: swapped,
  unsqueeze: (x, axis) => withAxis(x, axis, 1, 0),
  view: reshaped,
};

/** To seven digits: Abramowitz & Stegun, 1964, 7.1.26. */
function errorFunction(v) {
  const t = 1 / (1 + 0.3275911 * Math.abs(v));
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t
    + 0.254829592) * t * Math.exp(-v * v);
  return Math.sign(v) * (1 - tail);
}

function softmax(x, axis) {
  const highest = reduced(x, [axis], true, (values) => values.reduce((a, b) => Math.max(a, b)));
  const raised = combined(x, highest, (a, b) => Math.exp(a - b));
  return combined(raised, reduced(raised, [axis], true, sum), (a, b) => a / b);
}

function matrixProduct(x, y) {
  const [rows, inner] = x.shape, columns = y.shape[1];
  const one = rowByRow(x).data, other = rowByRow(swapped(y, 0, 1)).data;
  const made = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
    let total = 0;
    for (let at = 0; at < inner; at++) total += one[row * inner + at] * other[column * inner + at];
    made[row * columns + column] = total;
  }
  return tensor(made, [rows, columns]);
}

function convolution(x, weight, bias, stride, padding, dilation, transposed, more, groups) {
  const settings = { stride, padding, dilation, more }, ins = x.shape[1] / groups;
  const part = (of, axis, side, at) => sliced(of, axis, at * side, (at + 1) * side);
  const images = Array.from({ length: x.shape[0] }, (_, image) => joined(
    Array.from({ length: groups }, (_, group) => (transposed ? spread : gathered)(
      part(part(x, 0, 1, image), 1, ins, group),
      part(weight, 0, weight.shape[0] / groups, group), settings)), 1));
  const made = joined(images, 0);
  return bias ? combined(made, reshaped(bias, [-1, 1, 1]), (a, b) => a + b) : made;
}

/** Of so many indices those that a tap takes to an index of the others: first and last. */
function reach(count, others, stride, shift) {
  return [Math.max(0, Math.ceil(-shift / stride)),
    Math.min(count - 1, Math.floor((others - 1 - shift) / stride))];
}

/** A convolution (1, C, H, W), by its taps: all pixels of a map for each. */
function gathered(x, weight, { stride, padding, dilation }) {
  const [outs, , ...kernel] = weight.shape, [, , h, w] = x.shape;
  const [H, W] = [h, w].map((side, axis) => Math.floor((side + 2 * padding[axis]
    - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) + 1);
  const made = new Float32Array(outs * H * W);
  eachTap(x, weight, (o, i, k, l, value, pixels) => {
    const down = k * dilation[0] - padding[0], right = l * dilation[1] - padding[1];
    const [top, bottom] = reach(H, h, stride[0], down), [first, last] = reach(W, w, stride[1], right);
    for (let I = top; I <= bottom; I++) {
      const to = (o * H + I) * W, from = (i * h + I * stride[0] + down) * w + right;
      for (let J = first; J <= last; J++) made[to + J] += value * pixels[from + J * stride[1]];
    }
  });
  return tensor(made, [1, outs, H, W]);
}

/** The transposed convolution, whose weights are of (in, out, ...). */
function spread(x, weight, { stride, padding, dilation, more }) {
  const [, outs, ...kernel] = weight.shape, [, , h, w] = x.shape;
  const [H, W] = [h, w].map((side, axis) => (side - 1) * stride[axis] - 2 * padding[axis]
    + dilation[axis] * (kernel[axis] - 1) + more[axis] + 1);
  const made = new Float32Array(outs * H * W);
  eachTap(x, swapped(weight, 0, 1), (o, i, k, l, value, pixels) => {
    const down = k * dilation[0] - padding[0], right = l * dilation[1] - padding[1];
    const [top, bottom] = reach(h, H, stride[0], down), [first, last] = reach(w, W, stride[1], right);
    for (let row = top; row <= bottom; row++) {
      const to = (o * H + row * stride[0] + down) * W + right, from = (i * h + row) * w;
      for (let column = first; column <= last; column++)
        made[to + column * stride[1]] += value * pixels[from + column];
    }
  });
  return tensor(made, [1, outs, H, W]);
}

function eachTap(x, { data, shape: [outs, ins, rows, columns], strides, offset }, add) {
  const pixels = rowByRow(x).data;
  for (let o = 0; o < outs; o++) for (let i = 0; i < ins; i++)
    for (let k = 0; k < rows; k++) for (let l = 0; l < columns; l++)
      add(o, i, k, l, data[offset + o * strides[0] + i * strides[1] + k * strides[2] + l * strides[3]],
        pixels);
}

/** A network as the page holds it, with its arrays unpacked. */
export function readNetwork({ steps, arrays, result }) {
  return { steps, result, arrays: arrays.map((array) => tensor(unpackArray(array), array.shape)) };
}

/** What a network makes of a tensor. */
export function runNetwork({ steps, arrays, result }, given) {
  const results = [given];
  const argument = (one) => {
    if (Array.isArray(one)) return one.map(argument);
    if (one === null || typeof one !== "object") return one;
    return "of" in one ? results[one.of] : arrays[one.array];
  };
  for (const [name, ...taken] of steps) results.push(OPERATIONS[name](...taken.map(argument)));
  return rowByRow(results[result]);
}
