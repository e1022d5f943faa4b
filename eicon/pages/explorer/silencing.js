// Effects of silencing the selected unit, on its page: on the score, and on the outputs over time.

const MOST_CHANNELS = 3; // the outputs that change most

// This network and the original one, each intact and with the unit (or all units that it represents) silenced.
function silencedRows() {
  const { unit } = state;
  const rows = [
    { words: "this network, intact", of: "silenced", row: values.n },
    { words: `unit ${unit} silenced`, of: "silenced", row: unit },
  ];
  if (facts.each.original) {
    rows.push({ words: "original, intact", of: "original", row: values.n });
    rows.push({ words: membersOf(unit).length === 1 ? "its one unit silenced" : `its ${membersOf(unit).length} units silenced`, of: "original", row: unit });
  }
  return rows.map((one) => ({
    ...one,
    accuracy: arrays[`${one.of}_accuracy`][one.row],
    change: arrays[`${one.of}_change`][one.row],
    intact: one.row === values.n,
  }));
}

function drawSilenced(plot) {
  const { context: c, width, height } = plot;
  const rows = silencedRows();
  const groups = roleGroups();
  makeRoom(plot, rows.length * 24 + 40);
  const each = Math.min((height - 36) / rows.length, 24);
  const left = Math.max(...rows.map(({ words }) => c.measureText(words).width)) + 12;
  const box = { left, top: 2, width: width - left - 178, height: each * rows.length };
  const frame = makeFrame({ ...plot, height: box.top + box.height + 33 }, [0, 1], [0, 1], box,
    { xName: "score (bar: all trials; dots: by condition)", yTicks: [], xTicks: [0, 0.25, 0.5, 0.75, 1] });
  rows.forEach(({ words, of, row, accuracy, change, intact }, i) => {
    const y = box.top + (i + 0.5) * each;
    c.fillStyle = intact ? "#c9c9d0" : "#e3d3f0";
    if (Number.isFinite(accuracy)) c.fillRect(box.left, y - each * 0.36, frame.x(accuracy) - box.left, each * 0.72);
    for (const { group, label, colour, conditions } of groups) {
      const score = rowMean(arrays[`${of}_score`], row, conditions, scoredOf);
      if (!Number.isFinite(score)) continue;
      c.globalAlpha = state.group === null || group === state.group ? 1 : 0.25;
      c.fillStyle = colour;
      dot(c, [frame.x(score), y], group !== undefined && group === state.group ? 5 : 3);
      role.marks.silenced.push({ x: frame.x(score), y, words: `${words}\n${label}: ${shortNumber(100 * score)} %` });
    }
    c.globalAlpha = 1;
    c.fillStyle = INK;
    c.textAlign = "right";
    c.fillText(words, left - 6, y + 4);
    c.textAlign = "left";
    c.fillText(Number.isFinite(accuracy) ? `${(100 * accuracy).toFixed(1)} %` : "–", box.left + box.width + 10, y + 4);
    if (!intact) c.fillText(Number.isNaN(change) ? changeWords(change) : `Δ outputs ${shortNumber(change, 2)} s.d.`, box.left + box.width + 56, y + 4);
  });
}

function changeWords(change) {
  return Number.isNaN(change) ? "outputs diverge" : `outputs change by ${shortNumber(change, 2)} s.d.`;
}

function describeSilenced() {
  const words = silencedRows().map(({ words: what, accuracy, change, intact }) => `${what}: score ${shortNumber(100 * accuracy)} %${intact ? "" : `, ${changeWords(change)}`}`);
  return `Score without ${unitWords(state.unit)}, silenced for the whole trial. ${words.join("; ")}.`;
}

// Mean outputs of conditions with a unit silenced, or intact (row N), (S, n_out) in one array.
function silencedOutputs(row, conditions) {
  const [, nConditions, nKept, nOut] = arrays.silenced_outputs.shape;
  const { stride } = facts.each.silencing;
  const [low, step] = arrays.silenced_scale.subarray(2 * row, 2 * row + 2);
  const [sum, total] = [new Float64Array(nKept * nOut), new Float64Array(nKept * nOut)];
  for (const condition of conditions) {
    const start = (row * nConditions + condition) * nKept * nOut;
    for (let i = 0; i < sum.length; i++) {
      const weight = arrays.counts[condition * values.nSteps + stride * Math.floor(i / nOut)];
      sum[i] += weight * (low + step * arrays.silenced_outputs[start + i]);
      total[i] += weight;
    }
  }
  return sum.map((value, i) => (total[i] ? value / total[i] : NaN));
}

function drawSilencedOutputs(plot) {
  const { context: c, width, height } = plot;
  if (Number.isNaN(arrays.silenced_change[state.unit])) {
    note(plot, "Without this unit the outputs diverge, or no output varies.");
    return;
  }
  const [groups, { nOut, nSteps, dt }] = [roleGroups(), values];
  const { stride } = facts.each.silencing;
  const [intact, silenced] = [values.n, state.unit].map((row) => groups.map(({ conditions }) => silencedOutputs(row, conditions)));
  const nKept = intact[0].length / nOut;
  const pick = (list, channel) => Float64Array.from({ length: nKept }, (_, s) => list[s * nOut + channel]);
  const changed = (channel) => groups.reduce((sum, _, g) => sum + pick(silenced[g], channel)
    .reduce((total, value, s) => total + ((value - intact[g][s * nOut + channel]) ** 2 || 0), 0), 0);
  const channels_ = Array.from({ length: nOut }, (_, channel) => [channel, changed(channel)]).sort((a, b) => b[1] - a[1])
    .slice(0, MOST_CHANNELS).map(([channel]) => channel).sort((a, b) => a - b);
  const room = (height - 46) / channels_.length;
  channels_.forEach((channel, row) => {
    const [before, after] = [intact, silenced].map((lists) => lists.map((list) => pick(list, channel)));
    const box = { left: 44, top: 17 + row * room, width: width - 60, height: room - 7 };
    const last = row === channels_.length - 1;
    const frame = makeFrame(plot, [0, nSteps * dt], finiteRange([...before, ...after]), box,
      { xName: last ? "time (ms)" : "", yName: facts.task.outputs[channel], xTickNames: last });
    shadeEpochs(c, frame, row === 0);
    const x = (s) => frame.x(s * stride * dt);
    for (const [lists, dash] of [[before, [1.5, 2.5]], [after, []]]) {
      groups.forEach(({ group, label, colour }, g) => {
        const pale = state.group !== null && group !== undefined && group !== state.group;
        c.strokeStyle = colour;
        c.globalAlpha = pale ? 0.2 : 1;
        c.lineWidth = lists === after ? 1.8 : 1.2;
        c.setLineDash(dash);
        line(c, nKept, x, (s) => frame.y(lists[g][s]));
        if (lists === before) return;
        after[g].forEach((value, s) => Number.isFinite(value) && role.marks["silenced-outputs"].push({ x: x(s), y: frame.y(value),
          words: `${label}\n${facts.task.outputs[channel]} ${shortNumber(value)}, intact ${shortNumber(before[g][s])}\n${shortNumber(s * stride * dt)} ms` }));
      });
    }
    c.setLineDash([]);
    c.globalAlpha = 1;
  });
  c.fillStyle = SOFT;
  c.textAlign = "right";
  c.fillText("— silenced  ⋯ intact", width - 6, height - 2);
}

function describeSilencedOutputs() {
  return `Mean outputs over time with ${unitWords(state.unit)} silenced, and intact: ${changeWords(arrays.silenced_change[state.unit])}.`;
}
