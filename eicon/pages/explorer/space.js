// Rotatable space of the first principal components: trajectories of conditions, or loadings of units.

const space = { yaw: 0, pitch: 0, zoom: 1 };

function setUpSpace() {
  const there = Boolean(arrays.components);
  offer("space", document.getElementById("space-view"), [["paths", "trajectories"], ["units", "units"]]);
  space.plot = makePlot("space", there ? drawSpace : (plot) => note(plot, facts.components.reason), describeSpace);
  if (!there) return;
  space.n = arrays.components.shape[0];
  frontSpace();
  point(space.plot, (x, y) => nearestInSpace(x, y).words, (x, y) => {
    const { unit, group } = nearestInSpace(x, y);
    if (space.moved > 4) return;
    if (unit !== undefined) choose({ unit });
    else if (group !== undefined) choose({ group: group === state.group ? null : group });
  });
  const canvas = space.plot.canvas;
  canvas.addEventListener("mousedown", () => (space.moved = 0));
  canvas.addEventListener("mousemove", (event) => {
    if (event.buttons !== 1) return;
    space.moved += Math.abs(event.movementX) + Math.abs(event.movementY);
    turnSpace(event.movementX * 0.01, event.movementY * 0.01);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomSpace(event.deltaY < 0 ? 1.12 : 0.89);
  }, { passive: false });
  canvas.addEventListener("keydown", spaceKeys);
}

function frontSpace() {
  Object.assign(space, space.n > 2 ? { yaw: 0.55, pitch: 0.45 } : { yaw: 0, pitch: 0 }, { zoom: 1 });
  redraw();
}

function turnSpace(yaw, pitch) {
  if (space.n < 3) return;
  space.yaw += yaw;
  space.pitch = Math.min(Math.max(space.pitch + pitch, -Math.PI / 2), Math.PI / 2);
  redraw();
}

function zoomSpace(factor) {
  space.zoom = Math.min(Math.max(space.zoom * factor, 0.3), 8);
  redraw();
}

function spaceKeys(event) {
  const arrows = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, -0.12], ArrowDown: [0, 0.12] };
  if (arrows[event.key]) turnSpace(...arrows[event.key]);
  else if (event.key === "+" || event.key === "=") zoomSpace(1.15);
  else if (event.key === "-") zoomSpace(0.87);
  else if (event.key === "0") frontSpace();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// Rotated coordinates of a point: right, up, and away from the viewer.
function turned(p) {
  const [sy, cy, sp, cp] = [Math.sin(space.yaw), Math.cos(space.yaw), Math.sin(space.pitch), Math.cos(space.pitch)];
  const [a, b, c] = [p[0], p[1] ?? 0, p[2] ?? 0];
  const depth = cy * c - sy * a;
  return [cy * a + sy * c, cp * b - sp * depth, sp * b + cp * depth];
}

// From components to the canvas, with all points visible.
function project(plot, points) {
  const flat = points.map(turned);
  const range = [0, 1].map((axis) => finiteRange([flat.map((at) => at[axis])]));
  const middle = range.map(([from, to]) => (from + to) / 2);
  const reach = range.map(([from, to]) => Math.max((to - from) / 2, 1e-9));
  const room = [plot.width / 2 - 42, plot.height / 2 - 24];
  const scale = space.zoom * Math.min(room[0] / reach[0], room[1] / reach[1]);
  const to = (p) => {
    const [x, y, depth] = turned(p);
    return [plot.width / 2 + scale * (x - middle[0]), plot.height / 2 - scale * (y - middle[1]), depth];
  };
  return to;
}

function drawSpace(plot) {
  space.hits = [];
  if (state.space === "units") drawUnitsInSpace(plot);
  else drawPaths(plot);
  const parts = facts.components.ratio.map((part) => (100 * part).toFixed(0)).join(", ");
  document.getElementById("space-title").textContent = `PC1${space.n > 1 ? `–${space.n}` : ""}: ${parts} %`;
}

// Directions of the components, in the lower right corner.
function drawAxes(plot) {
  const { context: c } = plot;
  const [x, y] = [plot.width - 46, plot.height - 40];
  c.strokeStyle = "#8c8c95";
  c.fillStyle = SOFT;
  c.lineWidth = 1.2;
  c.textAlign = "center";
  for (let axis = 0; axis < space.n; axis++) {
    const [dx, dy] = turned([0, 0, 0].map((_, i) => Number(i === axis)));
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x + 24 * dx, y - 24 * dy);
    c.stroke();
    c.fillText(`PC${axis + 1}`, x + 34 * dx, y - 33 * dy + 4);
  }
}

function drawPaths(plot) {
  const { context: c } = plot;
  const paths = grouping().labels.map((_, group) => seriesOf("paths", group));
  const places = paths.map((path) =>
    Array.from({ length: values.nSteps }, (_, t) => path.subarray(t * space.n, (t + 1) * space.n)));
  const to = project(plot, places.flat());
  drawAxes(plot);
  const points = places.map((steps) => steps.map(to));
  drawGroups(c, (group, chosen) => {
    const steps = points[group];
    line(c, steps.length, (t) => steps[t][0], (t) => steps[t][1]);
    const there = steps.filter(([x]) => Number.isFinite(x));
    if (!there.length) return;
    c.setLineDash([]);
    dot(c, there[0], chosen ? 4 : 3, true);
    dot(c, there.at(-1), chosen ? 5 : 3.5, false);
    there.forEach(([x, y]) => space.hits.push({ x, y, group, words: grouping().labels[group] }));
  });
  drawArrow(plot, to);
  c.fillStyle = SOFT;
  c.textAlign = "left";
  c.fillText("○ start  ● end", 4, plot.height - 4);
}

function dot(c, [x, y], size, hollow) {
  c.beginPath();
  c.arc(x, y, size, 0, 7);
  if (hollow) {
    const colour = c.fillStyle;
    c.fillStyle = "#fff";
    c.fill();
    c.fillStyle = colour;
    c.stroke();
  } else c.fill();
}

const loading = (unit) => Array.from({ length: space.n }, (_, axis) => arrays.components[axis * values.n + unit]);

// Direction in which higher rates of the selected unit move trajectories: its loadings, with their own scale.
function drawArrow(plot, to) {
  const { context: c } = plot;
  const direction = loading(state.unit);
  let largest = 0;
  for (let unit = 0; unit < values.n; unit++) largest = Math.max(largest, Math.hypot(...loading(unit)));
  const size = (0.4 * Math.min(plot.width, plot.height)) / (largest || 1);
  const from = to([0, 0, 0]); // the mean of all rates
  const [dx, dy] = turned(direction);
  const tipAt = [from[0] + size * dx, from[1] - size * dy];
  const angle = Math.atan2(tipAt[1] - from[1], tipAt[0] - from[0]);
  c.strokeStyle = c.fillStyle = CHOSEN;
  c.lineWidth = 2.5;
  c.beginPath();
  c.moveTo(from[0], from[1]);
  c.lineTo(tipAt[0], tipAt[1]);
  for (const side of [-0.45, 0.45]) {
    c.moveTo(tipAt[0], tipAt[1]);
    c.lineTo(tipAt[0] - 9 * Math.cos(angle + side), tipAt[1] - 9 * Math.sin(angle + side));
  }
  c.stroke();
  c.textAlign = tipAt[0] < from[0] ? "right" : "left";
  haloed(c, `unit ${state.unit}`, tipAt[0] + (tipAt[0] < from[0] ? -5 : 5), tipAt[1] - 4);
}

function drawUnitsInSpace(plot) {
  const { context: c } = plot;
  const places = Array.from({ length: values.n }, (_, unit) => loading(unit));
  const at = places.map(project(plot, places));
  drawAxes(plot);
  const [kept, groups] = [isKept(), levelData("groups")];
  const own = groups[state.unit];
  for (let unit = 0; unit < values.n; unit++) {
    if (kept[unit] || groups[unit] < 0) continue;
    const near = groups[unit] === own;
    c.strokeStyle = near ? CHOSEN : "#c9c9d0";
    c.lineWidth = near ? 1.4 : 0.5;
    c.beginPath();
    c.moveTo(at[unit][0], at[unit][1]);
    c.lineTo(at[groups[unit]][0], at[groups[unit]][1]);
    c.stroke();
  }
  const order = Array.from({ length: values.n }, (_, unit) => unit).sort((a, b) => kept[a] - kept[b] || at[b][2] - at[a][2]);
  for (const unit of order) {
    c.fillStyle = c.strokeStyle = kept[unit] ? TYPE_COLOURS[values.types[unit]] : GONE;
    c.lineWidth = 1.2;
    dot(c, at[unit], kept[unit] ? 3.4 : 2.6, !kept[unit]);
    space.hits.push({ x: at[unit][0], y: at[unit][1], unit, words: unitWords(unit) });
  }
  c.strokeStyle = c.fillStyle = CHOSEN;
  c.lineWidth = 2;
  c.beginPath();
  c.arc(at[state.unit][0], at[state.unit][1], 7, 0, 7);
  c.stroke();
  c.textAlign = "left";
  haloed(c, `unit ${state.unit}`, at[state.unit][0] + 9, at[state.unit][1] - 6);
}

function nearestInSpace(x, y) {
  let [best, apart] = [{ words: "" }, 12];
  for (const hit of space.hits ?? []) {
    const away = Math.hypot(hit.x - x, hit.y - y);
    if (away < apart) [best, apart] = [hit, away];
  }
  return best;
}

function describeSpace() {
  if (!arrays.components) return `No principal components: ${facts.components.reason}`;
  const place = loading(state.unit).map((value, axis) => `PC${axis + 1} ${shortNumber(value)}`).join(", ");
  const what = state.space === "units" ? "Loadings of all units" : `Trajectories by ${grouping().name}`;
  return `${what} in the first ${space.n} principal components. Loadings of unit ${state.unit}: ${place}.`;
}
