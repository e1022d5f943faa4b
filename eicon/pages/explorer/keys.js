// Keys that work regardless of the focus, except while typing, and the dialogs.

const KEYS = {
  ArrowDown: () => stepUnit(1),
  ArrowUp: () => stepUnit(-1),
  j: () => stepUnit(1),
  k: () => stepUnit(-1),
  ArrowRight: () => stepCondition(1),
  ArrowLeft: () => stepCondition(-1),
  "]": () => stepCondition(1),
  "[": () => stepCondition(-1),
  ".": () => stepLevel(1),
  ",": () => stepLevel(-1),
  "/": () => document.getElementById("search").focus(),
  "?": () => document.getElementById("help").showModal(),
  g: () => choose({ grouping: (state.grouping + 1) % facts.groupings.length }),
  o: () => nextView("order"),
  p: () => nextView("space"),
  b: () => nextView("behaviour"),
  t: () => choose({ trials: !state.trials }),
  c: () => facts.levels.sizes.length > 1 && choose({ condensed: !state.condensed }),
  r: () => choose({ role: !state.role }),
  Escape: () => choose({ group: null }),
};

// Keys that also work while the page of a unit is open.
const ROLE_KEYS = new Set(["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "j", "k", "[", "]", "g", "r"]);

function stepLevel(by) {
  const level = Math.min(Math.max(state.level + by, 0), facts.levels.sizes.length - 1);
  choose({ level });
  say(levelWords(level));
}

function setUpKeys() {
  for (const [button, dialog] of [["help-button", "help"], ["about-button", "about"]]) {
    document.getElementById(button).addEventListener("click", () => document.getElementById(dialog).showModal());
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input[type=search], select, input[type=range]");
    const dialog = document.querySelector("dialog[open]");
    if (event.ctrlKey || event.altKey || event.metaKey || (dialog && !(dialog.id === "role" && ROLE_KEYS.has(event.key)))) return;
    const arrow = event.key.startsWith("Arrow");
    if (event.target.matches("input[type=search]") || (typing && (arrow || event.target.matches("select")))) return;
    if (!Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
}
