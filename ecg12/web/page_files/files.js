// Which files belong together: a WFDB header with what it names; every other file is on its own.

const STEM = /\.(hea|mat|dat)$/i;
const LARGEST_HEADER = 2 ** 20;

const stem = (name) => name.replace(STEM, "").toLowerCase();

// Return the names, in small letters, that a header's lines begin with: signal files and segments.
async function namedBy(file) {
  if (file.size > LARGEST_HEADER) return [];
  const text = await file.text().catch(() => ""); // `readable` says so when it is sent
  const lines = text.split(/\r?\n/).filter((line) => line.trim() && line[0] !== "#");
  const [first, ...rest] = lines;
  const isSegmented = /^\S+\/\d+/.test(first ?? "");
  return rest.map((line) => line.trim().split(/\s+/)[0].toLowerCase())
    .map((name) => isSegmented ? `${name}.hea` : name);
}

// Return groups of files, each to be sent in one request, in the order of their first files.
export async function group(files) {
  const parent = new Map(files.map((file) => [file, file]));
  const root = (file) => parent.get(file) === file ? file : root(parent.get(file));
  const byFolder = new Map();
  for (const file of files) {
    const path = file.relativePath ?? file.webkitRelativePath ?? "";
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    if (!byFolder.has(folder)) byFolder.set(folder, []);
    byFolder.get(folder).push(file);
  }
  for (const beside of byFolder.values()) {
    const byName = new Map(beside.map((file) => [file.name.toLowerCase(), file]));
    const byStem = new Map();
    for (const file of beside.filter((one) => STEM.test(one.name))) {
      const other = byStem.get(stem(file.name));
      if (other) parent.set(root(file), root(other)); else byStem.set(stem(file.name), file);
    }
    for (const file of beside.filter((one) => /\.hea$/i.test(one.name))) {
      for (const name of await namedBy(file)) {
        const other = byName.get(name);
        if (other) parent.set(root(other), root(file));
      }
    }
  }
  const groups = new Map();
  for (const file of files) {
    const one = root(file);
    if (!groups.has(one)) groups.set(one, []);
    groups.get(one).push(file);
  }
  return [...groups.values()];
}

// Throw if a file cannot be read, as one that was removed after it was chosen.
export async function readable(file) {
  try {
    if (file.unreadable) throw file.unreadable;
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error(`${file.name}: the browser cannot read it`);
  }
}

// Return the files of a drop, those in folders included.
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = [];
  for (const entry of entries) await collect(entry, "", found);
  return found;
}

// Gather the files of an entry; what cannot be read is an empty file that says so.
async function collect(entry, folder, found) {
  if (entry.name.startsWith(".")) return;
  const relativePath = folder + entry.name;
  try {
    if (entry.isFile) {
      const file = await new Promise((done, failed) => entry.file(done, failed));
      found.push(Object.assign(file, { relativePath }));
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (!some.length) return;
      for (const one of some) await collect(one, `${relativePath}/`, found);
    }
  } catch (unreadable) {
    found.push(Object.assign(new File([], entry.name), { relativePath, unreadable }));
  }
}
