// The searchable tree: a combobox over the paths of all leaves.

import { say } from "./words.js";

const SHOWN = 40;

export class TreeSearch {
  constructor(input, list, chosen) {
    [this.input, this.list, this.chosen] = [input, list, chosen];
    [this.leaves, this.matches, this.at] = [[], [], -1];
    input.addEventListener("input", () => this.search());
    input.addEventListener("keydown", (event) => this.press(event));
    list.addEventListener("click", (event) => {
      const item = event.target.closest("[role=option]");
      if (item) this.choose(Number(item.dataset.at));
    });
  }

  get filled() {
    return this.leaves.length > 0;
  }

  fill(categories) {
    const byId = new Map(categories.map((one) => [one.id, one]));
    const names = (one) => (one ? [...names(byId.get(one.parent_id)), one.name] : []);
    this.leaves = categories.filter((one) => one.is_leaf).map((one) => {
      const path = names(one).join(" › ");
      return { id: one.id, path, folded: path.toLocaleLowerCase() };
    });
    this.search(); // for what was typed before the tree came
  }

  search() {
    const words = this.input.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const all = words.length ? this.leaves.filter((leaf) => words.every((word) => leaf.folded.includes(word))) : [];
    this.matches = all.slice(0, SHOWN);
    this.at = -1;
    this.list.replaceChildren(...this.matches.map((leaf, at) => {
      const item = document.createElement("li");
      Object.assign(item, { id: `found-${at}`, textContent: leaf.path });
      item.setAttribute("role", "option");
      item.dataset.at = at;
      return item;
    }));
    this.list.setAttribute("aria-label", say("found", all.length));
    this.input.setAttribute("aria-expanded", String(this.matches.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  press(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.matches.length) {
      this.at = (this.at + step + this.matches.length) % this.matches.length;
      [...this.list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === this.at)));
      this.list.children[this.at].scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", `found-${this.at}`);
      event.preventDefault();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.matches.length) this.choose(Math.max(0, this.at));
    } else if (event.key === "Escape") {
      this.clear();
    }
  }

  choose(at) {
    const leaf = this.matches[at];
    this.clear();
    this.chosen(leaf);
  }

  clear() {
    this.input.value = "";
    this.search();
  }
}
