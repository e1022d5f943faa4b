// Canvases at screen resolution, axes, colours, and the text next to the pointer.

const INK = "#1c1c1c";
const SOFT = "#555555";
const CHOSEN = "#7a3ea8";
const GONE = "#b9b9c0";
const TYPE_COLOURS = { E: "#0077bb", I: "#cc3311", "": "#555555" };
const FONT = "11px system-ui, sans-serif";
const DASHES = [[], [6, 3], [2, 2.5]];
const SEQUENCE = [[68, 1, 84], [65, 68, 135], [42, 120, 142], [34, 148, 130], [70, 176, 90]];

// A drawing that follows the selection and the size of its canvas. `describe` returns it in words.
function makePlot(id, draw, describe) {
  const canvas = document.getElementById(id);
  const context = canvas.getContext("2d");
  const plot = { canvas, context, width: 0, height: 0 };
  function view() {
    const scale = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    Object.assign(plot, { width, height });
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = FONT;
    context.setLineDash([]);
    context.globalAlpha = 1;
    draw(plot);
    canvas.setAttribute("aria-label", describe());
  }
  new ResizeObserver(view).observe(canvas); // at once, or a frame would show the old drawing stretched
  follow(view);
  return plot;
}

function sequenceColour(place) {
  const at = Math.min(Math.max(place, 0), 1) * (SEQUENCE.length - 1);
  const low = Math.min(Math.floor(at), SEQUENCE.length - 2);
  const mix = SEQUENCE[low].map((from, i) => Math.round(from + (at - low) * (SEQUENCE[low + 1][i] - from)));
  return `rgb(${mix})`;
}

// Round numbers that cover a range.
function ticks(low, high, wanted = 4) {
  const rough = (high - low) / wanted;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

function shortNumber(value, digits = 3) {
  if (value === null || Number.isNaN(value)) return "–";
  const text = Math.abs(value) >= 1e4 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(1)
    : String(Number(value.toPrecision(digits)));
  return text.replace("-", "\u2212");
}

// A frame within a plot, its scales, and its axes drawn; [low, high] of both.
function makeFrame(plot, x, y, box, { xName = "", yName = "", yTicks = null, xTicks = null, xTickNames = true } = {}) {
  const { context: c } = plot;
  const widened = widen(y);
  const frame = {
    ...box,
    x: (value) => box.left + ((value - x[0]) / (x[1] - x[0] || 1)) * box.width,
    y: (value) => box.top + box.height - ((value - widened[0]) / (widened[1] - widened[0])) * box.height,
    xOf: (pixel) => x[0] + ((pixel - box.left) / box.width) * (x[1] - x[0]),
  };
  c.strokeStyle = "#88888f";
  c.fillStyle = SOFT;
  c.lineWidth = 1;
  c.beginPath();
  c.moveTo(box.left, box.top);
  c.lineTo(box.left, box.top + box.height);
  c.lineTo(box.left + box.width, box.top + box.height);
  c.textAlign = "center";
  c.textBaseline = "top";
  for (const value of xTicks ?? ticks(x[0], x[1], box.width / 70)) {
    c.moveTo(frame.x(value), box.top + box.height);
    c.lineTo(frame.x(value), box.top + box.height + 3);
    if (xTickNames) c.fillText(shortNumber(value), frame.x(value), box.top + box.height + 5);
  }
  c.textAlign = "right";
  c.textBaseline = "middle";
  for (const value of yTicks ?? ticks(widened[0], widened[1], box.height / 34)) {
    c.moveTo(box.left - 3, frame.y(value));
    c.lineTo(box.left, frame.y(value));
    c.fillText(shortNumber(value), box.left - 5, frame.y(value));
  }
  c.stroke();
  c.textAlign = "center";
  c.textBaseline = "alphabetic";
  if (xName) c.fillText(xName, box.left + box.width / 2, plot.height - 2);
  if (yName) sideways(c, yName, 9, box.top + box.height / 2);
  return frame;
}

function widen([low, high]) {
  if (high > low) return [low - 0.03 * (high - low), high + 0.05 * (high - low)];
  return [low - 0.5, low + 0.5];
}

function sideways(c, words, x, y) {
  c.save();
  c.translate(x, y);
  c.rotate(-Math.PI / 2);
  c.textAlign = "center";
  c.fillText(words, 0, 0);
  c.restore();
}

// A line through the finite points.
function line(c, n, x, y) {
  c.beginPath();
  let drawing = false;
  for (let i = 0; i < n; i++) {
    const at = y(i);
    if (Number.isFinite(at)) {
      if (drawing) c.lineTo(x(i), at);
      else c.moveTo(x(i), at);
    }
    drawing = Number.isFinite(at);
  }
  c.stroke();
}

// Text that stays legible over lines.
function haloed(c, words, x, y) {
  c.save();
  c.strokeStyle = "#fff";
  c.lineWidth = 3;
  c.lineJoin = "round";
  c.strokeText(words, x, y);
  c.restore();
  c.fillText(words, x, y);
}

function note(plot, words) {
  const { context: c } = plot;
  c.fillStyle = SOFT;
  c.textAlign = "center";
  let row = plot.height / 2 - 8;
  let text = "";
  for (const word of words.split(" ")) {
    if (c.measureText(text + word).width > plot.width - 40) {
      c.fillText(text, plot.width / 2, row);
      text = "";
      row += 15;
    }
    text += word + " ";
  }
  c.fillText(text, plot.width / 2, row);
}

const tip = document.getElementById("tip");

function showTip(event, words) {
  tip.style.display = words ? "block" : "none";
  if (!words) return;
  tip.textContent = words;
  const right = event.clientX + 14 + tip.offsetWidth > window.innerWidth;
  tip.style.left = `${right ? event.clientX - tip.offsetWidth - 10 : event.clientX + 14}px`;
  tip.style.top = `${Math.min(event.clientY + 14, window.innerHeight - tip.offsetHeight - 4)}px`;
}

// Text next to the pointer, and the action of a click; both receive the position in the canvas.
function point(plot, words, click) {
  const at = (event) => {
    const box = plot.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  plot.canvas.addEventListener("mousemove", (event) => showTip(event, event.buttons ? "" : words(...at(event))));
  plot.canvas.addEventListener("mouseleave", (event) => showTip(event, ""));
  if (click) plot.canvas.addEventListener("click", (event) => click(...at(event), event));
  return at;
}
