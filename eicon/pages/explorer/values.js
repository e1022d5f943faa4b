// Numbers for several views: rates, outputs and trajectories of a group of conditions, and units of the level.

const values = {};

function setUpValues() {
  const [n, nConditions, nSteps] = arrays.means.shape;
  const nOut = arrays.outputs.shape[2];
  const nTrials = facts.trials.kept;
  Object.assign(values, { n, nConditions, nSteps, nOut, nTrials, dt: facts.task.dt });
  values.types = facts.units.labels.type;
  values.typed = new Set(values.types).size > 1;
  values.labelNames = tellingLabels();
  if (nConditions === 1) {
    const shown = Math.min(nTrials, 12);
    facts.groupings.push({
      name: "single trials",
      group: [],
      trials: Array.from({ length: shown }, (_, i) => i),
      labels: Array.from({ length: shown }, (_, i) => `trial ${i}`),
      heading: "trial",
      short: Array.from({ length: shown }, (_, i) => String(i)),
      shade: Array.from({ length: shown }, (_, i) => i / Math.max(shown - 1, 1)),
      dash: new Array(shown).fill(0),
    });
    state.grouping = facts.grouping = facts.groupings.length - 1;
  }
  state.unit = strongest();
}

// Labels with more information than the type.
function tellingLabels() {
  const { type, ...labels } = facts.units.labels;
  const kinds = (list) => new Set(list).size;
  return Object.keys(labels).filter((name) => {
    const both = kinds(labels[name].map((label, unit) => `${label}\n${type[unit]}`));
    return kinds(labels[name]) > 1 && both > kinds(type);
  });
}

function strongest() {
  let best = 0;
  for (let unit = 1; unit < values.n; unit++) {
    if (Math.abs(arrays.measure[unit]) > Math.abs(arrays.measure[best])) best = unit;
  }
  return best;
}

function grouping() {
  return facts.groupings[state.grouping];
}

function groupColour(group) {
  return sequenceColour(grouping().shade[group]);
}

// Conditions of a group; for a single trial, its condition.
function conditionsIn(group) {
  const { group: groups, trials } = grouping();
  if (trials) return [arrays.trial_condition[trials[group]]];
  return groups.flatMap((of, condition) => (of === group ? [condition] : []));
}

function trialsIn(group) {
  const { group: groups, trials } = grouping();
  if (trials) return [trials[group]];
  const found = [];
  for (let trial = 0; trial < values.nTrials; trial++) {
    if (groups[arrays.trial_condition[trial]] === group) found.push(trial);
  }
  return found;
}

function trialRate(unit, trial) {
  const { nTrials, nSteps } = values;
  const [low, step] = [arrays.trial_scale[2 * unit], arrays.trial_scale[2 * unit + 1]];
  const start = (unit * nTrials + trial) * nSteps;
  const rate = new Float32Array(nSteps).fill(NaN);
  for (let t = 0; t < arrays.trial_stop[trial]; t++) rate[t] = low + step * arrays.trials[start + t];
  return rate;
}

function meanRate(unit, condition) {
  const { nConditions, nSteps } = values;
  const start = (unit * nConditions + condition) * nSteps;
  const codes = arrays.means.subarray(start, start + nSteps);
  if (facts.means_bits === 32) return codes;
  const [low, step] = [arrays.mean_scale[2 * unit], arrays.mean_scale[2 * unit + 1]];
  const counts = arrays.counts.subarray(condition * nSteps, (condition + 1) * nSteps);
  return Float32Array.from(codes, (code, t) => (counts[t] ? low + step * code : NaN));
}

// Mean over the conditions of a group, weighted by their trials at each step; NaN without trials.
function overConditions(group, series, width, weights = arrays.counts) {
  const { nSteps } = values;
  const sum = new Float64Array(nSteps * width);
  const total = new Float64Array(nSteps * width);
  for (const condition of conditionsIn(group)) {
    const one = series(condition);
    for (let i = 0; i < sum.length; i++) {
      const weight = weights[condition * nSteps + Math.floor(i / width)];
      if (weight && !Number.isNaN(one[i])) {
        sum[i] += weight * one[i];
        total[i] += weight;
      }
    }
  }
  return Float32Array.from(sum, (value, i) => (total[i] ? value / total[i] : NaN));
}

function rateOf(unit, group) {
  const { trials } = grouping();
  if (trials) return trialRate(unit, trials[group]);
  return overConditions(group, (condition) => meanRate(unit, condition), 1);
}

// "outputs", "targets" or "paths" of a group, (T, width) in one array.
function seriesOf(name, group) {
  const { trials } = grouping();
  const source = arrays[trials ? `trial_${name}` : name];
  const [, nSteps, width] = source.shape;
  const part = (i) => source.subarray(i * nSteps * width, (i + 1) * nSteps * width);
  if (trials) return part(trials[group]);
  return overConditions(group, part, width, arrays[name === "targets" ? "target_counts" : "counts"]);
}

// Median first and last step of each epoch, of the selected group or of all trials, and if they vary.
function epochSpans() {
  const found = state.group === null ? [] : trialsIn(state.group);
  const trials = found.length ? found : Array.from({ length: values.nTrials }, (_, i) => i);
  const nEpochs = facts.task.epochs.length;
  return facts.task.epochs.map((name, epoch) => {
    const edges = [0, 1].map((side) => {
      const steps = trials.map((trial) => arrays.trial_epochs[(trial * nEpochs + epoch) * 2 + side]);
      return steps.sort((a, b) => a - b);
    });
    return {
      name,
      start: edges[0][trials.length >> 1],
      stop: edges[1][trials.length >> 1],
      varies: edges.some((steps) => steps[0] !== steps.at(-1)),
    };
  });
}

function levelData(name) {
  return arrays[`${name}_${state.level}`];
}

// True if the condensed matrix is shown; pages of very large networks do not contain it.
function showsCondensed() {
  return state.condensed && Boolean(state.level && levelData("weights"));
}

function isKept() {
  const kept = new Uint8Array(values.n);
  for (const unit of levelData("kept")) kept[unit] = 1;
  return kept;
}

function unitWords(unit) {
  const about = [values.types[unit], ...values.labelNames.filter((name) => name !== "represents").map((name) => facts.units.labels[name][unit])];
  return [`unit ${unit}`, ...new Set(about.filter(Boolean))].join(" · ");
}
