/* Arrays as the page holds them: base64 of float16, or of bytes with a scale for each row. */

function bytesOf(text) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/** What each float16 stands for: looked up, as a page has millions of them. */
const HALVES = Float32Array.from({ length: 1 << 16 }, (_, half) => {
  const sign = half & 0x8000 ? -1 : 1, exponent = (half >> 10) & 31, fraction = half & 1023;
  return exponent === 0 ? sign * 2 ** -24 * fraction
    : sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
});

/** float16 numbers, row by row. */
export function unpack(text) {
  const halves = new Uint16Array(bytesOf(text).buffer), numbers = new Float32Array(halves.length);
  for (let at = 0; at < halves.length; at++) numbers[at] = HALVES[halves[at]];
  return numbers;
}

/** The numbers of a network's array. */
export function unpackArray({ values, levels, scales }) {
  if (values !== undefined) return unpack(values);
  const rows = unpack(scales), whole = new Int8Array(bytesOf(levels).buffer);
  const width = whole.length / rows.length, numbers = new Float32Array(whole.length);
  for (let at = 0; at < whole.length; at++) numbers[at] = whole[at] * rows[Math.floor(at / width)];
  return numbers;
}

/** The row of a matrix with so many columns. */
export function rowOf(matrix, columns, row) {
  return matrix.subarray(row * columns, (row + 1) * columns);
}

/** start + share * (end - start), number by number. */
export function between(start, end, share) {
  return Float32Array.from(start, (value, at) => value + share * (end[at] - value));
}

/** Mean squared difference. */
export function squaredError(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] - other[at]) ** 2;
  return sum / one.length;
}
