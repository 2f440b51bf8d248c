// An answer on the page: decision, suggestions with paths and bars, what the photo shows, reasons.

import { warningText } from "./told.js";
import { percent, say } from "./words.js";

const $ = (id) => document.getElementById(id);

function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...properties });
}

function pathOf(category) {
  const path = make("div", "", { className: "path" });
  category.path.forEach((step, i) => {
    if (i) path.append(make("span", " › "));
    path.append(make(i === category.path.length - 1 ? "b" : "span", step.name));
  });
  return path;
}

export function pathText(category) {
  return category.path.map((step) => step.name).join(" › ");
}

export function showAnswer(answer, accept) {
  const decided = answer.category && `${say(answer.decision)} ${pathText(answer.category)} (${percent(answer.category.probability)})`;
  const used = say("used")[answer.modality.used];
  $("decision").textContent = decided ? `${decided} · ${used}` : say("abstain", used);
  $("suggestions").replaceChildren(...answer.suggestions.map((category, i) => suggestion(category, accept, i === 0)));
  const chips = answer.tags.map((tag) => make("li", `${tag.name} ${percent(tag.probability)}`, { className: tag.present ? "" : "off" }));
  const colours = answer.attributes.map((one) => make("li", `${one.name}: ${one.value} ${percent(one.probability)}`));
  $("tags").replaceChildren(...chips, ...colours);
  $("photo-says").hidden = chips.length + colours.length === 0;
  const warnings = answer.warnings.map((warning) => make("li", `⚠ ${warningText(warning)}`, { title: warning }));
  if (answer.conflict) warnings.unshift(make("li", `⚠ ${say("conflict", answer.conflict.text.name, answer.conflict.image.name)}`));
  $("warnings").replaceChildren(...warnings);
  $("answer").hidden = false;
}

function suggestion(category, accept, first) {
  const item = make("li", "");
  const bar = make("progress", "", { max: 1, value: category.probability });
  bar.setAttribute("aria-label", pathText(category));
  const line = make("div", "", { className: "bar" });
  line.append(bar, make("span", percent(category.probability), { className: "share" }));
  const right = make("button", say("accept"), { type: "button", className: first ? "right first" : "right" });
  right.setAttribute("aria-label", `${say("accept")}: ${pathText(category)}`);
  right.addEventListener("click", () => accept(category.id, pathText(category)));
  const left = make("div", "");
  left.append(pathOf(category), line);
  item.append(left, right);
  return item;
}

export function showReasons(answer) {
  const reasons = answer.explanation ?? [];
  $("reasons").replaceChildren(...reasons.map((reason) => {
    const item = make("li", "");
    const times = Math.exp(Math.abs(reason.effect));
    const much = times >= 100 ? Math.round(times) : times.toFixed(1);
    item.append(make("span", reason.text), make("span", reason.effect >= 0 ? `× ${much}` : `÷ ${much}`));
    return item;
  }));
  const told = [answer.heat_map ? say("whyPhoto") : "", reasons.length ? say("whyText") : ""].filter(Boolean);
  $("why-text").textContent = told.join(" ") || say("whyNothing");
}
