// Rate of the selected unit over time: means of groups of conditions, single trials on demand, epochs shaded.

const rates = {};

function setUpRates() {
  rates.plot = makePlot("rates", drawRates, describeRates);
  point(rates.plot, (x, y) => nearestRate(x, y).words, (x, y) => {
    const { group } = nearestRate(x, y);
    if (group !== undefined) choose({ group: group === state.group ? null : group });
  });
  const box = document.getElementById("trials");
  box.addEventListener("change", () => choose({ trials: box.checked }));
  follow(() => (box.checked = state.trials));
}

function finiteRange(lists, start = []) {
  let [low, high] = start.length ? start : [Infinity, -Infinity];
  for (const list of lists) {
    for (const value of list) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : [0, 1];
}

function drawRates(plot) {
  const { context: c, width, height } = plot;
  const n = values.nSteps;
  const box = { left: 44, top: 17, width: width - 52, height: height - 52 };
  rates.lines = grouping().labels.map((_, group) => rateOf(state.unit, group));
  const single = state.trials ? singleTrials() : [];
  const range = finiteRange([...rates.lines, ...single.map(({ rate }) => rate)], [0, 0]);
  const frame = makeFrame(plot, [0, n * values.dt], range, box, { xName: "time (ms)", yName: "rate" });
  rates.frame = frame;
  shadeEpochs(c, frame, true);
  const x = (t) => frame.x(t * values.dt);
  for (const { rate, group } of single) {
    c.globalAlpha = state.group === null ? 0.16 : 0.35;
    c.strokeStyle = groupColour(group);
    c.lineWidth = 0.7;
    line(c, n, x, (t) => frame.y(rate[t]));
  }
  drawGroups(c, (group) => line(c, n, x, (t) => frame.y(rates.lines[group][t])));
  document.getElementById("rates-title").textContent = `Rate of ${unitWords(state.unit)}`;
}

// Trials of the selected group, or of all groups.
function singleTrials() {
  const groups = state.group === null ? grouping().labels.map((_, group) => group) : [state.group];
  return groups.flatMap((group) => trialsIn(group).map((trial) => ({ group, rate: trialRate(state.unit, trial) })));
}

// Each group once; the selected one is last and bold, and the others are pale.
function drawGroups(c, draw) {
  const order = grouping().labels.map((_, group) => group).filter((group) => group !== state.group);
  if (state.group !== null) order.push(state.group);
  for (const group of order) {
    const chosen = group === state.group;
    c.strokeStyle = c.fillStyle = groupColour(group);
    c.globalAlpha = state.group === null || chosen ? 1 : 0.25;
    c.lineWidth = chosen ? 3 : 1.5;
    c.setLineDash(DASHES[grouping().dash[group]]);
    draw(group, chosen);
  }
  c.setLineDash([]);
  c.globalAlpha = 1;
}

function shadeEpochs(c, frame, named) {
  const bottom = frame.top + frame.height;
  const rows = [];
  epochSpans().forEach(({ name, start, stop, varies }, i) => {
    const [from, to] = [frame.x(start * values.dt), frame.x(stop * values.dt)];
    c.fillStyle = i % 2 ? "#e4e7ee" : "#f4f5f8";
    c.globalAlpha = 0.8;
    c.fillRect(from, frame.top, to - from, frame.height);
    c.globalAlpha = 1;
    c.strokeStyle = "#b7bac4";
    c.lineWidth = 0.6;
    c.setLineDash(varies ? [2, 2] : []);
    c.beginPath();
    c.moveTo(from, frame.top);
    c.lineTo(from, bottom);
    c.stroke();
    if (!named) return;
    const words = varies ? `≈ ${name}` : name;
    const width = c.measureText(words).width;
    const left = Math.min(Math.max((from + to - width) / 2, frame.left), frame.left + frame.width - width);
    if (rows.length && left < rows.at(-1) + 6) return; // the tip names those without room
    rows.push(left + width);
    c.fillStyle = SOFT;
    c.textAlign = "left";
    c.fillText(words, left, frame.top - 5);
  });
  c.setLineDash([]);
}

function nearestRate(px, py) {
  const frame = rates.frame;
  const t = Math.round(frame.xOf(px) / values.dt);
  if (!(t >= 0 && t < values.nSteps)) return { words: "" };
  let [group, apart] = [undefined, Infinity];
  rates.lines.forEach((rate, i) => {
    const away = Math.abs(frame.y(rate[t]) - py);
    if (away < apart) [group, apart] = [i, away];
  });
  const epoch = epochSpans().find(({ start, stop }) => t >= start && t < stop)?.name ?? "";
  const words = [`${shortNumber(t * values.dt)} ms${epoch && `, ${epoch}`}`];
  if (group !== undefined) words.push(`${grouping().labels[group]}: ${shortNumber(rates.lines[group][t])}`);
  return { group, words: words.join("\n") };
}

function describeRates() {
  const spans = epochSpans().map(({ name, start, stop }) => `${name} ${start * values.dt} to ${stop * values.dt} ms`);
  const chosen = state.group === null ? `${grouping().labels.length} groups` : grouping().labels[state.group];
  return `Rate of ${unitWords(state.unit)} over time, by ${grouping().name}: ${chosen}. Epochs: ${spans.join(", ")}.`;
}
