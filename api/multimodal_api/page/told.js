// What the service tells in English for programmers, in the page's words; in the service's own where it has none.

import { Problem } from "./ask.js";
import { say } from "./words.js";

// Warnings come without codes: how each kind starts, and what it is called in words.js.
const WARNINGS = [
  ["the photo was left out", "photoLeftOut"],
  ["the photo is unlike those", "photoStrange"],
  ["nothing in the text is known", "textUnknown"],
  ["the title has no word", "titleEmpty"],
  ["for these inputs no share of right answers", "unpromised"],
  ["this bundle does not use the title", "unread_title"],
  ["this bundle does not use the description", "unread_description"],
  ["this bundle does not use the characteristics", "unread_characteristics"],
  ["this bundle does not use the image", "unread_image"],
];

export function problemText(error) {
  if (!(error instanceof Problem)) return say("failed");
  const code = error.code === "nothing_usable" ? nothingUsable(error.message) : error.code;
  return say("problems")[code] ?? error.message;
}

// What to try instead depends on what the model takes, which the service's words list.
function nothingUsable(message) {
  const takes = /expected at least one of: ([a-z, ]+)/.exec(message)?.[1].split(", ") ?? [];
  if (!takes.includes("image")) return "nothing_usable_text";
  return takes.length > 1 ? "nothing_usable" : "nothing_usable_image";
}

export function warningText(warning) {
  const kind = WARNINGS.find(([start]) => warning.startsWith(start));
  return kind ? say("warnings")[kind[1]] : warning;
}
