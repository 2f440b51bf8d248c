// The page: asks while you type, shows what comes, sends what you say of it.

import { pathText, showAnswer, showReasons } from "./answer.js";
import { categoriesOf, classify, feedback, modelOf, Problem, whenReady } from "./ask.js";
import { show, shrunk } from "./photo.js";
import { problemText } from "./told.js";
import { TreeSearch } from "./tree.js";
import { say, speak } from "./words.js";

const $ = (id) => document.getElementById(id);
const PAUSE = 180; // milliseconds after the last key
const state = { photo: null, picture: null, proportion: 4 / 3, model: null, answer: null, waiting: 0, asking: null, starting: null };
const tree = new TreeSearch($("search"), $("found"), (leaf) => tell(leaf.id, leaf.path));

function product() {
  const told = (id) => $(id).value.trim();
  return { title: told("title"), characteristics: told("characteristics"), photo: state.photo, model: state.model };
}

function soon() {
  clearTimeout(state.waiting);
  state.waiting = setTimeout(ask, PAUSE);
}

async function ask() {
  state.asking?.abort();
  const asked = product();
  $("error").hidden = true;
  $("said").textContent = "";
  if (!asked.title && !asked.characteristics && !asked.photo) return rest();
  const asking = (state.asking = new AbortController());
  $("status").textContent = say("thinking");
  try {
    const answer = await whenReady(() => classify(asked, { signal: asking.signal }), loading);
    if (asking !== state.asking) return; // another one was asked meanwhile
    state.answer = answer;
    showAnswer(answer, tell);
    $("status").textContent = "";
    if (state.picture) show($("photo"), state.picture, state.proportion);
    if ($("why").open) explain();
    if (!tree.filled) start(); // it could not be had before; now the service answers
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  }
}

function rest() {
  state.answer = null;
  $("answer").hidden = true;
  $("status").textContent = say("waiting");
}

function loading() {
  if (!state.answer) $("status").textContent = say("loading");
}

function fail(error) {
  state.answer = null;
  $("answer").hidden = true;
  $("status").textContent = "";
  $("error").textContent = problemText(error);
  $("error").title = error instanceof Problem ? error.message : ""; // the service's own words know more
  $("error").hidden = false;
  if (error.code === "unknown_key") $("key-asked").hidden = false;
}

function useKey(key) {
  sessionStorage.setItem("key", key);
  $("key-asked").hidden = true;
  start();
}

async function explain() {
  if (!state.answer) return;
  const about = state.answer;
  $("why-text").textContent = say("whyWaiting");
  $("reasons").replaceChildren();
  try {
    const answer = await classify(product(), { explain: true });
    if (about !== state.answer) return;
    showReasons(answer);
    if (answer.heat_map && state.picture) show($("photo"), state.picture, state.proportion, answer.heat_map.effects);
  } catch (error) {
    $("why-text").textContent = problemText(error);
  }
}

async function tell(categoryId, path) {
  if (!state.answer) return;
  try {
    const found = await feedback(state.answer.requestId, categoryId);
    $("said").textContent = found.verdict === "accepted" ? say("accepted") : say("corrected", path);
    $("correct").open = false;
  } catch (error) {
    $("said").textContent = problemText(error);
  }
}

async function take(file) {
  if (!file) return;
  try {
    const { blob, picture } = await shrunk(file);
    [state.photo, state.picture] = [blob, picture];
    show($("photo"), picture, state.proportion);
  } catch { // the browser cannot read it; perhaps the service can, else it says why not
    if (!file.type.startsWith("image/")) return fail(new Problem("image", say("notPhoto")));
    [state.photo, state.picture] = [file, null];
  }
  $("photo").hidden = !state.picture;
  $("drop-hint").hidden = Boolean(state.picture);
  $("remove").hidden = false;
  ask();
}

function removePhoto() {
  [state.photo, state.picture] = [null, null];
  $("file").value = $("camera").value = "";
  $("photo").hidden = $("remove").hidden = true;
  $("drop-hint").hidden = false;
}

// What the page needs of the service before any question: the models and the tree.
function start() {
  const missed = (error) => { if (!state.answer) fail(error); }; // an answer is worth more than the tree
  state.starting ??= useModel().then(() => { if (!state.answer) ask(); }, missed).finally(() => { state.starting = null; });
}

async function useModel(name) {
  const told = await whenReady(() => modelOf(name), loading);
  state.model = told.model.name;
  const kitchen = told.manifest.image?.kitchen;
  if (kitchen) state.proportion = kitchen.height / kitchen.width;
  $("model-choice").hidden = told.known_models.length < 2;
  $("model").replaceChildren(...told.known_models.map((known) => new Option(known, known, false, known === state.model)));
  tree.fill(await whenReady(() => categoriesOf(state.model), loading));
}

function listen() {
  $("product").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["title", "characteristics"]) $(id).addEventListener("input", soon);
  for (const id of ["file", "camera"]) $(id).addEventListener("change", (event) => take(event.target.files[0]));
  $("key").addEventListener("change", (event) => useKey(event.target.value));
  $("remove").addEventListener("click", () => { removePhoto(); ask(); });
  $("clear").addEventListener("click", () => { $("product").reset(); removePhoto(); ask(); $("title").focus(); });
  $("why").addEventListener("toggle", () => { if ($("why").open) explain(); else if (state.picture) show($("photo"), state.picture, state.proportion); });
  $("language").addEventListener("change", (event) => { localStorage.setItem("language", speak(event.target.value)); ask(); });
  $("model").addEventListener("change", (event) => useModel(event.target.value).then(ask, fail));
  document.addEventListener("paste", (event) => take([...event.clipboardData.files].find((file) => file.type.startsWith("image/"))));
  const drop = $("drop");
  for (const [kind, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.toggle("over", over); });
  }
  document.addEventListener("drop", (event) => take(event.dataTransfer.files[0]));
}

$("language").value = speak(localStorage.getItem("language") ?? navigator.language.slice(0, 2));
listen();
rest();
start();
