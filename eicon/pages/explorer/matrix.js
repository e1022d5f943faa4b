// Weights from row to column, of the whole or the condensed network, in several orders, with zoom and crosshair.

const matrix = { start: [0, 0], span: 1, cells: null, key: "", image: null }; // start and span: the visible part
const STRIP = 7;
const NARROW = 14;
const MATRIX_EDGE = { left: 27, top: 24, right: 4, bottom: 24 };
const WEIGHT_COLOURS = { positive: [[255, 255, 255], [0, 119, 187], [0, 58, 102]], negative: [[255, 255, 255], [204, 51, 17], [122, 20, 5]] };

function setUpMatrix() {
  const orders = [["index", "index"], ["type", values.typed ? `type, ${facts.units.measure.name}` : facts.units.measure.name]];
  for (const name of values.labelNames) orders.push([`label ${name}`, name]);
  if (facts.levels.sizes.length > 1) orders.push(["group", "condensation"]);
  offer("order", document.getElementById("order"), orders, (name) => `order: ${name}`);
  const sizes = Array.from(arrays.weights, Math.abs).filter((size) => size > 0).sort((a, b) => a - b);
  matrix.limit = sizes.length ? sizes[Math.floor(0.98 * (sizes.length - 1))] : 1;
  matrix.plot = makePlot("matrix", drawMatrix, describeMatrix);
  const at = point(matrix.plot, (x, y) => cellWords(cellAt(x, y)), clickMatrix);
  matrix.plot.canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomMatrix(event.deltaY < 0 ? 1.25 : 0.8, at(event));
  }, { passive: false });
  matrix.plot.canvas.addEventListener("mousemove", (event) => {
    if (event.buttons === 1) moveMatrix(-event.movementX / matrix.side, -event.movementY / matrix.side, true);
  });
  matrix.plot.canvas.addEventListener("mousedown", () => (matrix.moved = 0));
  matrix.plot.canvas.addEventListener("dblclick", () => zoomMatrix(0));
  matrix.plot.canvas.addEventListener("keydown", matrixKeys);
  const box = document.getElementById("condensed");
  box.addEventListener("change", () => choose({ condensed: box.checked }));
  follow(() => {
    box.checked = state.condensed;
    box.disabled = facts.levels.sizes.length < 2;
  });
}

// Units in the order of rows and columns.
function matrixOrder() {
  const units = showsCondensed() ? Array.from(levelData("kept")) : Array.from({ length: values.n }, (_, i) => i);
  const typeRank = (unit) => ["E", "I", ""].indexOf(values.types[unit]);
  const byMeasure = (a, b) => typeRank(a) - typeRank(b) || arrays.measure[a] - arrays.measure[b];
  if (state.order === "type") units.sort(byMeasure);
  if (state.order.startsWith("label ")) {
    const rank = ranks(facts.units.labels[state.order.slice(6)]);
    units.sort((a, b) => rank[a] - rank[b] || byMeasure(a, b));
  }
  if (state.order === "group") {
    const groups = levelData("groups");
    const place = (unit) => (groups[unit] < 0 ? values.n : groups[unit]);
    const own = (unit) => (groups[unit] === unit ? 0 : 1);
    units.sort((a, b) => place(a) - place(b) || own(a) - own(b) || a - b);
  }
  return units;
}

// Labels in the order in which they first occur, which is that of the network's populations.
function ranks(labels) {
  const order = [...new Set(labels)];
  return labels.map((label) => order.indexOf(label));
}

// First positions of blocks of units of a kind, in the current order.
function blocks(units) {
  const kinds = state.order.startsWith("label ") ? facts.units.labels[state.order.slice(6)] : values.types;
  if (state.order === "index" || state.order === "group") return [];
  const found = [];
  units.forEach((unit, i) => {
    if (!i || kinds[unit] !== kinds[units[i - 1]]) found.push({ start: i, name: kinds[unit] });
  });
  return found.map((block, i) => ({ ...block, stop: found[i + 1]?.start ?? units.length }));
}

function weightImage(units) {
  const n = units.length;
  const small = showsCondensed();
  const source = small ? levelData("weights") : arrays.weights;
  const columns = small ? n : values.n;
  const place = small ? new Map(Array.from(levelData("kept"), (unit, i) => [unit, i])) : null;
  const rows = small ? units.map((unit) => place.get(unit)) : units;
  const kept = isKept();
  const image = new ImageData(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const weight = source[rows[i] * columns + rows[j]];
      const gone = !small && !(kept[units[i]] && kept[units[j]]);
      paint(image.data, 4 * (i * n + j), weight / matrix.limit, gone);
    }
  }
  const canvas = new OffscreenCanvas(n, n);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function paint(data, at, size, gone) {
  const [white, middle, dark] = WEIGHT_COLOURS[size < 0 ? "negative" : "positive"];
  const strength = Math.min(Math.abs(size), 1);
  const [from, to, mix] = strength < 0.5 ? [white, middle, 2 * strength] : [middle, dark, 2 * strength - 1];
  for (let k = 0; k < 3; k++) {
    const colour = from[k] + mix * (to[k] - from[k]);
    data[at + k] = gone ? 214 + 0.16 * (colour - 214) : colour;
  }
  data[at + 3] = 255;
}

function drawMatrix(plot) {
  const { context: c, width, height } = plot;
  const key = [state.order, state.condensed, state.level].join();
  if (matrix.key !== key) {
    matrix.units = matrixOrder();
    matrix.row = new Map(matrix.units.map((unit, i) => [unit, i]));
    matrix.image = weightImage(matrix.units);
    matrix.key = key;
  }
  const edge = MATRIX_EDGE;
  const side = Math.max(10, Math.min(width - edge.left - edge.right, height - edge.top - edge.bottom));
  const left = edge.left + Math.max(0, (width - edge.left - edge.right - side) / 2);
  Object.assign(matrix, { side, left, top: edge.top });
  const n = matrix.units.length;
  const [x0, y0] = matrix.start;
  c.imageSmoothingEnabled = false;
  c.fillStyle = "#fff";
  c.fillRect(left, edge.top, side, side);
  c.drawImage(matrix.image, x0 * n, y0 * n, matrix.span * n, matrix.span * n, left, edge.top, side, side);
  c.strokeStyle = "#77777d";
  c.strokeRect(left - 0.5, edge.top - 0.5, side + 1, side + 1);
  drawStrips(c, n);
  drawBlocks(c);
  drawCross(c, n);
  drawScale(c, height);
  c.fillStyle = SOFT;
  c.textAlign = "center";
  c.fillText("to", left + side / 2, 11);
  sideways(c, "from", left - 15, edge.top + side / 2);
  document.getElementById("matrix-title").textContent = showsCondensed() ? "Condensed" : "Weights";
}

const cellX = (i) => matrix.left + ((i / matrix.units.length - matrix.start[0]) / matrix.span) * matrix.side;
const cellY = (i) => matrix.top + ((i / matrix.units.length - matrix.start[1]) / matrix.span) * matrix.side;

// Draws only inside the matrix or the strips next to it.
function inside(c, before, drawing) {
  c.save();
  c.beginPath();
  c.rect(matrix.left - before, matrix.top - before, matrix.side + before, matrix.side + before);
  c.clip();
  drawing();
  c.restore();
}

function drawStrips(c, n) {
  inside(c, STRIP + 2, () => {
    const step = matrix.side / (n * matrix.span);
    matrix.units.forEach((unit, i) => {
      c.fillStyle = TYPE_COLOURS[values.types[unit]];
      if (cellX(i + 1) > matrix.left) c.fillRect(Math.max(cellX(i), matrix.left), matrix.top - STRIP - 1, step + 0.3, STRIP);
      if (cellY(i + 1) > matrix.top) c.fillRect(matrix.left - STRIP - 1, Math.max(cellY(i), matrix.top), STRIP, step + 0.3);
    });
  });
}

function drawBlocks(c) {
  const found = blocks(matrix.units);
  inside(c, 0, () => {
    c.strokeStyle = "#44444a";
    c.lineWidth = 0.7;
    c.beginPath();
    for (const { start, stop } of found.slice(1)) {
      if (cellX(stop) - cellX(start) < NARROW) continue; // lines around every unit or two would hide the weights
      c.moveTo(cellX(start), matrix.top);
      c.lineTo(cellX(start), matrix.top + matrix.side);
      c.moveTo(matrix.left, cellY(start));
      c.lineTo(matrix.left + matrix.side, cellY(start));
    }
    c.stroke();
  });
  // Names along the upper edge of the blocks, where they fit
  c.textAlign = "left";
  c.textBaseline = "top";
  for (const { start, stop, name } of found) {
    const [from, to] = [Math.max(cellX(start), matrix.left), Math.min(cellX(stop), matrix.left + matrix.side)];
    const words = c.measureText(name).width;
    const middle = (from + to) / 2;
    if (to - from > words + 4 && Math.abs(middle - matrix.left - matrix.side / 2) > words / 2 + 12) {
      c.fillStyle = INK;
      c.fillText(name, middle - words / 2, 2);
    }
  }
  c.textBaseline = "alphabetic";
}

function drawCross(c, n) {
  const i = matrix.row.get(state.unit);
  if (i === undefined) return;
  inside(c, STRIP + 3, () => {
    const step = Math.max(matrix.side / (n * matrix.span), 2);
    c.strokeStyle = CHOSEN;
    c.lineWidth = 1.6;
    c.strokeRect(cellX(i) - 0.8, matrix.top - STRIP - 2, step + 1.6, matrix.side + STRIP + 3);
    c.strokeRect(matrix.left - STRIP - 2, cellY(i) - 0.8, matrix.side + STRIP + 3, step + 1.6);
  });
}

function drawScale(c, height) {
  const [width, top] = [Math.min(110, matrix.side / 3.5), height - 15];
  const left = matrix.left + (matrix.side - width) / 2 - 12;
  const strip = new ImageData(101, 1);
  for (let i = 0; i <= 100; i++) paint(strip.data, 4 * i, (i - 50) / 50, false);
  const canvas = new OffscreenCanvas(101, 1);
  canvas.getContext("2d").putImageData(strip, 0, 0);
  c.drawImage(canvas, left, top, width, 9);
  c.strokeStyle = "#88888f";
  c.lineWidth = 1;
  c.strokeRect(left, top, width, 9);
  c.fillStyle = SOFT;
  c.textAlign = "right";
  c.fillText(`≤ ${shortNumber(-matrix.limit, 2)}`, left - 5, top + 9);
  c.textAlign = "left";
  c.fillText(`≥ ${shortNumber(matrix.limit, 2)}`, left + width + 5, top + 9);
  c.textAlign = "right";
  c.fillText(`${matrix.units.length} × ${matrix.units.length}`, matrix.left + matrix.side, top + 9);
}

// Units whose weight is at a position of the canvas; in the strips, only one of them.
function cellAt(x, y) {
  const n = matrix.units.length;
  const place = (pixel, edge, start) => Math.floor((start + ((pixel - edge) / matrix.side) * matrix.span) * n);
  const within = (pixel, edge) => pixel >= edge && pixel < edge + matrix.side;
  const from = within(y, matrix.top) ? matrix.units[place(y, matrix.top, matrix.start[1])] : undefined;
  const to = within(x, matrix.left) ? matrix.units[place(x, matrix.left, matrix.start[0])] : undefined;
  const near = x > matrix.left - 24 && y > matrix.top - 24 && x < matrix.left + matrix.side && y < matrix.top + matrix.side;
  return near ? { from, to } : {};
}

function weightBetween(from, to) {
  if (!showsCondensed()) return arrays.weights[from * values.n + to];
  const kept = levelData("kept");
  return levelData("weights")[kept.indexOf(from) * kept.length + kept.indexOf(to)];
}

function cellWords({ from, to }) {
  if (from === undefined && to === undefined) return "";
  if (from === undefined || to === undefined) return unitWords(from ?? to);
  return `from ${unitWords(from)}\nto ${unitWords(to)}\nweight ${shortNumber(weightBetween(from, to))}`;
}

function clickMatrix(x, y, event) {
  const { from, to } = cellAt(x, y);
  if (matrix.moved > 4) return;
  const unit = event.shiftKey || from === undefined ? to : from;
  if (unit !== undefined) choose({ unit });
}

function zoomMatrix(factor, at = [matrix.left + matrix.side / 2, matrix.top + matrix.side / 2]) {
  const span = factor ? Math.min(1, Math.max(matrix.span / factor, 4 / matrix.units.length)) : 1;
  const edges = [matrix.left, matrix.top];
  matrix.start = matrix.start.map((start, axis) => {
    const place = Math.min(Math.max((at[axis] - edges[axis]) / matrix.side, 0), 1);
    return start + place * (matrix.span - span);
  });
  matrix.span = span;
  moveMatrix(0, 0);
}

// By fractions of the visible part.
function moveMatrix(x, y, dragged = false) {
  if (dragged) matrix.moved += (Math.abs(x) + Math.abs(y)) * matrix.side;
  matrix.start = [x, y].map((by, axis) =>
    Math.min(Math.max(matrix.start[axis] + by * matrix.span, 0), 1 - matrix.span));
  redraw();
}

function matrixKeys(event) {
  const arrows = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
  if (event.key === "+" || event.key === "=") zoomMatrix(1.25);
  else if (event.key === "-") zoomMatrix(0.8);
  else if (event.key === "0") zoomMatrix(0);
  else if (event.shiftKey && arrows[event.key]) moveMatrix(...arrows[event.key]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function describeMatrix() {
  const what = showsCondensed() ? "the condensed network" : "the network";
  const zoom = matrix.span < 1 ? `, zoomed ${(1 / matrix.span).toFixed(1)} times` : "";
  return `Weights of ${what}, from ${matrix.units.length} units (rows) to ${matrix.units.length} units (columns)${zoom}`
    + `; ${unitWords(state.unit)} is marked.`;
}
