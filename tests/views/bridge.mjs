// A host on AppBridge of @modelcontextprotocol/ext-apps: an independent reading of the specification.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

const ask = async (what, body = {}) => JSON.parse(await hostCall(what, JSON.stringify(body)));
const frame = document.querySelector("iframe"), view = await ask("view");
const bridge = new AppBridge(null, { name: "bridge", version: "1" }, { serverTools: {} }, { hostContext: view.context });
bridge.oncalltool = async asked => { const reply = await ask("call", asked); if (reply.problem) throw new Error(reply.problem); return reply; };
bridge.onmessage = async asked => ask("ui/message", asked);
bridge.onupdatemodelcontext = async asked => ask("ui/update-model-context", asked);
bridge.addEventListener("sizechange", size => { if (size.height) frame.style.height = `${size.height}px`; });
bridge.addEventListener("sandboxready", () => bridge.sendSandboxResourceReady({ html: view.html, sandbox: "allow-scripts" }));
bridge.addEventListener("initialized", async () => { await bridge.sendToolInput({ arguments: view.toolInput }); await bridge.sendToolResult(view.toolResult); });
window.tell = (method, params) => bridge.setHostContext({ ...view.context, ...params });
window.demand = (method, params) => bridge.teardownResource(params).then(result => ({ result }));
await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
frame.src = view.box;
