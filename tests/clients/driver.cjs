// As driver.py, for frameworks of Node: node driver.cjs FOLDER FRAMEWORK stdio COMMAND [ARGUMENT ...] | http URL
// FOLDER holds the framework's node_modules. Prints what worked as one line of JSON.
"use strict";
const { createRequire } = require("node:module");
const [folder, framework, transport, ...rest] = process.argv.slice(2);
const load = createRequire(`${folder}/package.json`);
const CODE = /\b[A-Z2-7]{4}-[A-Z2-7]{4}\b/, UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const STORE = "11111111-1111-4111-8111-111111111111";
const url = transport === "http" ? rest[0] : null, [command, ...args] = rest, env = process.env;

const textOf = (result) =>
  typeof result === "string" ? result
    : Array.isArray(result) ? result.map(textOf).join("\n")
    : result?.content !== undefined ? textOf(result.content)
    : result?.text ?? JSON.stringify(result);

async function typescriptSdk() {
  const { Client } = load("@modelcontextprotocol/sdk/client/index.js");
  const { StdioClientTransport } = load("@modelcontextprotocol/sdk/client/stdio.js");
  const { StreamableHTTPClientTransport } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");
  const client = new Client({ name: "tried", version: "1" });
  await client.connect(url ? new StreamableHTTPClientTransport(new URL(url)) : new StdioClientTransport({ command, args, env }));
  const progress = [];
  const onprogress = (message) => progress.push(message.progress);
  return {
    names: (await client.listTools()).tools.map((tool) => tool.name),
    call: (name, given) => client.callTool({ name, arguments: given }, undefined, { onprogress }),
    progress,
    close: () => client.close(),
  };
}

async function aiSdk() {
  const { createMCPClient } = load("@ai-sdk/mcp");
  const { Experimental_StdioMCPTransport } = load("@ai-sdk/mcp/mcp-stdio");
  const client = await createMCPClient({
    transport: url ? { type: "http", url } : new Experimental_StdioMCPTransport({ command, args, env }),
  });
  const tools = await client.tools();
  return {
    names: Object.keys(tools),
    call: (name, given) => tools[name].execute(given, { toolCallId: "1", messages: [] }),
    progress: [],
    close: () => client.close(),
  };
}

async function langchainJs() {
  const { MultiServerMCPClient } = load("@langchain/mcp-adapters");
  const server = url ? { transport: "http", url } : { transport: "stdio", command, args, env };
  const client = new MultiServerMCPClient({ mcpServers: { backup: server }, prefixToolNameWithServerName: false });
  const tools = Object.fromEntries((await client.getTools()).map((tool) => [tool.name, tool]));
  return { names: Object.keys(tools), call: (name, given) => tools[name].invoke(given), progress: [], close: () => client.close() };
}

async function tries(session) {
  const runs = [], out = { list: String(session.names.length) };
  const call = async (name, given) => {
    const before = session.progress.length;
    let answer;
    try { answer = textOf(await session.call(name, given)); } catch (error) { answer = String(error?.message ?? error); }
    runs.push(session.progress.slice(before));
    return answer;
  };
  const cell = (works, answer) => (works ? "yes" : `NO: ${answer.slice(0, 200)}`);
  const read = await call("list_protection_stores", { limit: 1 });
  out.read = cell(/store/i.test(read), read);
  const jobs = await call("list_protection_jobs", { limit: 1, where: "operational eq 'ACTIVE'" });
  const given = { protectionJobId: UUID.exec(jobs)?.[0] };
  const preview = await call("suspend_protection_job", { ...given, confirm: "preview" });
  const code = CODE.exec(preview)?.[0];
  const done = code ? await call("suspend_protection_job", { ...given, confirm: code }) : preview;
  out.gated = cell(code && /succeeded|SUSPENDED|wait_for_task/.test(done), done);
  const answer = await call("query_catalog", { sql: "SELECT kind, count(*) FROM assets GROUP BY kind" });
  out.catalog = cell(/[Rr]eading goes on|As of /.test(answer), answer);
  const error = await call("get_protection_store", { protectionStoreId: STORE });
  out.error = cell(/404|list_protection_stores/.test(error), error);
  const broken = runs.filter((run) => run.some((value, n) => n > 0 && value <= run[n - 1]));
  out.progress = broken.length ? `NO: ${JSON.stringify(broken)}` : runs.some((run) => run.length) ? "rising" : "not told";
  return out;
}

(async () => {
  let out;
  try {
    const session = await { "typescript-sdk": typescriptSdk, "ai-sdk": aiSdk, "langchain-js": langchainJs }[framework]();
    out = await tries(session);
    await session.close();
  } catch (error) {
    out = { list: `NO: ${String(error?.message ?? error).slice(0, 200)}` };
  }
  process.stdout.write(`RESULT ${JSON.stringify(out)}\n`, () => process.exit(0));
})();
