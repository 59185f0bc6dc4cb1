// The description of the service, from its OpenAPI document.

const make = (tag, text, ...children) => {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
};

function table(caption, heads, rows) {
  const made = make("table", "", make("caption", caption));
  made.append(make("thead", "", make("tr", "", ...heads.map((head) => {
    const cell = make("th", head);
    cell.scope = "col";
    return cell;
  }))));
  made.append(make("tbody", "", ...rows.map(([first, ...rest]) => {
    const name = make("th", "", make("code", first));
    name.scope = "row";
    return make("tr", "", name, ...rest.map((text) => make("td", text)));
  })));
  const box = make("div", "", made);
  box.className = "scroll";
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", caption);
  return box;
}

function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.type === "array") return `list of ${kind(schema.items)}`;
  return [].concat(schema.type).join(" | ");
}

function operation(path, method, described) {
  const section = make("section", "", make("h2", `${method.toUpperCase()} ${path}`), make("p", described.description ?? described.summary));
  const form = described.requestBody?.content["multipart/form-data"].schema.properties;
  if (form) {
    section.append(table("Parts of the request", ["Part", "Meaning"],
      Object.entries(form).map(([name, schema]) => [name, schema.description])));
  }
  section.append(table(`Answers of ${method.toUpperCase()} ${path}`, ["Status", "Meaning"],
    Object.entries(described.responses).map(([status, one]) => [status, one.description])));
  return section;
}

const answer = await fetch("openapi.json", { credentials: "omit" });
const described = await answer.json();
const here = new URL("./", location.href).href;
document.getElementById("example").textContent =
  `curl -F file=@A0001.hea -F file=@A0001.mat ${here}v1/predict`;
document.getElementById("operations").append(...Object.entries(described.paths).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, one]) => operation(path, method, one))));
document.getElementById("schemas").append(...Object.entries(described.components.schemas).map(
  ([name, schema]) => table(name, ["Key", "Type"],
    Object.entries(schema.properties).map(([key, one]) => [key, kind(one)]))));
