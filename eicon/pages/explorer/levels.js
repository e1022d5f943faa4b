// Condensation: the slider, the error of the outputs at each level, and the state of the units.

const levels = {};

function setUpLevels() {
  const slider = document.getElementById("level");
  levels.slider = slider;
  slider.max = facts.levels.sizes.length - 1;
  slider.disabled = facts.levels.sizes.length < 2;
  slider.addEventListener("input", () => choose({ level: Number(slider.value) }));
  levels.plot = makePlot("curve", drawCurve, describeCurve);
  point(levels.plot, (x) => levelWords(levelAt(x)), (x) => choose({ level: levelAt(x) }));
  follow(showLevel);
}

function errorWords(level) {
  if (!level) return "the whole network";
  const error = facts.levels.errors[level];
  return error === null ? "outputs diverge" : `output error ${shortNumber(error)}`;
}

function levelWords(level) {
  return `${facts.levels.sizes[level]} of ${values.n} units: ${errorWords(level)}`;
}

function levelAt(x) {
  const { left, width } = levels.frame;
  const last = facts.levels.sizes.length - 1;
  return Math.min(Math.max(Math.round(((x - left) / width) * last), 0), last);
}

function showLevel() {
  const { slider } = levels;
  slider.value = state.level;
  slider.setAttribute("aria-valuetext", levelWords(state.level));
  const size = facts.levels.sizes[state.level];
  const counts = { E: 0, I: 0, "": 0 };
  for (const unit of levelData("kept")) counts[values.types[unit]]++;
  const kinds = counts[""] ? "" : ` (${counts.E} E, ${counts.I} I)`;
  const words = state.level
    ? [`${size} of ${values.n} units${kinds} are kept and represent the others; effective matrix ${size} × ${size}, no retraining; ${errorWords(state.level)} (relative to the standard deviation).`]
    : [facts.levels.sizes.length > 1 ? `All ${values.n} units. Move the slider, or press . and , to keep fewer units, which represent the others.` : ""];
  if (facts.levels.reason) words.push(facts.levels.reason);
  document.getElementById("level-words").textContent = words.join(" ");
}

function drawCurve(plot) {
  const { context: c, width, height } = plot;
  const { sizes, errors } = facts.levels;
  const last = Math.max(sizes.length - 1, 1);
  const box = { left: 54, top: 9, width: width - 74, height: height - 28 };
  const known = errors.slice(1).filter((error) => error > 0);
  const bounds = known.length ? [Math.log10(Math.min(...known)), Math.log10(Math.max(...known))] : [-3, 0];
  const range = [Math.min(Math.floor(bounds[0]), bounds[1] - 1), Math.max(Math.min(bounds[1] + 0.1, 1), Math.floor(bounds[0]) + 1)];
  const decades = ticks(Math.ceil(range[0]), Math.floor(range[1]), 3).filter(Number.isInteger);
  const frame = makeFrame(plot, [0, last], range, box, { xTicks: [], yTicks: [], yName: "output error" });
  levels.frame = frame;
  c.fillStyle = SOFT;
  c.textAlign = "right";
  const clear = (decade) => frame.y(decade) < box.top + box.height - 8; // of the first level's dot
  for (const decade of decades.filter(clear)) c.fillText(decade < -3 ? `1e\u2212${-decade}` : shortNumber(10 ** decade), box.left - 5, frame.y(decade) + 4);
  c.textAlign = "center";
  sizes.forEach((size, i) => c.fillText(i ? size : `${size} units`, frame.x(i), height - 4));
  const y = (i) => {
    const error = errors[i];
    if (i && error === null) return box.top;
    return error > 0 ? Math.min(Math.max(frame.y(Math.log10(error)), box.top), box.top + box.height) : box.top + box.height;
  };
  c.strokeStyle = "#e2e2e8";
  for (const decade of decades) line(c, 2, (i) => box.left + i * box.width, () => frame.y(decade));
  c.strokeStyle = "#44444a";
  c.lineWidth = 1.5;
  line(c, sizes.length - 1, (i) => frame.x(i + 1), (i) => y(i + 1));
  sizes.forEach((_, i) => {
    c.fillStyle = c.strokeStyle = i === state.level ? CHOSEN : "#44444a";
    c.lineWidth = 1.3;
    dot(c, [frame.x(i), y(i)], i === state.level ? 6 : 3.2, i > 0 && errors[i] === null);
  });
  if (state.level) {
    c.strokeStyle = CHOSEN;
    c.setLineDash([3, 3]);
    line(c, 2, () => frame.x(state.level), (i) => (i ? y(state.level) : box.top + box.height));
  }
}

function describeCurve() {
  const points = facts.levels.sizes.map((_, level) => levelWords(level));
  return `Error of the outputs at each level of condensation. ${points.join("; ")}.`;
}
