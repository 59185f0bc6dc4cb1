// The page: sends files to the service, lists its answers, and shows one of them.
import { dropped, group, readable } from "./files.js";
import { LEADS, draw, unpack } from "./paper.js";

const $ = (id) => document.getElementById(id);
const AT_ONCE = 3; // requests in progress
const NEXT = 3; // negative classes shown besides the diagnoses
const ZOOMS = [0.25, 0.33, 0.5, 0.67, 0.75, 1, 1.25, 1.5, 2, 3, 4];
const STEP = { N: 1, P: -1 }; // keys that go to another part of the recording
const FAR = 99; // percentile of the distance from the training recordings that is mentioned
const VERDICTS = { good: 0, usable: 1, unusable: 2 };

const state = {
  rows: [], // {name, files, from, state, recording, drawing, csv, reason, sent, part, parts}
  sort: { key: "name", direction: "none" },
  current: null, every: false, view: "page", zoom: 1, screen: 1, tint: false, tintClass: "",
  token: "", model: null, notice: "", added: 0,
  sending: new AbortController(), // of the requests of all rows
};

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && key !== "list") made[key] = value; else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const chip = (kind, text) => make("span", { className: `chip ${kind}` }, text);
const number = (value) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
// Never 100 % nor 0 %, which a probability is not.
const percent = (value) => value === null ? "unknown" : value > 0.99 ? "> 99 %" : value < 0.001 ? "< 0.1 %" : number(value);
const short = (value) => String(+value.toFixed(1));
const say = (text) => { $("status").textContent = text; };

function complain(text) {
  $("errors").replaceChildren(...(text ? [make("p", {}, text)] : []));
}

// The service.

async function ask(path, options = {}) {
  const headers = state.token ? { Authorization: `Bearer ${state.token}` } : {};
  const answer = await fetch(path, { ...options, headers, cache: "no-store", credentials: "omit" });
  if (answer.status === 401) {
    $("token-form").hidden = false;
    $("token").focus();
  }
  return answer;
}

async function learn() {
  const answer = await ask("v1/model");
  if (!answer.ok) return;
  state.model = await answer.json();
  state.notice = state.model.notice;
  $("token-form").hidden = true;
  $("reads").textContent = `Formats: ${state.model.formats.join(", ")}.`;
  const most = Math.floor(state.model.limits.request_bytes / 2 ** 20);
  $("formats").textContent = `Files are sent to this service only, and are not kept. Up to ${most} MB for one recording.`;
}

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function predict(files, include = "signals,csv,failures", start = 0) {
  const { signal } = state.sending;
  await Promise.all(files.map(readable));
  const most = state.model?.limits.request_bytes ?? Infinity;
  if (files.reduce((sum, file) => sum + file.size, 0) > most) {
    throw new Error(`larger than ${Math.floor(most / 2 ** 20)} MB, the most that is read`);
  }
  const body = new FormData();
  body.append("include", include);
  if (start) body.append("start", start);
  if (state.model?.coverage) body.append("coverage", state.model.coverage);
  for (const name of ["rate", "unit", "leads"]) if ($(name).value.trim()) body.append(name, $(name).value);
  for (const file of files) body.append("file", file, file.name);
  for (let tries = 0; ; tries++) {
    const answer = await ask("v1/predict", { method: "POST", body, signal });
    if ((answer.status === 429 || answer.status === 503) && tries < 5) {
      await wait(1000 * (Number(answer.headers.get("Retry-After")) || 1));
      continue;
    }
    const result = parsed(await answer.text(), answer.status);
    if (result.error) throw new Error(result.error);
    return result;
  }
}

// What stands between, such as a proxy, may answer in the service's place.
function parsed(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    return { error: `no answer of the service, but status ${status}` };
  }
}

// The list.

async function take(files) {
  const usable = files.filter((file) => !file.name.startsWith("."));
  if (!usable.length) return;
  complain("");
  const rows = (await group(usable)).map((own) => ({
    name: own[0].name, files: own, state: "waiting", order: state.added++,
  }));
  state.rows.push(...rows);
  $("empty").hidden = true;
  $("list").hidden = false;
  list();
  await send(rows);
}

async function send(rows) {
  const left = [...rows];
  const work = async () => {
    for (let row = left.shift(); row; row = left.shift()) await sendOne(row);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const kept = rows.filter(isListed);
  if (!kept.length) return;
  const failed = kept.filter((row) => row.state === "failed").length;
  say(`${kept.length - failed} predicted, ${failed} without a prediction.`);
}

const isListed = (row) => state.rows.includes(row); // until all are cleared

async function sendOne(row) {
  if (!isListed(row)) return;
  row.state = "sending";
  list();
  try {
    const answer = await predict(row.files);
    if (isListed(row)) fill(row, answer);
  } catch (error) {
    const lost = error instanceof TypeError;
    Object.assign(row, { state: "failed", reason: lost ? "the service did not answer" : error.message });
  }
  if (!isListed(row)) return;
  list();
  if (!state.current || state.current === row) show(row, false);
}

// Put an answer into its row; further recordings of it get rows of their own, in place of those of
// an earlier answer.
function fill(row, answer) {
  state.notice = answer.notice;
  const done = answer.recordings.map((recording, i) => ({
    name: recording.source, state: "done", recording, drawing: answer.signals[i],
    sent: row.files, part: 0, parts: new Map([[0, answer.signals[i]]]),
  }));
  const failed = answer.failures.map((failure) => ({
    name: failure.source, state: "failed", reason: failure.reason, failure,
  }));
  const found = [...done, ...failed];
  if (found.length === 1 && row.files.length) done.forEach((one) => { one.explainable = true; });
  if (!found.length) found.push({ name: row.name, state: "failed", reason: "no recording in it" });
  Object.assign(row, { reason: "", failure: undefined, csv: answer.csv }, found[0]);
  if (state.current?.from === row) state.current = null;
  state.rows = state.rows.filter((one) => one.from !== row);
  const more = found.slice(1).map((one, i) => ({ ...one, files: [], from: row, order: row.order + (i + 1) / 1000 }));
  state.rows.splice(state.rows.indexOf(row) + 1, 0, ...more);
}

const KEYS = {
  name: (row) => row.name.toLowerCase(),
  diagnoses: (row) => row.recording ? row.recording.diagnoses.join(", ").toLowerCase() || "~" : "~~",
  quality: (row) => row.recording ? VERDICTS[row.recording.quality.verdict] : 3,
};

function sorted() {
  const { key, direction } = state.sort;
  const rows = [...state.rows];
  if (direction === "none") return rows.sort((a, b) => a.order - b.order);
  const of = KEYS[key], sign = direction === "ascending" ? 1 : -1;
  const compare = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
  return rows.sort((a, b) => sign * compare(of(a), of(b)) || a.order - b.order);
}

function list() {
  const body = $("recordings").tBodies[0];
  const focused = document.activeElement?.closest?.("#recordings tbody tr")?.row;
  body.replaceChildren(...sorted().map(listed));
  if (focused) [...body.rows].find((line) => line.row === focused)?.querySelector("button").focus();
  const done = state.rows.filter((row) => row.state === "done" || row.state === "failed").length;
  $("progress").max = Math.max(1, state.rows.length);
  $("progress").value = done;
  $("progress-text").textContent = `${done} of ${state.rows.length} done`;
  $("progress-box").hidden = done === state.rows.length;
  $("again").hidden = !state.rows.some((row) => row.state === "failed" && row.files.length);
  for (const id of ["download-json", "download-csv"]) $(id).disabled = !done;
}

function listed(row) {
  const line = make("tr", { className: row === state.current ? "current" : "" });
  line.row = row;
  const button = make("button", { type: "button", onclick: () => show(row, true) }, row.name);
  if (row === state.current) button.setAttribute("aria-current", "true");
  const quality = row.recording?.quality.verdict;
  line.append(
    make("th", { scope: "row" }, button),
    make("td", {}, row.recording ? row.recording.diagnoses.join(", ") || "none" : "–"),
    make("td", {}, quality ? chip(quality, quality) : row.state === "failed"
      ? chip("failed", "failed") : chip("plain", row.state)),
  );
  return line;
}

// One recording.

function show(row, focus) {
  state.current = row;
  list();
  const { recording } = row;
  $("detail").hidden = !recording;
  $("empty").hidden = true;
  const named = row.reason?.startsWith(row.name) ? row.reason : `${row.name}: ${row.reason}`;
  complain(row.state === "failed" ? `No prediction. ${named}` : "");
  if (row.state === "failed") needsArray(row.reason);
  if (!recording) return;
  $("title").textContent = recording.source;
  document.title = `${recording.source} – ecg12`;
  facts(row);
  findings();
  signal(recording);
  views(row);
  timeline(row);
  explained(row);
  paper();
  if (focus) $("title").focus();
}

function needsArray(reason) {
  if (/--rate|\brate\b.*(unit|leads)|unit|leads=/.test(reason)) $("array").open = true;
}

function facts({ recording, parts }) {
  const { heart_rate: rate, length } = parts.get(0) ?? {};
  const used = length > recording.seconds + 0.05
    ? `the first ${short(recording.seconds)} s of ${clock(length)} used` : `${recording.seconds.toFixed(1)} s used`;
  $("facts").textContent = [rate ? `${rate} beats/min` : "", `${recording.rate} Hz`, used].filter(Boolean).join(" · ");
  const found = recording.classes.filter((entry) => entry.positive).sort((a, b) => b.score - a.score);
  const chips = found.map((entry) => chip("found", entry.name));
  $("summary").replaceChildren(...(chips.length ? chips : [chip("plain", "none of the known diagnoses")]));
  $("print-foot").textContent = `ecg12 ${state.model?.version ?? ""}, model ${state.model?.model ?? ""}, printed ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC.`;
}

function findings() {
  const { recording } = state.current;
  const ranked = [...recording.classes].sort((a, b) => b.positive - a.positive || b.score - a.score);
  const found = ranked.filter((entry) => entry.positive).length;
  const open = ranked.slice(found + NEXT).filter((entry) => ["yes", "uncertain"].includes(entry.answer));
  const shown = state.every ? ranked : [...ranked.slice(0, found + NEXT), ...open];
  $("none").hidden = found > 0;
  $("findings").tBodies[0].replaceChildren(...shown.map(finding));
  $("every").textContent = state.every ? "Show fewer classes" : `Show all ${ranked.length} classes`;
  $("every").setAttribute("aria-expanded", state.every);
  $("legend").textContent = "Probability: calibrated score. Decision: yes where more than half of the networks "
    + "exceed their threshold, which is low for rare classes. "
    + (recording.coverage ? `Certain: the prediction set at a coverage of ${percent(recording.coverage)} holds this decision alone; no mark: too few examples. ` : "")
    + "Only these classes are known; what is not among them cannot be found.";
}

function finding(entry) {
  const bar = make("span", { className: "track", ariaHidden: "true" }, make("span"));
  bar.firstChild.style.width = `${100 * (entry.probability ?? 0)}%`;
  const decision = entry.positive ? "yes" : "no";
  const sure = certainty(entry);
  return make(
    "tr", { className: entry.positive ? "positive" : "" },
    make("th", { scope: "row" }, make("span", { className: "short" }, entry.abbreviation), entry.name),
    make("td", {}, make("div", { className: "probability" }, percent(entry.probability), bar)),
    make("td", {}, `${decision} `, sure ? chip(sure, sure) : null,
      make("div", { className: "small" }, `${entry.votes} of ${entry.thresholds.length} votes`)),
  );
}

// Return "certain" if the prediction set holds the decision alone, else "uncertain"; nothing where
// the model promises nothing of the class.
function certainty(entry) {
  if (!entry.answer) return "";
  return entry.answer === (entry.positive ? "yes" : "no") ? "certain" : "uncertain";
}

function signal({ quality, ood_percentile: far }) {
  $("verdict").replaceChildren(chip(quality.verdict, quality.verdict));
  const unlike = far > FAR ? [`unlike the training recordings: farther from them than ${far} % of others`] : [];
  $("reasons").replaceChildren(...[...quality.reasons, ...quality.warnings, ...unlike].map((text) => make("li", {}, text)));
  const lines = [
    ["Leads used", quality.used], ["Derived", quality.derived], ["Absent", quality.absent],
    ["Ignored", quality.ignored],
  ].map(([name, leads]) => [name, leads.length === 12 ? "all 12" : leads.join(", ") || "none"]);
  if (quality.missing > 0) lines.push(["Missing samples", number(quality.missing)]);
  $("lead-facts").replaceChildren(...lines.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}

function views({ drawing }) {
  const leads = Object.keys(drawing?.leads ?? {});
  const ordered = [...LEADS.filter((lead) => leads.includes(lead)), ...leads.filter((lead) => !LEADS.includes(lead))];
  const options = [["page", "12 leads, 3 × 4"], ["rows", "All leads, 10 s each"], ...ordered.map((lead) => [lead, `Lead ${lead}`])];
  if (!options.some(([value]) => value === state.view)) state.view = "page";
  $("view").replaceChildren(...options.map(([value, text]) => make("option", { value, selected: value === state.view }, text)));
}

// Time. A long recording is shown ten seconds at a time; diagnoses, signal and explanation are of
// its beginning, whatever is shown.

function clock(seconds) {
  const h = Math.floor(seconds / 3600), min = Math.floor(seconds / 60) % 60, s = short(seconds % 60);
  return `${h ? `${h} h ` : ""}${h || min ? `${min} min ` : ""}${s} s`;
}

const lastPart = ({ length, seconds }) => length > seconds ? Math.ceil(length / seconds - 1e-9) - 1 : 0;
const startOf = (part, { length, seconds }) => Math.min(part * seconds, length - seconds);

// Show what is chosen of the time, before it is there.
function timeline({ recording, part, parts }) {
  const whole = parts.get(0) ?? {}, last = lastPart(whole);
  for (const id of ["time", "part-note"]) $(id).hidden = !last;
  if (!last) return "";
  const start = startOf(part, whole);
  const text = `${clock(start)} to ${clock(start + whole.seconds)} of ${clock(whole.length)}`;
  $("span").textContent = text;
  $("part").max = last;
  $("part").value = part;
  $("part").setAttribute("aria-valuetext", text);
  $("earlier").setAttribute("aria-disabled", part === 0);
  $("later").setAttribute("aria-disabled", part === last);
  const note = `The diagnoses are those of the first ${short(recording.seconds)} s${part ? ", not of what is shown" : ""}.`;
  $("part-note").textContent = note;
  return `${text}. ${note}`;
}

async function turn(part) {
  const row = state.current, whole = row.parts.get(0) ?? {};
  const before = row.part;
  row.part = Math.max(0, Math.min(lastPart(whole), part));
  const wanted = row.part;
  if (wanted === before) return;
  const text = timeline(row);
  try {
    if (!row.parts.has(wanted)) {
      const answer = await predict(row.sent, "signals,failures", startOf(wanted, whole));
      const place = answer.recordings.findIndex((one) => one.source === row.recording.source);
      if (place < 0) throw new Error("no longer read");
      row.parts.set(wanted, answer.signals[place]);
    }
  } catch (error) {
    if (!isListed(row)) return;
    complain(`This part is not shown: ${error instanceof TypeError ? "the service did not answer" : error.message}`);
    if (row.part === wanted) row.part = before;
  }
  if (row.part !== wanted && row.part !== before) return; // another was chosen meanwhile
  Object.assign(row, { drawing: row.parts.get(row.part), signals: null });
  if (state.current !== row) return;
  timeline(row);
  views(row);
  paper();
  if (row.part === wanted) say(text);
}

// The explanation is made when it is first asked for: it takes seconds.
async function explain(row) {
  if (row.explanation || row.explaining) return;
  row.explaining = true;
  explained(row);
  say("The explanation is being made.");
  try {
    row.explanation = (await predict(row.files, "explanation,failures")).explanation ?? {};
    say("The explanation is shown.");
  } catch (error) {
    if (!isListed(row)) return;
    state.tint = false;
    complain(`No explanation: ${error.message}`);
  }
  row.explaining = false;
  if (state.current === row) { explained(row); paper(); }
}

function explained(row) {
  $("tint-tools").hidden = !(row.explainable && row.recording.diagnoses.length);
  $("tint").textContent = row.explaining ? "Explaining …" : "Explanation";
  $("tint").setAttribute("aria-busy", Boolean(row.explaining));
  const classes = Object.keys(row.explanation ?? {});
  $("tint-class").hidden = !classes.length;
  if (!classes.includes(state.tintClass)) state.tintClass = classes[0] ?? "";
  $("tint-class").replaceChildren(...classes.map((name) => make("option", { value: name, selected: name === state.tintClass }, name)));
}

function paper() {
  const { recording, drawing, explanation } = state.current;
  if (state.tint && state.current.explainable && recording.diagnoses.length) explain(state.current);
  const tint = state.tint ? explanation?.[state.tintClass] : null;
  $("tint").setAttribute("aria-pressed", state.tint);
  $("tint-legend").hidden = !tint;
  if (tint) {
    $("tint-legend").replaceChildren(make("span", { className: "key" }),
      `${state.tintClass} ${tint.summary ?? `rests on ${tint.top_leads.join(", ")}`}. `
      + "The darker, the more its score falls without that part of the recording."
      + (drawing?.start >= tint.edges.at(-1) ? " What is shown is not among it." : ""));
  }
  $("zoom").textContent = `${Math.round(100 * state.zoom)} %`;
  if (!drawing || drawing.reason) {
    $("paper").replaceChildren();
    $("paper-note").hidden = false;
    $("paper-note").textContent = `Not drawn: ${drawing?.reason ?? "no signals"}`;
    $("paper-foot").textContent = "";
    return;
  }
  state.current.signals ??= unpack(drawing);
  const stretch = `${short(drawing.start)}–${short(drawing.start + drawing.seconds)} s`;
  const label = `12-lead ECG of ${recording.source}, ${stretch}. ${recording.diagnoses.length
    ? `Diagnoses: ${recording.diagnoses.join(", ")}.` : "None of the known diagnoses."}`;
  const options = { view: state.view, scale: state.zoom * state.screen, tint, label };
  $("paper").replaceChildren(draw(drawing, state.current.signals, options));
  $("paper-note").hidden = !drawing.amplitude_note;
  $("paper-note").textContent = drawing.to_scale
    ? `Unusual amplitude, drawn to scale: ${drawing.amplitude_note}.`
    : `Amplitude not to scale: ${drawing.amplitude_note}; drawn at a typical size.`;
  const gain = drawing.to_scale ? "10 mm/mV" : "amplitude not to scale";
  const rate = drawing.heart_rate ? ` · ${drawing.heart_rate} beats/min` : "";
  $("paper-foot").textContent = `25 mm/s · ${gain} · ${drawing.filtered} · ${drawing.rate} Hz · ${stretch}${rate}`;
  $("ruler").style.width = `${50 * state.screen}mm`;
}

function zoom(step) {
  const near = ZOOMS.findIndex((one) => one >= state.zoom - 1e-9);
  const place = step > 0 && ZOOMS[near] > state.zoom + 1e-9 ? near : near + step;
  state.zoom = ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, place < 0 ? ZOOMS.length - 1 : place))];
  paper();
}

function fit() {
  const box = $("paper"), svg = box.querySelector("svg");
  if (!svg) return;
  const scale = (box.clientWidth - 2) / (svg.getBoundingClientRect().width / state.zoom);
  state.zoom = Math.max(0.2, Math.min(4, Math.floor(100 * scale) / 100));
  paper();
}

// Downloads.

function download(name, kind, text) {
  const address = URL.createObjectURL(new Blob([text], { type: kind }));
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  URL.revokeObjectURL(address);
}

function downloadJson() {
  const rows = sorted();
  const answer = {
    notice: state.notice,
    recordings: rows.flatMap((row) => row.recording ?? []),
    failures: rows.flatMap((row) => row.state === "failed" ? { source: row.name, reason: row.reason } : []),
  };
  download("ecg12.json", "application/json", `${JSON.stringify(answer, null, 1)}\n`);
}

function downloadCsv() {
  const tables = sorted().filter((row) => row.csv).map((row) => row.csv);
  const head = tables[0]?.slice(0, tables[0].indexOf("\n") + 1) ?? "";
  download("ecg12.csv", "text/csv", head + tables.map((text) => text.slice(head.length)).join(""));
}

// Events.

function chosen(input) {
  const files = [...input.files];
  input.value = "";
  take(files);
}

function connect() {
  $("choose").onclick = () => $("files").click();
  $("choose-folder").onclick = () => $("folder").click();
  for (const id of ["files", "folder"]) $(id).onchange = () => chosen($(id));
  for (const kind of ["dragenter", "dragover"]) {
    addEventListener(kind, (event) => { event.preventDefault(); $("drop").classList.add("over"); });
  }
  for (const kind of ["dragleave", "drop"]) addEventListener(kind, () => $("drop").classList.remove("over"));
  addEventListener("drop", async (event) => { event.preventDefault(); take(await dropped(event.dataTransfer)); });
  $("token-form").onsubmit = async (event) => {
    event.preventDefault();
    state.token = $("token").value;
    await learn();
    complain(state.model ? "" : "This is not the token of the service.");
    if (state.model) $("choose").focus();
  };
  $("again").onclick = () => send(state.rows.filter((row) => row.state === "failed" && row.files.length));
  $("clear").onclick = () => {
    state.sending.abort();
    Object.assign(state, { rows: [], current: null, sending: new AbortController() });
    for (const id of ["list", "detail"]) $(id).hidden = true;
    $("empty").hidden = false;
    document.title = "ecg12";
    complain("");
    $("choose").focus();
  };
  for (const head of $("recordings").tHead.rows[0].cells) head.firstChild.onclick = () => sortBy(head);
  $("download-json").onclick = downloadJson;
  $("download-csv").onclick = downloadCsv;
  $("print").onclick = () => print();
  $("every").onclick = () => { state.every = !state.every; findings(); };
  $("view").onchange = () => { state.view = $("view").value; paper(); };
  $("zoom-in").onclick = () => zoom(1);
  $("zoom-out").onclick = () => zoom(-1);
  $("zoom-fit").onclick = fit;
  $("zoom-true").onclick = () => { state.zoom = 1; paper(); };
  $("paper").onkeydown = (event) => {
    const act = { "+": () => zoom(1), "-": () => zoom(-1), 0: () => { state.zoom = 1; paper(); } }[event.key];
    const step = STEP[event.key.toUpperCase()];
    if (event.ctrlKey || event.metaKey || event.altKey || !(act || step)) return;
    event.preventDefault();
    if (act) act(); else turn(state.current.part + step);
  };
  $("earlier").onclick = () => turn(state.current.part - 1);
  $("later").onclick = () => turn(state.current.part + 1);
  $("part").onchange = () => turn(Number($("part").value));
  $("tint").onclick = () => { state.tint = !state.tint; paper(); };
  $("tint-class").onchange = () => { state.tintClass = $("tint-class").value; paper(); };
  $("scale").oninput = () => { state.screen = $("scale").value / 100; paper(); };
}

function sortBy(head) {
  const key = head.firstChild.dataset.key;
  const again = state.sort.key === key && state.sort.direction === "ascending";
  state.sort = { key, direction: again ? "descending" : "ascending" };
  for (const other of head.parentElement.cells) {
    other.setAttribute("aria-sort", other === head ? state.sort.direction : "none");
  }
  list();
}

connect();
learn().catch(() => complain("The service does not answer."));
