// Groups of conditions as a row of buttons that is also the legend, and the choice of the grouping.

const strip = { shown: -1 };

function setUpConditions() {
  strip.element = document.getElementById("conditions");
  strip.select = document.getElementById("grouping");
  facts.groupings.forEach(({ name, labels }, i) => strip.select.add(new Option(`${name} (${labels.length})`, i)));
  strip.select.addEventListener("change", () => choose({ grouping: Number(strip.select.value) }));
  follow(showConditions);
}

function makeChips() {
  const { labels, heading, short, dash } = grouping();
  document.getElementById("conditions-name").textContent = heading;
  const chips = labels.map((label, group) => {
    const chip = document.createElement("div");
    const sample = document.createElement("i");
    chip.className = "chip";
    chip.id = `condition-${group}`;
    chip.setAttribute("role", "option");
    sample.style.borderTopColor = groupColour(group);
    sample.style.borderTopStyle = ["solid", "dashed", "dotted"][dash[group]];
    chip.setAttribute("aria-label", label);
    chip.append(sample, short[group]);
    chip.addEventListener("click", () => choose({ group: group === state.group ? null : group }));
    return chip;
  });
  strip.element.replaceChildren(...chips);
  strip.shown = state.grouping;
}

function showConditions() {
  if (strip.shown !== state.grouping) makeChips();
  strip.select.value = state.grouping;
  Array.from(strip.element.children).forEach((chip, group) => {
    chip.setAttribute("aria-selected", group === state.group);
  });
  if (state.group === null) strip.element.removeAttribute("aria-activedescendant");
  else {
    strip.element.setAttribute("aria-activedescendant", `condition-${state.group}`);
    if (strip.scrolled !== state.group) strip.element.children[state.group].scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  strip.scrolled = state.group;
}

function stepCondition(by) {
  const n = grouping().labels.length;
  const next = state.group === null ? (by > 0 ? 0 : n - 1) : (state.group + by + n) % n;
  choose({ group: next });
  say(grouping().labels[next]);
}
