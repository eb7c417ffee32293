/* New codes: drawn from a prior or a mixture, and between others. */

/** A number of the standard normal distribution (Box & Muller, 1958). */
export function normal(random = Math.random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function normalCode(length, random = Math.random) {
  return Float32Array.from({ length }, () => normal(random));
}

/** A code from a mixture of Gaussians: weights (K), means (K, L), lower factors (K, L(L+1)/2). */
export function mixtureCode({ weights, means, factors }, length, random = Math.random) {
  let rest = random() * weights.reduce((total, weight) => total + weight, 0), component = 0;
  while (component < weights.length - 1 && rest >= weights[component]) rest -= weights[component++];
  const noise = normalCode(length, random), size = (length * (length + 1)) / 2;
  let at = component * size;
  return Float32Array.from({ length }, (_, row) => {
    let value = means[component * length + row];
    for (let column = 0; column <= row; column++) value += factors[at++] * noise[column];
    return value;
  });
}

/** The sum of codes, each times its weight. */
export function weighted(codes, weights) {
  return Float32Array.from(codes[0], (_, at) =>
    codes.reduce((total, code, n) => total + weights[n] * code[at], 0));
}

/** Along the arc between two codes (Shoemake, 1985); straight where there is no one arc. */
export function onSphere(start, end, share) {
  const length = (code) => Math.hypot(...code);
  const product = start.reduce((total, value, at) => total + value * end[at], 0);
  const angle = Math.acos(Math.min(1, Math.max(-1, product / (length(start) * length(end) || 1))));
  if (Math.sin(angle) < 1e-4) return weighted([start, end], [1 - share, share]);
  return weighted([start, end], [Math.sin((1 - share) * angle), Math.sin(share * angle)]
    .map((part) => part / Math.sin(angle)));
}

/** The dimensions of codes that vary most, most first. */
export function mostActive(codes, latent, count) {
  const rows = codes.length / latent;
  const spread = Array.from({ length: latent }, (_, dimension) => {
    let sum = 0, squares = 0;
    for (let row = 0; row < rows; row++) {
      sum += codes[row * latent + dimension];
      squares += codes[row * latent + dimension] ** 2;
    }
    return squares / rows - (sum / rows) ** 2;
  });
  return spread.map((_, dimension) => dimension).sort((a, b) => spread[b] - spread[a]).slice(0, count);
}

/** So many places on a line through points, as far from each other along it. */
export function alongLine(points, count) {
  const ends = [0];
  for (let at = 1; at < points.length; at++)
    ends.push(ends[at - 1] + Math.hypot(points[at][0] - points[at - 1][0],
      points[at][1] - points[at - 1][1]));
  const whole = ends.at(-1);
  return Array.from({ length: count }, (_, n) => {
    const wanted = (whole * n) / Math.max(1, count - 1);
    const next = Math.max(1, ends.findIndex((end) => end >= wanted));
    if (points.length === 1) return points[0];
    const share = (wanted - ends[next - 1]) / (ends[next] - ends[next - 1] || 1);
    return [0, 1].map((axis) => points[next - 1][axis]
      + share * (points[next][axis] - points[next - 1][axis]));
  });
}
