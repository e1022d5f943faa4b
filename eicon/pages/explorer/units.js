// Table of units, which can be searched and sorted, and the card of the selected unit.

const unitList = { order: [], sortBy: "unit", falling: false, shown: "" };
const STRONGEST = 4;

function columns() {
  const label = values.labelNames.map((name) => ({ key: name, name, of: (unit) => facts.units.labels[name][unit] }));
  return [
    { key: "unit", name: "unit", of: (unit) => unit, number: true },
    ...(values.typed ? [{ key: "type", name: "type", of: (unit) => values.types[unit] }] : []),
    ...label.slice(0, 2).map((column, i) => ({ ...column, place: i ? "second" : "" })),
    { key: "measure", name: facts.units.measure.name, about: facts.units.measure.about, of: (unit) => arrays.measure[unit], number: true, short: 2 },
    { key: "rate", name: "rate", about: "mean over steps and trials", of: (unit) => arrays.mean_rate[unit], number: true, short: 2 },
    { key: "by", name: "by", about: "the unit that represents it at this level", of: (unit) => levelData("groups")[unit], number: true },
  ];
}

function setUpUnits() {
  const table = document.getElementById("units");
  const search = document.getElementById("search");
  const head = table.createTHead().insertRow();
  const body = table.createTBody();
  unitList.columns = columns();
  for (const column of unitList.columns) {
    const cell = document.createElement("th");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = column.name;
    if (column.about) button.title = column.about;
    button.tabIndex = -1; // Tab reaches only the table itself
    button.addEventListener("click", () => sortUnits(column.key));
    cell.scope = "col";
    cell.className = column.number ? "number" : column.place ?? "";
    cell.append(button);
    column.cell = cell;
    head.append(cell);
  }
  unitList.rows = Array.from({ length: values.n }, (_, unit) => {
    const row = document.createElement("tr");
    row.id = `unit-${unit}`;
    row.addEventListener("click", () => choose({ unit }));
    for (const column of unitList.columns) {
      const cell = row.insertCell();
      const value = column.of(unit);
      cell.textContent = column.short ? shortNumber(value, column.short) : value;
      cell.className = column.number ? "number" : column.place ?? "";
      if (column.key === "type" && value) cell.classList.add(`is-${value.toLowerCase()}`);
    }
    return row;
  });
  search.addEventListener("input", showUnits);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && unitList.order.length) choose({ unit: unitList.order[0] });
    if (event.key === "Escape") {
      search.value = "";
      table.focus();
      showUnits();
      event.stopPropagation();
    }
  });
  Object.assign(unitList, { table, body, search });
  follow(showUnits);
  follow(showCard);
}

function sortUnits(key) {
  Object.assign(unitList, { falling: unitList.sortBy === key && !unitList.falling, sortBy: key });
  showUnits();
}

// All words of the search must match: a number is a unit, other words start a type, a label, "kept" or "gone".
function fits(unit, words, kept) {
  const labels = Object.values(facts.units.labels).map((of) => of[unit].toLowerCase());
  const begins = (label, word) => label.startsWith(word) || label.split(/\s+/).some((part) => part.startsWith(word));
  return words.every((word) => {
    if (/^\d+$/.test(word)) return String(unit) === word;
    if (["e", "i"].includes(word)) return values.types[unit].toLowerCase() === word;
    return (kept[unit] ? "kept" : "gone") === word || labels.some((label) => begins(label, word));
  });
}

function showUnits() {
  const kept = isKept();
  const groups = levelData("groups");
  const words = unitList.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const column = unitList.columns.find(({ key }) => key === unitList.sortBy);
  const compare = (a, b) => {
    const [x, y] = [column.of(a), column.of(b)];
    return (x < y ? -1 : x > y ? 1 : 0) * (unitList.falling ? -1 : 1) || a - b;
  };
  unitList.order = unitList.rows.map((_, unit) => unit).filter((unit) => fits(unit, words, kept)).sort(compare);
  const shown = unitList.order.join();
  if (shown !== unitList.shown) {
    unitList.body.replaceChildren(...unitList.order.map((unit) => unitList.rows[unit]));
    unitList.shown = shown;
  }
  for (const { key, cell } of unitList.columns) {
    cell.setAttribute("aria-sort", key !== unitList.sortBy ? "none" : unitList.falling ? "descending" : "ascending");
  }
  unitList.rows.forEach((row, unit) => {
    row.classList.toggle("gone", !kept[unit]);
    row.setAttribute("aria-selected", unit === state.unit);
    row.lastChild.textContent = groups[unit] < 0 ? "none" : groups[unit];
  });
  const there = unitList.order.includes(state.unit);
  if (there) unitList.table.setAttribute("aria-activedescendant", `unit-${state.unit}`);
  else unitList.table.removeAttribute("aria-activedescendant");
  if (there && unitList.scrolled !== state.unit) unitList.rows[state.unit].scrollIntoView({ block: "nearest" });
  unitList.scrolled = state.unit;
  const count = unitList.order.length;
  document.getElementById("units-title").textContent = count === values.n ? `${count} units` : `${count} of ${values.n} units`;
}

function stepUnit(by) {
  const { order } = unitList;
  if (!order.length) return;
  const at = order.indexOf(state.unit);
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), order.length - 1);
  choose({ unit: order[next] });
  say(unitWords(order[next]));
}

// Parts of a line of the card: text, the number of a unit that can be selected, or a list of these.
function cardLine(...parts) {
  return withParts(document.createElement("div"), parts);
}

function withParts(row, parts) {
  for (const part of parts) {
    if (Array.isArray(part)) {
      const together = withParts(document.createElement("span"), part);
      together.className = "together";
      row.append(together);
      continue;
    }
    if (typeof part !== "number") {
      row.append(part);
      continue;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = part;
    button.className = values.types[part] ? `is-${values.types[part].toLowerCase()}` : "";
    button.setAttribute("aria-label", `select ${unitWords(part)}`);
    button.addEventListener("click", () => choose({ unit: part }));
    row.append(button);
  }
  return row;
}

function strongestPartners(weight) {
  return Array.from({ length: values.n }, (_, unit) => unit)
    .filter((unit) => weight(unit) !== 0)
    .sort((a, b) => Math.abs(weight(b)) - Math.abs(weight(a)))
    .slice(0, STRONGEST)
    .flatMap((unit) => [[unit, ` (${shortNumber(weight(unit), 2)})`], " "]);
}

function channels(matrix_, names, at) {
  const found = names.map((name, i) => [name, matrix_[at(i)]]).filter(([, weight]) => weight !== 0);
  found.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  return found.slice(0, 2).map(([name, weight]) => `${name}: ${shortNumber(weight, 2)}`).join(", ") || "none";
}

function groupWords(unit) {
  const groups = levelData("groups");
  const others = Array.from(groups.keys()).filter((other) => groups[other] === unit && other !== unit);
  if (!state.level) return ["All units are kept."];
  if (isKept()[unit]) return others.length ? [`Kept; represents ${others.length} others: `, ...others.flatMap((u) => [u, " "])] : ["Kept; represents only itself."];
  if (groups[unit] < 0) return ["Removed; no unit represents it (it does not vary, or was left out)."];
  return ["Removed; represented mainly by ", groups[unit], `, with error ${shortNumber(levelData("unit_error")[unit], 2)}.`];
}

function showCard() {
  const { n } = values;
  const unit = state.unit;
  const place = arrays.components ? loading(unit).map((value) => shortNumber(value, 2)).join(", ") : "";
  const title = document.createElement("span");
  title.textContent = unitWords(unit);
  title.className = `type ${values.types[unit] ? `is-${values.types[unit].toLowerCase()}` : ""}`;
  const rate = `: ${facts.units.measure.name} ${shortNumber(arrays.measure[unit])}, mean rate ${shortNumber(arrays.mean_rate[unit])}`;
  const nOut = facts.task.outputs.length;
  document.getElementById("card").replaceChildren(
    cardLine(title, rate),
    cardLine(...groupWords(unit)),
    cardLine("Strongest to ", ...strongestPartners((other) => arrays.weights[unit * n + other])),
    cardLine("Strongest from ", ...strongestPartners((other) => arrays.weights[other * n + unit])),
    cardLine(`From inputs: ${channels(arrays.input, facts.task.inputs, (i) => i * n + unit)}`),
    cardLine(`To outputs: ${channels(arrays.readout, facts.task.outputs, (i) => unit * nOut + i)}`),
    ...(arrays.components ? [cardLine(`Loadings on the components: ${place}`)] : []),
  );
}
