// Role of the selected unit: represented units, tuning, effects of silencing, and weights by label.

const role = { marks: {} };

function setUpRole() {
  role.dialog = document.getElementById("role");
  document.getElementById("role-button").addEventListener("click", () => choose({ role: true }));
  document.getElementById("role-before").addEventListener("click", () => stepUnit(-1));
  document.getElementById("role-next").addEventListener("click", () => stepUnit(1));
  role.dialog.addEventListener("close", () => choose({ role: false }));
  document.getElementById("role-members").hidden = !facts.each.represents;
  document.getElementById("role-silencing").hidden = !facts.each.silencing;
  follow(showRole); // before the plots, which need its size
  for (const [id, draw, describe] of [
    ["tuning", drawTuning, describeTuning],
    ["partners", drawPartners, describePartners],
    ["silenced", drawSilenced, describeSilenced],
    ["silenced-outputs", drawSilencedOutputs, describeSilencedOutputs],
  ]) {
    const begin = (plot) => {
      role.marks[id] = [];
      draw(plot);
    };
    point(makePlot(id, begin, describe), (x, y) => nearestOf(role.marks[id], x, y).words);
  }
}

function showRole() {
  if (state.role !== role.dialog.open) {
    if (state.role) role.dialog.showModal();
    else role.dialog.close();
  }
  if (!state.role) return;
  document.getElementById("role-title").textContent = `Role of ${unitWords(state.unit)}`;
  if (facts.each.represents) showMembers();
}

// Groups of conditions; if single trials are shown, all trials are one group.
function roleGroups() {
  const { labels, short, trials } = grouping();
  if (trials) return [{ label: "all trials", short: "all trials", colour: INK, conditions: [0] }];
  return labels.map((label, group) => ({ label, group, short: short[group], colour: groupColour(group), conditions: conditionsIn(group) }));
}

// Weighted mean over conditions of a row of a table (rows, C), without NaN.
function rowMean(table, row, conditions, weight) {
  let [sum, total] = [0, 0];
  for (const condition of conditions) {
    const value = table[row * values.nConditions + condition];
    if (!Number.isNaN(value)) [sum, total] = [sum + weight(condition) * value, total + weight(condition)];
  }
  return total ? sum / total : NaN;
}

function stepsOf(condition) {
  const { nSteps } = values;
  return arrays.counts.subarray(condition * nSteps, (condition + 1) * nSteps).reduce((sum, count) => sum + count, 0);
}

function scoredOf(condition) {
  return facts.behaviour.n_scored[condition];
}

function membersOf(unit) {
  const [start, stop] = arrays.member_start.subarray(unit, unit + 2);
  return Array.from({ length: stop - start }, (_, i) => start + i).sort((a, b) => {
    const size = (i) => Math.abs(arrays.member_correlation[i]) || 0;
    return size(b) - size(a) || a - b;
  });
}

// "E 3, I 1": number of each.
function countWords(list) {
  const counts = new Map();
  for (const one of list) counts.set(one, (counts.get(one) ?? 0) + 1);
  return Array.from(counts, ([one, n]) => `${one || "either sign"} ${n}`).join(", ");
}

function unitsWords(n) {
  return `${n} unit${n === 1 ? "" : "s"}`;
}

function showMembers() {
  const { represents, original, missing } = facts.each;
  const names = represents[state.unit];
  document.getElementById("members-title").textContent = `Represents ${unitsWords(names.length)} of the original network`;
  const table = document.getElementById("members");
  const words = document.getElementById("members-words");
  table.replaceChildren();
  if (!original) {
    words.textContent = `${names.join(", ")}. Their types, tuning and silencing are not shown, because the original network is missing: ${missing}.`;
    return;
  }
  const members = membersOf(state.unit);
  const labels = Object.keys(original.labels);
  const counts = labels.map((name) => `${name}: ${countWords(members.map((i) => original.labels[name][arrays.members[i]]))}`);
  words.textContent = `${counts.join("; ")}. r: correlation with unit ${state.unit}, of the ${facts.conditions.labels.length > 1 ? "mean trajectories of all conditions" : "trajectories in all trials"}.`
    + ` Of all ${original.n} units, ${original.n - arrays.members.length || "none"} ${original.n - arrays.members.length > 1 ? "are" : "is"} represented by no unit.`;
  const head = table.createTHead().insertRow();
  for (const name of ["unit", ...labels, "r", "rate"]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    if (name === "r" || name === "rate") cell.className = "number";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const i of members) {
    const unit = arrays.members[i];
    const row = body.insertRow();
    const rate = rowMean(arrays.member_tuning, i, facts.conditions.labels.keys(), stepsOf);
    row.insertCell().textContent = original.names[unit];
    for (const name of labels) {
      const cell = row.insertCell();
      const label = original.labels[name][unit];
      cell.textContent = label;
      if (name === "type" && label) cell.className = `is-${label.toLowerCase()}`;
    }
    for (const value of [arrays.member_correlation[i], rate]) {
      const cell = row.insertCell();
      cell.textContent = shortNumber(value, 2);
      cell.className = "number";
    }
  }
}

function nearestOf(marks, x, y) {
  let [best, apart] = [{ words: "" }, 14];
  for (const mark_ of marks) {
    const away = mark_.height ? (Math.abs(mark_.y - y) < mark_.height / 2 && x >= mark_.left && x < mark_.right ? 0 : 99)
      : Math.hypot(mark_.x - x, mark_.y - y);
    if (away < apart) [best, apart] = [mark_, away];
  }
  return best;
}

function unitColour() {
  return TYPE_COLOURS[values.types[state.unit]];
}

function tuningOf() {
  const groups = roleGroups();
  const of = (table, row) => groups.map(({ conditions }) => rowMean(table, row, conditions, stepsOf));
  const members = facts.each.original ? membersOf(state.unit) : [];
  const each = members.map((i) => of(arrays.member_tuning, i));
  const mean = groups.map((_, g) => each.reduce((sum, one) => sum + one[g], 0) / each.length);
  return { groups, own: of(arrays.tuning, state.unit), members, each, mean };
}

function drawTuning(plot) {
  const { context: c, width, height } = plot;
  const { groups, own, members, each, mean } = tuningOf();
  const last = groups.length - 1;
  const box = { left: 44, top: each.length ? 22 : 8, width: width - 56, height: height - (each.length ? 58 : 44) };
  const frame = makeFrame(plot, [-0.4, last + 0.4], finiteRange([own, ...each], [0, 0]), box,
    { xName: grouping().trials ? "" : grouping().heading, yName: "mean rate", xTicks: [] });
  const x = (group) => frame.x(group);
  nameGroups(c, groups, frame);
  c.lineWidth = 0.8;
  c.strokeStyle = "#a2a2aa";
  members.forEach((i, k) => {
    tuningLine(c, groups, x, (g) => frame.y(each[k][g]));
    groups.forEach((group, g) => {
      c.fillStyle = "#a2a2aa";
      dot(c, [x(g), frame.y(each[k][g])], 1.6);
      markTuning(frame, g, each[k][g], `original unit ${facts.each.original.names[arrays.members[i]]}`, group.label);
    });
  });
  if (each.length) {
    c.strokeStyle = INK;
    c.lineWidth = 1.5;
    c.setLineDash(DASHES[1]);
    if (last) tuningLine(c, groups, x, (g) => frame.y(mean[g]));
    else line(c, 2, (i) => frame.x(0.4 * i - 0.2), () => frame.y(mean[0]));
    c.setLineDash([]);
    groups.forEach((group, g) => markTuning(frame, g, mean[g], "mean of the original units", group.label));
  }
  c.strokeStyle = unitColour();
  c.lineWidth = 2.5;
  tuningLine(c, groups, x, (g) => frame.y(own[g]));
  groups.forEach((group, g) => {
    c.fillStyle = group.colour;
    dot(c, [x(g), frame.y(own[g])], group.group === state.group && state.group !== null ? 6 : 4);
    markTuning(frame, g, own[g], `unit ${state.unit}`, group.label);
  });
  if (each.length) tuningLegend(c, box, each.length);
}

// Lines connect only groups that differ in their last condition.
function tuningLine(c, groups, x, y) {
  const others = ({ short }) => short.slice(0, Math.max(short.lastIndexOf(", "), 0));
  let first = 0;
  groups.forEach((group, g) => {
    if (g < groups.length - 1 && others(group) === others(groups[g + 1])) return;
    const from = first;
    line(c, g + 1 - from, (i) => x(from + i), (i) => y(from + i));
    first = g + 1;
  });
}

function markTuning(frame, g, value, name, label) {
  role.marks.tuning.push({ x: frame.x(g), y: frame.y(value), words: `${name}\n${label}: ${shortNumber(value)}` });
}

// Names of groups below an axis, as many as fit.
function nameGroups(c, groups, frame) {
  const widest = Math.max(...groups.map(({ short }) => c.measureText(short).width)) + 8;
  const every = Math.ceil((widest * groups.length) / frame.width);
  c.textAlign = "center";
  groups.forEach(({ short, group }, g) => {
    const chosen = group !== undefined && group === state.group;
    c.fillStyle = chosen ? CHOSEN : SOFT;
    if (g % every === 0) c.fillText(short, frame.x(g), frame.top + frame.height + 14);
  });
}

function tuningLegend(c, box, n) {
  let left = box.left + 4;
  const entries = [
    [unitColour(), 2.5, [], `unit ${state.unit}`],
    [INK, 1.5, DASHES[1], n === 1 ? "the represented unit" : "mean of the represented units"],
    ...(n === 1 ? [] : [["#a2a2aa", 0.8, [], `each of the ${n}`]]),
  ];
  c.textAlign = "left";
  for (const [colour, lineWidth, dash, words] of entries) {
    c.strokeStyle = colour;
    c.lineWidth = lineWidth;
    c.setLineDash(dash);
    line(c, 2, (i) => left + 20 * i, () => 8);
    c.setLineDash([]);
    c.fillStyle = INK;
    c.fillText(words, left + 25, 12);
    left += 40 + c.measureText(words).width;
  }
}

function describeTuning() {
  const { groups, own, members, mean } = tuningOf();
  const words = groups.map(({ label }, g) => `${label}: ${shortNumber(own[g])}${members.length ? ` (represented units: ${shortNumber(mean[g])})` : ""}`);
  return `Mean rate of ${unitWords(state.unit)} by condition. ${words.join("; ")}.`;
}

// Rows of the table of weights: a heading, or received and sent sums, each [excitatory, inhibitory].
function partnerRows() {
  const rows = [];
  const { n } = values;
  const nGroups = arrays.sent.shape[1];
  let place = 0;
  for (const { name, values: of } of facts.each.labels) {
    rows.push({ heading: `units by ${name}` });
    for (const value of of) {
      const start = 2 * (state.unit * nGroups + place);
      rows.push({
        name: value || "either sign",
        type: name === "type" ? value : "",
        from: Array.from(arrays.received.subarray(start, start + 2)),
        to: Array.from(arrays.sent.subarray(start, start + 2)),
      });
      place += 1;
    }
  }
  const apart = (weight) => [Math.max(weight, 0), Math.min(weight, 0)];
  const { inputs, outputs } = facts.task;
  rows.push({ heading: "inputs and outputs" });
  inputs.forEach((name, i) => rows.push({ name, from: apart(arrays.input[i * n + state.unit]) }));
  outputs.forEach((name, i) => rows.push({ name, to: apart(arrays.readout[state.unit * outputs.length + i]) }));
  return rows;
}

// Smallest height of a plot, used at the next drawing.
function makeRoom(plot, height) {
  const { style } = plot.canvas.parentElement;
  if (style.minHeight !== `${height}px`) style.minHeight = `${height}px`;
}

function drawPartners(plot) {
  const { context: c, width, height } = plot;
  const rows = partnerRows();
  makeRoom(plot, rows.length * 16 + 40);
  const each = Math.min((height - 40) / rows.length, 22);
  const names = rows.map(({ name, heading }) => c.measureText(name ? `   ${name}` : heading).width);
  const left = Math.min(Math.max(...names) + 10, width * 0.36);
  const half = (width - left - 14) / 2;
  const bottom = 18 + each * rows.length;
  c.fillStyle = SOFT;
  c.textAlign = "center";
  for (const [side, words] of [["from", "received from"], ["to", "sent to"]]) {
    const box = { left: left + (side === "to" ? half + 14 : 0), top: 18, width: half - 6, height: bottom - 18 };
    const all = rows.flatMap((row) => row[side] ?? []);
    const range = [Math.min(0, ...all), Math.max(0, ...all)];
    if (range[0] === range[1]) range[1] = 1;
    const frame = makeFrame({ ...plot, height: bottom + 33 }, range, [0, 1], box, { xName: "sum of weights", yTicks: [], xTicks: ticks(...range, 4) });
    c.fillStyle = INK;
    c.font = `600 ${FONT}`;
    c.fillText(words, box.left + box.width / 2, 11);
    c.font = FONT;
    c.strokeStyle = "#88888f";
    line(c, 2, () => frame.x(0), (i) => 18 + i * (bottom - 18));
    rows.forEach((row, i) => row[side] && drawSums(c, frame, row, side, 18 + i * each, each));
  }
  rows.forEach(({ name, heading, type }, i) => {
    const y = 18 + (i + 0.5) * each + 4;
    c.textAlign = heading ? "left" : "right";
    c.fillStyle = heading ? SOFT : type ? TYPE_COLOURS[type] : INK;
    c.fillText(heading ?? name, heading ? 2 : left - 8, y, left - 10);
  });
}

function drawSums(c, frame, row, side, top, each) {
  row[side].forEach((sum, sign) => {
    c.fillStyle = TYPE_COLOURS[sign ? "I" : "E"];
    if (sum) c.fillRect(Math.min(frame.x(0), frame.x(sum)), top + each * 0.18, Math.max(Math.abs(frame.x(sum) - frame.x(0)), 1), each * 0.64);
  });
  role.marks.partners.push({ y: top + each / 2, height: each, left: frame.left, right: frame.left + frame.width, words: sumWords(row, side) });
}

function sumWords(row, side) {
  const [excitatory, inhibitory] = row[side];
  const sums = [[excitatory, "excitatory"], [inhibitory, "inhibitory"]].filter(([sum]) => sum);
  return `${side} ${row.name}: ${sums.map(([sum, kind]) => `${shortNumber(sum)} ${kind}`).join(", ") || "nothing"}`;
}

function describePartners() {
  const words = partnerRows().flatMap((row) => row.heading ?? ["from", "to"].filter((side) => row[side]).map((side) => sumWords(row, side)));
  return `Weights of ${unitWords(state.unit)}, summed. ${words.join("; ")}.`;
}
