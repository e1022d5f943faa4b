// Current selection, which determines all views and is kept in the address of the page.

const state = {
  unit: 0,
  group: null, // group of conditions in the current grouping
  level: 0, // of condensation
  grouping: facts.grouping,
  order: "type",
  trials: false,
  condensed: false,
  space: "paths",
  behaviour: "",
  role: false, // of the unit: whether its page is open
};
const followers = [];
let asked = false;

// A view is a function that is called at most once per frame after the selection changes.
function follow(view) {
  followers.push(view);
}

function choose(changes, { keepAddress = false } = {}) {
  if ("grouping" in changes && changes.grouping !== state.grouping && !("group" in changes)) changes.group = null;
  Object.assign(state, changes);
  if (!keepAddress) writeAddress();
  redraw();
}

function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    for (const view of followers) view();
  });
}

function writeAddress() {
  const words = new URLSearchParams({ unit: state.unit, level: facts.levels.sizes[state.level] });
  if (state.group !== null) words.set("condition", state.group);
  if (state.grouping !== facts.grouping) words.set("by", facts.groupings[state.grouping].name);
  for (const name of ["order", "space", "behaviour"]) words.set(name, state[name]);
  for (const name of ["trials", "condensed", "role"]) if (state[name]) words.set(name, "1");
  history.replaceState(null, "", "#" + words);
}

// Only valid values are taken from an address; the rest is unchanged.
function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  const changes = { group: null };
  for (const name of ["trials", "condensed", "role"]) changes[name] = words.get(name) === "1";
  const unit = whole(words.get("unit"), values.n);
  if (unit !== null) changes.unit = unit;
  const level = facts.levels.sizes.indexOf(Number(words.get("level")));
  if (level >= 0) changes.level = level;
  const by = facts.groupings.findIndex((grouping) => grouping.name === words.get("by"));
  changes.grouping = by >= 0 ? by : facts.grouping;
  changes.group = whole(words.get("condition"), facts.groupings[changes.grouping].labels.length);
  for (const [name, allowed] of Object.entries(views)) {
    if (allowed.some(([key]) => key === words.get(name))) changes[name] = words.get(name);
  }
  choose(changes, { keepAddress: true });
}

function whole(text, end) {
  const number = text === null || text === "" ? NaN : Number(text);
  return Number.isInteger(number) && number >= 0 && number < end ? number : null;
}

// Options of select elements: name in `state` -> [key, words] of each; filled by the views.
const views = {};

function offer(name, element, options, label = (text) => text) {
  views[name] = options;
  for (const [key, text] of options) element.add(new Option(label(text), key));
  element.addEventListener("change", () => choose({ [name]: element.value }));
  follow(() => (element.value = state[name]));
  if (!options.some(([key]) => key === state[name])) state[name] = options[0][0];
}

function nextView(name) {
  const keys = views[name].map(([key]) => key);
  choose({ [name]: keys[(keys.indexOf(state[name]) + 1) % keys.length] });
}

function say(words) {
  document.getElementById("said").textContent = words;
}
