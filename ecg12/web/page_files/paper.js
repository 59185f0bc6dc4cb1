// ECG paper as SVG: one unit is a millimetre, 25 mm to the second and 10 mm to the millivolt.

const SVG = "http://www.w3.org/2000/svg";
const SPEED = 25, GAIN = 10;
const COLUMNS = [["I", "II", "III"], ["aVR", "aVL", "aVF"], ["V1", "V2", "V3"], ["V4", "V5", "V6"]];
export const LEADS = COLUMNS.flat();
const RHYTHM = ["II", "V1", "V5", "I"];
const INDENT = 10, PULSE = "v0h2.5v-10h5v10h2.5";
const GAP = -32768;

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Return lead → millivolts, NaN in gaps.
export function unpack(drawing) {
  const signals = {};
  for (const [lead, text] of Object.entries(drawing.leads)) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    signals[lead] = Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
      const stored = view.getInt16(2 * i, true);
      return stored === GAP ? NaN : stored * drawing.step;
    });
  }
  return signals;
}

// Return what is drawn where: strips of {lead, left, base, from, to} in mm and s, and the size.
function layout(view, drawing, signals) {
  const seconds = drawing.seconds;
  const width = Math.max(265, Math.ceil((INDENT + SPEED * seconds + 5) / 5) * 5);
  if (view === "rows") {
    const leads = [...LEADS, ...Object.keys(signals).filter((lead) => !LEADS.includes(lead))];
    const strips = leads.map((lead, i) => (
      { lead, left: INDENT, base: 20 + 25 * i, from: 0, to: seconds, pulse: true }));
    return { strips, width, height: 15 + 25 * leads.length };
  }
  if (view !== "page") {
    const strips = [{ lead: view, left: INDENT, base: 35, from: 0, to: seconds, pulse: true }];
    return { strips, width, height: 60 };
  }
  const each = seconds > 10 ? seconds / 4 : 2.5;
  const strips = [];
  COLUMNS.forEach((leads, column) => leads.forEach((lead, row) => {
    const from = Math.max(0, Math.min(column * each, seconds - each));
    strips.push({
      lead, left: INDENT + SPEED * each * column, base: 27 + 38 * row, from, to: from + each,
      pulse: column === 0, mark: column > 0,
    });
  }));
  const rhythm = [...RHYTHM, ...Object.keys(signals)].find((lead) => lead in signals) ?? "II";
  strips.push({ lead: rhythm, left: INDENT, base: 141, from: 0, to: seconds, pulse: true });
  return { strips, width, height: 160 };
}

function grid(width, height) {
  const lines = (step) => {
    let d = "";
    for (let x = 0; x <= width; x += step) d += `M${x} 0v${height}`;
    for (let y = 0; y <= height; y += step) d += `M0 ${y}h${width}`;
    return d;
  };
  return [
    element("rect", { class: "edge", width, height }),
    element("path", { class: "fine", d: lines(1) }), element("path", { class: "bold", d: lines(5) }),
  ];
}

function trace(strip, values, rate) {
  const first = Math.round(strip.from * rate), last = Math.min(Math.round(strip.to * rate), values.length - 1);
  let d = "", pen = "M";
  for (let i = first; i <= last; i++) {
    if (Number.isNaN(values[i])) { pen = "M"; continue; }
    const x = strip.left + SPEED * (i - first) / rate;
    d += `${pen}${x.toFixed(2)} ${(strip.base - GAIN * values[i]).toFixed(2)}`;
    pen = "L";
  }
  return element("path", { class: "trace", d });
}

// Return the rectangles behind a strip: weights in percent of stretches between edges in s of the
// whole recording, of which what is drawn begins at `start`.
function tinted(strip, tint, start, top, height) {
  const weights = tint?.map[strip.lead];
  if (!weights) return [];
  const boxes = [];
  weights.forEach((weight, i) => {
    const from = Math.max(tint.edges[i] - start, strip.from), to = Math.min(tint.edges[i + 1] - start, strip.to);
    if (to <= from || weight < 2) return;
    boxes.push(element("rect", {
      class: "tint", "fill-opacity": (0.65 * (weight / 100) ** 0.7).toFixed(3),
      x: (strip.left + SPEED * (from - strip.from)).toFixed(2), y: top,
      width: (SPEED * (to - from)).toFixed(2), height,
    }));
  });
  return boxes;
}

// Return the first place from the left, in mm, at which a name does not cover the trace.
function clearPlace(strip, values, rate, rise) {
  const first = Math.round(strip.from * rate);
  const taken = (place) => {
    const from = first + Math.floor(rate * (place - 1) / SPEED), to = first + Math.ceil(rate * (place + 2.6 * strip.lead.length + 1) / SPEED);
    return values.slice(Math.max(first, from), to).some((value) => GAIN * value > rise - 1 && GAIN * value < rise + 4);
  };
  for (let place = 1.5; place < 20; place += 0.5) if (!taken(place)) return place;
  return 1.5;
}

function strips(drawing, signals, placed, tint, room) {
  const parts = [], names = [];
  for (const strip of placed) {
    const values = signals[strip.lead];
    if (strip.pulse && drawing.to_scale) {
      parts.push(element("path", { class: "trace", d: `M0 ${strip.base}${PULSE}` }));
    }
    if (strip.mark) {
      parts.push(element("path", { class: "trace", d: `M${strip.left} ${strip.base - 7}v2m0 10v2` }));
    }
    if (!values) {
      const state = drawing.silent.includes(strip.lead) ? "no signal" : "absent";
      names.push(element("text", { class: "state", x: strip.left + 1.5, y: strip.base }, `${strip.lead} ${state}`));
      continue;
    }
    parts.unshift(...tinted(strip, tint, drawing.start, strip.base - 0.62 * room, room));
    parts.push(trace(strip, values, drawing.rate));
    const rise = Math.min(13.5, 0.4 * room), place = clearPlace(strip, values, drawing.rate, rise);
    names.push(element("text", { x: strip.left + place, y: strip.base - rise }, strip.lead));
  }
  return [...parts, ...names];
}

// Return a recording on paper. `scale` is CSS millimetres per millimetre of paper.
export function draw(drawing, signals, { view, scale, tint, label }) {
  const { strips: placed, width, height } = layout(view, drawing, signals);
  const room = view === "rows" ? 22 : view === "page" ? 34 : 50;
  const svg = element(
    "svg",
    {
      class: "paper", role: "img", "aria-label": label, viewBox: `0 0 ${width} ${height}`,
      width: `${width * scale}mm`, height: `${height * scale}mm`,
    },
    ...grid(width, height), ...strips(drawing, signals, placed, tint, room),
  );
  svg.style.setProperty("--width", width); // at which it is printed
  svg.style.setProperty("--height", height);
  return svg;
}
