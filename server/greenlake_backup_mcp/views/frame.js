"use strict";
// What every view has: JSON-RPC 2.0 with the app that shows it (MCP Apps 2026-01-26), its theme, its size; and the DOM.
const $ = id => document.getElementById(id);
const fill = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
  node.append(...children.filter(child => child !== undefined && child !== "").map(child => child instanceof Node ? child : String(child)));
  return node;
};
const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const shape = (tag, attributes = {}, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const list = (value, most = 500) => Array.isArray(value) ? value.slice(0, most) : [];
const text = value => typeof value === "string" || typeof value === "number" ? String(value) : "";

const app = (() => {
  const waiting = new Map(), on = {};
  let last = 0, height = 0, locale, zone;
  const post = message => parent.postMessage({jsonrpc: "2.0", ...message}, "*");  // who embeds us is unknown by design
  const notify = (method, params = {}) => post({method, params});
  const request = (method, params, seconds = 30) => new Promise((resolve, reject) => {
    const id = ++last;
    const timer = seconds && setTimeout(() => { waiting.delete(id); reject(new Error("the app does not answer")); }, seconds * 1000);
    waiting.set(id, message => {
      clearTimeout(timer); waiting.delete(id);
      if (message.error) reject(new Error(text(message.error.message) || "refused")); else resolve(message.result || {});
    });
    post({id, method, params});
  });
  const resize = () => {
    const root = document.documentElement, before = root.style.height;
    root.style.height = "max-content";
    const now = Math.ceil(root.getBoundingClientRect().height);
    root.style.height = before;
    if (now !== height) { height = now; notify("ui/notifications/size-changed", {width: Math.ceil(innerWidth), height}); }
  };
  const context = changes => {  // partial: what is not in it stays
    const root = document.documentElement, colours = changes.styles?.variables || {};
    if (changes.theme === "light" || changes.theme === "dark") root.style.colorScheme = changes.theme;
    const pair = ["--color-background-primary", "--color-text-primary"].every(name => typeof colours[name] === "string");
    if (pair) root.dataset.host = "";  // a background of the app's with a text colour of ours might not be read
    for (const [name, value] of Object.entries(colours))
      if (typeof value === "string" && (/^--font-[a-z0-9-]+$/.test(name) || pair && /^--color-(background|text)-primary$/.test(name))) root.style.setProperty(name, value);
    try { if (changes.locale) locale = new Intl.Locale(changes.locale).toString(); } catch {}
    try { if (changes.timeZone) zone = new Intl.DateTimeFormat("en", {timeZone: changes.timeZone}).resolvedOptions().timeZone; } catch {}
    on.context?.(changes);
  };
  addEventListener("message", event => {
    const message = event.data;
    if (event.source !== parent || message?.jsonrpc !== "2.0") return;  // only the frame that embeds us
    if (message.method === undefined) waiting.get(message.id)?.(message);
    else if (message.id !== undefined) {
      const known = ["ping", "ui/resource-teardown"].includes(message.method);
      post({id: message.id, ...(known ? {result: {}} : {error: {code: -32601, message: "Method not found"}})});
    } else if (message.method === "ui/notifications/host-context-changed") context(message.params || {});
    else if (message.method.startsWith("ui/notifications/")) on[message.method.slice(17)]?.(message.params || {});
  });
  return {
    on, request, notify, resize,
    tool: (name, args, seconds) => request("tools/call", {name, arguments: args}, seconds),
    textOf: result => list(result.content).filter(part => part?.type === "text").map(part => text(part.text)).join("\n"),
    number: value => new Intl.NumberFormat(locale, {maximumFractionDigits: 1}).format(value),
    // a moment (seconds since 1970) in the person's zone; `utc` beside it
    moment: (seconds, options = {dateStyle: "medium", timeStyle: "short"}) =>
      new Intl.DateTimeFormat(locale, {...options, timeZone: zone}).format(seconds * 1000),
    utc: seconds => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC",
    async start(name) {
      const about = {protocolVersion: "2026-01-26", appInfo: {name, version: "__VERSION__"}, appCapabilities: {availableDisplayModes: ["inline"]}};
      const answer = await request("ui/initialize", about);
      context(answer.hostContext || {});
      notify("ui/notifications/initialized");
      resize();
      new ResizeObserver(() => requestAnimationFrame(() => { resize(); on.resize?.(); })).observe(document.body);
    },
  };
})();
