// Behaviour: choices against evidence, outputs against targets, or the score of each group of conditions.

const doing = { marks: [] };

// Data of each condition: its mean, and the number of trials.
const MEASURES = {
  score: { counts: "n_scored", axis: "score of the task (1: all correct)", words: (mean) => `${shortNumber(100 * mean)} %` },
  time: { counts: "n_timed", axis: "mean time (ms)", words: (mean) => `${shortNumber(mean)} ms` },
};

function setUpBehaviour() {
  const options = facts.behaviour.curves.map(({ x, by }, i) => [`choices ${i}`, `choices: ${x}${by ? `, ${by}` : ""}`]);
  if (values.nOut <= 3) options.push(["outputs", "outputs"]);
  else facts.task.outputs.forEach((name, i) => options.push([`output ${i}`, `output ${name}`]));
  options.push(...Object.keys(MEASURES).filter((name) => facts.behaviour[name]).map((name) => [name, name]));
  offer("behaviour", document.getElementById("behaviour-view"), options);
  doing.plot = makePlot("behaviour", drawBehaviour, describeBehaviour);
  point(doing.plot, (x, y) => nearestMark(x, y).words, (x, y) => {
    const { group } = nearestMark(x, y);
    if (group !== undefined) choose({ group: group === state.group ? null : group });
  });
}

function drawBehaviour(plot) {
  doing.marks = [];
  if (state.behaviour.startsWith("choices ")) drawChoices(plot, facts.behaviour.curves[Number(state.behaviour.slice(8))]);
  else if (MEASURES[state.behaviour]) drawMeasure(plot, state.behaviour);
  else drawOutputs(plot);
}

function drawChoices(plot, { x: name, curves }) {
  const { context: c, width, height } = plot;
  const drawn = curves.filter(({ x }) => x.length);
  const all = drawn.flatMap(({ x }) => x);
  const pad = 0.04 * (Math.max(...all) - Math.min(...all));
  const box = { left: 44, top: 14, width: width - 56, height: height - 49 };
  const frame = makeFrame(plot, [Math.min(...all) - pad, Math.max(...all) + pad], [0, 1], box,
    { xName: facts.task.inputs.length ? name : "", yName: "fraction of choice 0", yTicks: [0, 0.25, 0.5, 0.75, 1] });
  c.strokeStyle = "#c4c4cc";
  c.lineWidth = 0.8;
  line(c, 2, (i) => box.left + i * box.width, () => frame.y(0.5));
  drawn.forEach((curve, number) => {
    c.strokeStyle = "#44444a";
    c.lineWidth = 1.3;
    c.setLineDash(DASHES[number % 3]);
    line(c, curve.fit.x.length, (i) => frame.x(curve.fit.x[i]), (i) => frame.y(curve.fit.p[i]));
    c.setLineDash([]);
    curve.x.forEach((level, i) => drawChoice(c, frame, curve, i, number, drawn.length > 1));
  });
  if (drawn.length > 1) curveLegend(c, drawn, box);
}

function drawChoice(c, frame, curve, i, number, several) {
  const inGroup = (group) => conditionsIn(group).some((condition) => curve.conditions[i].includes(condition));
  const groups = grouping().labels.map((_, group) => group).filter(inGroup);
  const chosen = state.group !== null && groups.includes(state.group);
  const [x, y] = [frame.x(curve.x[i]), frame.y(curve.p[i])];
  c.globalAlpha = state.group === null || chosen ? 1 : 0.3;
  c.strokeStyle = c.fillStyle = groups.length === 1 ? groupColour(groups[0]) : chosen ? groupColour(state.group) : SOFT;
  c.lineWidth = chosen ? 2.5 : 1.3;
  c.beginPath();
  c.moveTo(x, frame.y(curve.ci[i][0]));
  c.lineTo(x, frame.y(curve.ci[i][1]));
  c.stroke();
  mark(c, x, y, chosen ? 6 : 4, number);
  c.globalAlpha = 1;
  const words = `${several ? `${curve.label}: ` : ""}${shortNumber(curve.x[i])}\nchoice 0 in ${(100 * curve.p[i]).toFixed(0)} % of ${curve.n[i]}`
    + `\n95 % interval ${shortNumber(100 * curve.ci[i][0])} to ${shortNumber(100 * curve.ci[i][1])} %`;
  doing.marks.push({ x, y, words, group: groups.length === 1 ? groups[0] : undefined });
}

// Circle, square, triangle, diamond
function mark(c, x, y, size, kind) {
  const corners = [0, 4, 3, 4][kind % 4];
  const turn = [0, Math.PI / 4, -Math.PI / 2, 0][kind % 4];
  c.beginPath();
  if (!corners) c.arc(x, y, size, 0, 7);
  for (let i = 0; i < corners; i++) {
    const angle = turn + (2 * Math.PI * i) / corners;
    c.lineTo(x + 1.25 * size * Math.cos(angle), y + 1.25 * size * Math.sin(angle));
  }
  c.fill();
}

function curveLegend(c, curves, box) {
  c.textAlign = "left";
  curves.forEach(({ label }, i) => {
    const y = box.top + 8 + 15 * i;
    c.strokeStyle = c.fillStyle = "#44444a";
    c.setLineDash(DASHES[i % 3]);
    line(c, 2, (k) => box.left + 6 + 24 * k, () => y);
    c.setLineDash([]);
    mark(c, box.left + 18, y, 3.5, i);
    c.fillText(label, box.left + 36, y + 4);
  });
}

function drawOutputs(plot) {
  const { context: c, width, height } = plot;
  const one = state.behaviour.startsWith("output ") ? [Number(state.behaviour.slice(7))] : null;
  const channels = one ?? facts.task.outputs.map((_, i) => i);
  const groups = grouping().labels.map((_, group) => group);
  const outputs = groups.map((group) => seriesOf("outputs", group));
  const targets = groups.map((group) => seriesOf("targets", group));
  const each = (height - 40) / channels.length;
  const [n, width_] = [values.nSteps, values.nOut];
  channels.forEach((channel, row) => {
    const pick = (list) => Float32Array.from({ length: n }, (_, t) => list[t * width_ + channel]);
    const [got, wanted] = [outputs.map(pick), targets.map(pick)];
    const box = { left: 44, top: 8 + row * each, width: width - 52, height: each - 7 };
    const last = row === channels.length - 1;
    const frame = makeFrame(plot, [0, n * values.dt], finiteRange([...got, ...wanted]), box,
      { xName: last ? "time (ms)" : "", yName: facts.task.outputs[channel], xTickNames: last });
    shadeEpochs(c, frame, false);
    const x = (t) => frame.x(t * values.dt);
    drawGroups(c, (group) => {
      line(c, n, x, (t) => frame.y(got[group][t]));
      got[group].forEach((value, t) => {
        if (Number.isFinite(value)) doing.marks.push({ x: x(t), y: frame.y(value), group,
          words: `${grouping().labels[group]}\n${facts.task.outputs[channel]} ${shortNumber(value)}`
            + `, target ${shortNumber(wanted[group][t])}\n${shortNumber(t * values.dt)} ms` });
      });
    });
    drawGroups(c, (group, chosen) => {
      c.setLineDash([1.5, 2.5]);
      c.lineWidth = chosen ? 2.2 : 1.2;
      if (!chosen) c.globalAlpha *= 0.8;
      line(c, n, x, (t) => frame.y(wanted[group][t]));
    });
  });
  c.fillStyle = SOFT;
  c.textAlign = "right";
  c.fillText("— output  ⋯ target", width - 6, height - 2);
}

// Mean over the trials of each group; a single trial shows the value of its condition, with a remark.
function measured(name) {
  return grouping().labels.map((_, group) => {
    let [sum, n] = [0, 0];
    for (const condition of conditionsIn(group)) {
      const count = facts.behaviour[MEASURES[name].counts][condition];
      if (count) [sum, n] = [sum + count * facts.behaviour[name][condition], n + count];
    }
    return { mean: n ? sum / n : NaN, n };
  });
}

function drawMeasure(plot, name) {
  const { context: c, width, height } = plot;
  const found = grouping().trials ? measured(name).slice(0, 1) : measured(name);
  const most = name === "score" ? 1 : 1.05 * Math.max(...found.map(({ mean }) => mean || 0), 1);
  const labels = grouping().trials ? ["all trials"] : grouping().labels;
  const each = Math.min((height - 42) / found.length, 24);
  const named = each >= 10;
  const left = named ? Math.min(Math.max(...labels.map((label) => c.measureText(label).width)) + 12, width * 0.45) : 16;
  const box = { left, top: 6, width: width - left - 46, height: each * found.length };
  const ticks = name === "score" ? { xTicks: [0, 0.25, 0.5, 0.75, 1] } : {};
  const frame = makeFrame({ ...plot, height: box.top + box.height + 34 }, [0, most], [0, 1], box,
    { xName: MEASURES[name].axis, yTicks: [], ...ticks });
  found.forEach(({ mean, n }, group) => {
    const said = n ? MEASURES[name].words(mean) : "none";
    const y = box.top + (group + 0.5) * each;
    const chosen = group === state.group;
    c.globalAlpha = state.group === null || chosen || grouping().trials ? 1 : 0.35;
    c.fillStyle = grouping().trials ? SOFT : groupColour(group);
    if (n) c.fillRect(box.left + 1, y - each * 0.36, Math.max(frame.x(mean) - box.left - 1, 1), each * 0.72);
    c.globalAlpha = 1;
    c.fillStyle = chosen ? CHOSEN : INK;
    if (named) {
      c.textAlign = "right";
      c.fillText(labels[group], box.left - 5, y + 4, left - 8);
      c.textAlign = "left";
      c.fillText(said, box.left + box.width + 5, y + 4);
    }
    const words = `${labels[group]}: ${said} of ${n} trials`;
    doing.marks.push({ x: (box.left + frame.x(mean || 0)) / 2, y, words, row: each / 2, group: grouping().trials ? undefined : group });
  });
}

function nearestMark(x, y) {
  let [best, apart] = [{ words: "" }, 14];
  for (const hit of doing.marks) {
    const away = hit.row ? (Math.abs(hit.y - y) < hit.row ? 0 : 99) : Math.hypot(hit.x - x, hit.y - y);
    if (away < apart) [best, apart] = [hit, away];
  }
  return best;
}

function describeBehaviour() {
  const shown = views.behaviour.find(([key]) => key === state.behaviour)[1];
  const found = measured("score");
  const chosen = state.group === null ? "" : ` ${grouping().labels[state.group]}: score ${shortNumber(found[state.group].mean)}.`;
  return `Behaviour, ${shown}.${chosen}`;
}
