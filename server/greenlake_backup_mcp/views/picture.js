// What the pictures share: asking for their data, and how they say what went wrong.
const picture = (name, draw) => {
  let data, width = 0, reference = {};
  const show = () => { if (data) { width = innerWidth; draw(data); } };
  const load = async () => {
    try {
      const reply = await app.tool("read_view", {view: name, ...reference}, 60);
      if (reply.isError) throw new Error(app.textOf(reply));
      data = reply.structuredContent || {};
      $("demo").hidden = data.demo !== true;
      $("coverage").textContent = text(data.coverage);
      show();
    } catch (problem) { $("summary").textContent = `This picture could not be drawn: ${problem.message}. The assistant has the same in words.`; }
  };
  const remember = values => { for (const key of ["asset", "kind", "timeZone"]) if (text(values?.[key])) reference[key] = text(values[key]); };
  app.on["tool-input"] = call => remember(call.arguments);
  app.on["tool-result"] = result => {
    if (result.isError) { $("summary").textContent = app.textOf(result).slice(0, 300); return; }
    remember(result.structuredContent); load();
  };
  app.on["tool-cancelled"] = () => { $("summary").textContent = "The call was cancelled."; };
  app.on.context = show;
  app.on.resize = () => { if (innerWidth !== width) show(); };
  $("again").addEventListener("click", load);
  $("tell").addEventListener("click", async event => {
    if (!event.isTrusted) return;
    try { await app.request("ui/message", {role: "user", content: [{type: "text", text: $("tell").dataset.words}]}); } catch { $("summary").textContent = "Please ask the assistant in the chat."; }
  });
  app.start(name).catch(problem => { $("summary").textContent = `This picture needs an app that shows MCP Apps (${problem.message}).`; });
};
const table = (place, heads, rows) => {
  const body = el("tbody", {}, ...rows.map(row => el("tr", {}, ...row.map((cell, n) => n ? el("td", {}, cell ?? "") : el("th", {scope: "row"}, cell ?? "")))));
  place.replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, ...heads.map(head => el("th", {scope: "col"}, head)))), body));
};
const cut = (words, most) => words.length > most ? `${words.slice(0, most - 1)}…` : words;
const plural = (count, word) => `${app.number(count)} ${word}${count === 1 ? "" : "s"}`;
const both = (seconds, options) => `${app.moment(seconds, options)} (${app.utc(seconds)})`;
