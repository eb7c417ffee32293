/* Blends of up to three: a triangle whose corners are picked images or means of classes. */

import { $, className, content, drawing, options, show } from "./content.js";
import { marks, view } from "./map.js";
import { codeOf, decode, meanOf } from "./models.js";
import { weighted } from "./sampling.js";

const CORNERS = [[100, 22], [18, 160], [182, 160]], STEP = 0.04;
let shares = [1 / 3, 1 / 3, 1 / 3], handle;

function corner(n) {
  const [kind, index] = ($(`corner-${n}`).value || "none").split(" ");
  if (kind === "pick") return codeOf(view.model.name, Number(index));
  return kind === "class" ? meanOf(view.model.name, Number(index)) : null;
}

/** The shares of the corners that there are, which sum to one. */
function sharesOf(corners) {
  const own = shares.map((share, n) => corners[n] ? share : 0);
  const sum = own.reduce((total, share) => total + share, 0);
  return sum ? own.map((share) => share / sum) : own.map((_, n) => Number(n === 0));
}

function showBlend() {
  const corners = [0, 1, 2].map(corner);
  if (!corners.some(Boolean)) return;
  const parts = sharesOf(corners), first = corners.find(Boolean);
  const code = weighted(corners.map((code) => code ?? first), parts);
  show($("blend"), decode(view.model.name, code));
  const words = parts.map((share, n) => `${"ABC"[n]} ${Math.round(100 * share)} %`)
    .filter((_, n) => corners[n]).join(", ");
  $("blend-words").textContent = `${view.model.name}: ${words}`;
  const [x, y] = [0, 1].map((axis) => CORNERS.reduce((sum, at, n) => sum + parts[n] * at[axis], 0));
  handle.setAttribute("cx", x);
  handle.setAttribute("cy", y);
  handle.setAttribute("aria-valuetext", words);
  handle.setAttribute("aria-valuenow", Math.round(100 * parts[0]));
}

/** What the corners may be: picked images, the classes' means. The picks go to the first. */
export function fillCorners() {
  const means = content.classes.map((name, label) => [`class ${label}`, `mean of ${name}`]);
  const picked = marks.picks.map((index) => [`pick ${index}`, `picked: ${className(index)} ${index}`]);
  for (const n of [0, 1, 2]) {
    const select = $(`corner-${n}`), entries = [...picked, ...means], first = content.first_blend[n];
    if (n) entries.unshift(["", "nothing"]);
    const wanted = marks.picks.length > n ? `pick ${marks.picks[n]}` : marks.picks.length ? ""
      : select.value || (first === undefined ? "" : `class ${first}`);
    options(select, entries, entries.some(([value]) => value === wanted) ? wanted : entries[0]?.[0]);
  }
  showBlend();
}

/** The shares of a place in the triangle, or of the nearest to it. */
function sharesAt(x, y) {
  const [[ax, ay], [bx, by], [cx, cy]] = CORNERS;
  const whole = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy);
  const a = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / whole;
  const b = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / whole;
  const bounded = [a, b, 1 - a - b].map((share) => Math.max(0, share));
  const sum = bounded.reduce((total, share) => total + share, 0);
  return bounded.map((share) => share / sum);
}

function setShares(found) {
  shares = found;
  showBlend();
}

export function startBlend() {
  const triangle = $("triangle");
  handle = drawing("circle", { r: 9, cx: 100, cy: 114, tabindex: 0, role: "slider", "aria-label":
    "Shares of A, B and C: arrow keys move it", "aria-valuemin": 0, "aria-valuemax": 100 });
  triangle.append(drawing("polygon", { points: CORNERS.map((at) => at.join()).join(" ") }),
    ...CORNERS.map(([x, y], n) => drawing("text", { x: x - 5, y: n ? y + 18 : y - 8 }, "ABC"[n])), handle);
  const move = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      triangle.getScreenCTM().inverse());
    setShares(sharesAt(at.x, at.y));
  };
  triangle.addEventListener("pointerdown", (event) => {
    triangle.setPointerCapture(event.pointerId);
    move(event);
  });
  triangle.addEventListener("pointermove", move);
  handle.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const step = steps[event.key];
    if (!step) return;
    const [x, y] = ["cx", "cy"].map((name) => Number(handle.getAttribute(name)));
    setShares(sharesAt(x + 164 * STEP * step[0], y + 138 * STEP * step[1]));
    event.preventDefault();
  });
  for (const n of [0, 1, 2]) $(`corner-${n}`).onchange = showBlend;
}
