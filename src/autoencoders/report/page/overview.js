/* The first screen: each experiment's input and what became of it, epoch by epoch. */

import { $, content, element, height, number, radios, width } from "./content.js";

const SHOWN = 6;
const epochs = [...new Set(content.items.flatMap((item) => Object.keys(item.strips.epochs)))]
  .sort((a, b) => a - b);
let shownModel = content.models[0];

function latestUpTo(item, epoch) {
  return Object.keys(item.strips.epochs).filter((one) => Number(one) <= Number(epoch)).at(-1);
}

function strip(source, words) {
  const image = element("img", { className: "strip", src: source, alt: words });
  image.style.setProperty("--shown", (SHOWN * width) / height);
  return image;
}

function said(strips) {
  return strips.captions ? `input: ${strips.captions.slice(0, SHOWN).join(", ")}` : "input";
}

function overSeeds(spread) {
  if (!spread) return [];
  const [lowest, highest] = [spread.lowest, spread.highest].map((value) => number(value, 5));
  return [element("small", { textContent: `${lowest}\u2013${highest}`,
    title: `lowest and highest of ${spread.seeds} seeds` })];
}

function errors({ corruption }) {
  const rows = content.items.filter((item) => item.corruption === corruption).map((item) => {
    const { mse, mse_per_class: byClass } = content.measures[item.name].reconstruction;
    const classes = Object.values(byClass ?? {});
    const [least, most] = [Math.min(...classes), Math.max(...classes)].map((v) => number(v, 4));
    const range = classes.length ? `${least}\u2013${most}` : "";
    return { name: item.model, mse, range, model: item.model, spread: content.spread[item.name] };
  });
  const floors = content.floors[corruption].map(([name, mse]) => ({ name, mse, range: "", floor: true }));
  return element("table", {},
    element("thead", {}, element("tr", {}, ...["", "test MSE", "by class"].map((name) =>
      name ? element("th", { scope: "col", textContent: name }) : element("td")))),
    element("tbody", {}, ...[...rows, ...floors].map((row) => element("tr", {
      className: row.floor ? "floor" : row.model === shownModel ? "chosen" : "",
    }, element("th", { scope: "row", textContent: row.name }),
    element("td", {}, number(row.mse, 4), ...overSeeds(row.spread)),
    element("td", { textContent: row.range })))));
}

function experiment(corruption) {
  const item = content.items.find((one) =>
    one.corruption === corruption && one.model === shownModel);
  const epoch = latestUpTo(item, epochs[$("first-epoch").value]), { strips } = item;
  const rows = [[said(strips), strips.input], [`reconstruction after epoch ${epoch}`, strips.epochs[epoch]]];
  if (content.corruptions[corruption].changes) rows.unshift(["original", strips.original]);
  return element("article", { className: "experiment" },
    element("h2", { textContent: corruption === "none" ? "clean" : corruption }),
    element("p", { className: "quiet", textContent: content.corruptions[corruption].words }),
    element("dl", {}, ...rows.flatMap(([words, source]) => [
      element("dt", { textContent: words }),
      element("dd", {}, strip(source, `${item.name}: ${words}`))])),
    errors(item));
}

function showExperiments() {
  $("first-epoch-text").value = epochs[$("first-epoch").value];
  $("experiments").replaceChildren(...Object.keys(content.corruptions).map(experiment));
}

export function startOverview() {
  $("about").textContent = content.about;
  const [spread] = Object.values(content.spread);
  $("spread-words").textContent = spread ? `, below it lowest and highest of ${spread.seeds} seeds` : "";
  radios($("first-model").querySelector("div"), "first-model",
    content.models.map((name) => [name, name]), shownModel, (name) => {
      shownModel = name;
      showExperiments();
    });
  Object.assign($("first-epoch"), { max: epochs.length - 1, value: epochs.length - 1,
    oninput: showExperiments });
  showExperiments();
}
