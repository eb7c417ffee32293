/* Tensors with strides, as torch has them: what only changes a view copies nothing. */

function sizeOf(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

function stridesOf(shape) {
  const strides = new Array(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

/** A tensor of numbers that lie row by row. */
export function tensor(data, shape) {
  return { data, shape, strides: stridesOf(shape), offset: 0 };
}

/** Where in the data each element lies, row by row. */
function places({ shape, strides, offset }) {
  let found = [offset];
  shape.forEach((side, axis) => {
    const next = new Array(found.length * side);
    let at = 0;
    for (const place of found) for (let step = 0; step < side; step++)
      next[at++] = place + step * strides[axis];
    found = next;
  });
  return found;
}

/** The same tensor, row by row in data of its own length. */
export function rowByRow(x) {
  const expected = stridesOf(x.shape), size = sizeOf(x.shape);
  const alike = x.shape.every((side, axis) => side === 1 || x.strides[axis] === expected[axis]);
  if (alike && x.offset === 0 && x.data.length === size) return x;
  return tensor(Float32Array.from(places(x), (place) => x.data[place]), x.shape);
}

export function axisOf(x, axis) {
  return axis < 0 ? axis + x.shape.length : axis;
}

export function reshaped(x, shape) {
  const known = -shape.reduce((product, side) => product * side, 1);
  const whole = shape.map((side) => side === -1 ? sizeOf(x.shape) / known : side);
  return tensor(rowByRow(x).data, whole);
}

export function permuted(x, axes) {
  const order = axes.map((axis) => axisOf(x, axis));
  return { ...x, shape: order.map((axis) => x.shape[axis]),
    strides: order.map((axis) => x.strides[axis]) };
}

export function swapped(x, one, other) {
  const axes = x.shape.map((_, axis) => axis);
  [axes[axisOf(x, one)], axes[axisOf(x, other)]] = [axisOf(x, other), axisOf(x, one)];
  return permuted(x, axes);
}

export function withAxis(x, axis, side, stride) {
  const at = axis < 0 ? axis + x.shape.length + 1 : axis;
  return { ...x, shape: x.shape.toSpliced(at, 0, side), strides: x.strides.toSpliced(at, 0, stride) };
}

export function withoutAxis(x, axis, index) {
  const at = axisOf(x, axis), from = index < 0 ? index + x.shape[at] : index;
  return { ...x, shape: x.shape.toSpliced(at, 1), strides: x.strides.toSpliced(at, 1),
    offset: x.offset + from * x.strides[at] };
}

/** Of an axis the indices from start to before end, every so many. */
export function sliced(x, axis, start, end, step = 1) {
  const at = axisOf(x, axis), side = x.shape[at];
  const bound = (index) => Math.min(side, Math.max(0, index < 0 ? index + side : index));
  const [first, last] = [bound(start ?? 0), bound(end ?? side)];
  return { ...x, shape: x.shape.with(at, Math.max(0, Math.ceil((last - first) / step))),
    strides: x.strides.with(at, x.strides[at] * step), offset: x.offset + first * x.strides[at] };
}

/** Axes of one repeated, and new ones before the first, without a copy. */
export function expanded(x, shape) {
  const more = shape.length - x.shape.length;
  const strides = shape.map((side, axis) => {
    const own = axis - more;
    return own < 0 || (x.shape[own] === 1 && side !== 1) ? 0 : x.strides[own];
  });
  return { ...x, strides, shape: shape.map((side, axis) => side === -1 ? x.shape[axis - more] : side) };
}

export function flipped(x, axis) {
  const at = axisOf(x, axis);
  return { ...x, strides: x.strides.with(at, -x.strides[at]),
    offset: x.offset + (x.shape[at] - 1) * x.strides[at] };
}

export function joined(parts, axis) {
  const at = axisOf(parts[0], axis);
  const side = parts.reduce((sum, part) => sum + part.shape[at], 0);
  const shape = parts[0].shape.with(at, side), data = new Float32Array(sizeOf(shape));
  const inner = sizeOf(shape.slice(at + 1)), outer = sizeOf(shape.slice(0, at));
  let before = 0;
  for (const part of parts) {
    const own = rowByRow(part).data, width = part.shape[at] * inner;
    for (let row = 0; row < outer; row++)
      data.set(own.subarray(row * width, (row + 1) * width), row * side * inner + before);
    before += width;
  }
  return tensor(data, shape);
}

export function mapped(x, f) {
  return tensor(rowByRow(x).data.map(f), x.shape);
}

/** f of two tensors, or of one and a number, whose shapes are brought to one. */
export function combined(one, other, f) {
  if (typeof other === "number") return mapped(one, (value) => f(value, other));
  const length = Math.max(one.shape.length, other.shape.length);
  const side = (x, axis) => x.shape[axis - length + x.shape.length] ?? 1;
  const shape = Array.from({ length }, (_, axis) => Math.max(side(one, axis), side(other, axis)));
  const [x, y] = [one, other].map((given) => rowByRow(expanded(given, shape)).data);
  return tensor(x.map((value, at) => f(value, y[at])), shape);
}

/** f of the numbers along axes, which become one or vanish. */
export function reduced(x, axes, keep, f) {
  const gone = (axes?.length ? axes : x.shape.map((_, axis) => axis)).map((axis) => axisOf(x, axis));
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !gone.includes(axis));
  const { data } = rowByRow(permuted(x, [...kept, ...gone]));
  const width = sizeOf(gone.map((axis) => x.shape[axis]));
  const made = Float32Array.from({ length: data.length / width }, (_, row) =>
    f(data.subarray(row * width, (row + 1) * width)));
  const shape = keep ? x.shape.map((side, axis) => gone.includes(axis) ? 1 : side)
    : kept.map((axis) => x.shape[axis]);
  return tensor(made, shape);
}
