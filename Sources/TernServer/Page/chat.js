// The conversation: what is typed goes to /v1/chat/completions with all that was said before, and
// the answer is shown as it comes. Text of users and models only ever becomes text nodes.

import { events, request } from "./stream.js";
import { watch } from "./strip.js";

const element = (id) => document.getElementById(id);
const [talk, log, composer, input] = ["talk", "log", "composer", "message"].map(element);

let model = "";
let messages = [];
// Ends the answer that is coming; null while there is none.
let running = null;

// Builds an element with a class and a text.
function make(tag, name = "", text = "") {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.textContent = text;
    return made;
}

function show(role, name, text = "") {
    const article = make("article", role);
    const body = make("p", "text", text);
    const footer = make("footer");
    article.append(make("h2", "", name), body, footer);
    element("blank").hidden = true;
    log.append(article);
    talk.scrollTop = talk.scrollHeight;
    return { article, body, footer };
}

// What was set; what was left empty is the model's.
function parameters() {
    const set = {};
    for (const name of ["temperature", "top_p", "max_tokens", "seed"]) {
        if (element(name).value !== "") set[name] = element(name).valueAsNumber;
    }
    return set;
}

function setRunning(controller) {
    running = controller;
    element("send").hidden = running !== null;
    element("stop").hidden = running === null;
}

function copyButton(body) {
    const button = make("button", "quiet", "Copy");
    button.type = "button";
    button.onclick = async () => {
        try {
            await navigator.clipboard.writeText(body.textContent);
            button.textContent = "Copied";
        } catch {
            // Only pages of this machine or of https may write the clipboard: select the text.
            getSelection().selectAllChildren(body);
            button.textContent = "Selected";
        }
        setTimeout(() => (button.textContent = "Copy"), 1500);
    };
    return button;
}

// The pace of an answer, from its first token on.
class Pace {
    begin = performance.now();
    first = 0;
    last = 0;
    tokens = 0;

    count() {
        this.last = performance.now();
        this.first ||= this.last;
        this.tokens += 1;
    }

    get text() {
        if (!this.tokens) return "no tokens";
        // Tokens that come together in a moment tell nothing of a pace.
        const seconds = (this.last - this.first) / 1000;
        const rate = seconds > 0.02 ? (this.tokens - 1) / seconds : 0;
        const parts = [`${this.tokens} ${this.tokens === 1 ? "token" : "tokens"}`];
        if (rate) parts.push(`${rate >= 100 ? Math.round(rate) : rate.toFixed(1)} tokens/s`);
        parts.push(`first after ${Math.round(this.first - this.begin)} ms`);
        return parts.join(" · ");
    }
}

// Streams one answer into an article; gives its text, and why it ended.
async function stream(conversation, view, pace, signal) {
    const answer = await request("v1/chat/completions", {
        signal,
        body: {
            model, messages: conversation, stream: true,
            stream_options: { include_usage: true }, ...parameters(),
        },
    });
    const text = view.body.appendChild(document.createTextNode(""));
    let ending = "";
    for await (const data of events(answer)) {
        if (data === "[DONE]") break;
        const chunk = JSON.parse(data);
        if (chunk.error) throw new Error(chunk.error.message);
        const choice = chunk.choices[0];
        if (choice?.delta?.content) {
            pace.count();
            const follows = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
            text.appendData(choice.delta.content);
            view.stats.textContent = pace.text;
            if (follows) talk.scrollTop = talk.scrollHeight;
        }
        ending = choice?.finish_reason ?? ending;
        if (chunk.usage) pace.tokens = chunk.usage.completion_tokens;
    }
    return ending;
}

async function answer(text) {
    const system = element("system").value.trim();
    const said = [...messages, { role: "user", content: text }];
    const conversation = system ? [{ role: "system", content: system }, ...said] : said;
    show("user", "You", text);
    const view = show("assistant", model || "Model");
    view.stats = view.footer.appendChild(make("span"));
    view.article.setAttribute("aria-busy", "true");
    const pace = new Pace();
    const controller = new AbortController();
    setRunning(controller);
    let ending = "";
    try {
        ending = await stream(conversation, view, pace, controller.signal);
    } catch (error) {
        if (controller.signal.aborted) {
            ending = "stopped";
        } else {
            const note = make("p", "error", error.message);
            note.setAttribute("role", "alert");
            view.footer.before(note);
        }
    }
    if (running === controller) setRunning(null);
    // A new chat began meanwhile: this answer belongs to none.
    if (!view.article.isConnected) return;
    const reply = view.body.textContent;
    const notes = { stopped: " · stopped", length: " · cut at the token limit" };
    view.stats.textContent = ending || reply ? pace.text + (notes[ending] ?? "") : "";
    if (reply) view.footer.append(copyButton(view.body));
    view.article.setAttribute("aria-busy", "false");
    talk.scrollTop = talk.scrollHeight;
    // What failed before it said anything was not said.
    if (ending || reply) messages = [...said, { role: "assistant", content: reply }];
}

function begin() {
    running?.abort();
    setRunning(null);
    messages = [];
    log.replaceChildren();
    element("blank").hidden = false;
    input.focus();
}

composer.onsubmit = (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (running || !text) return;
    input.value = "";
    answer(text);
};
input.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!running && input.value.trim()) composer.requestSubmit();
};
document.onkeydown = (event) => {
    if (event.key === "Escape") running?.abort();
};
element("stop").onclick = () => running?.abort();
element("new").onclick = begin;
// A field that the browser complains about has to be seen.
element("settings").addEventListener("invalid", () => (element("settings").open = true), true);
const wide = matchMedia("(min-width: 60rem)");
wide.onchange = () => (element("settings").open = wide.matches);
wide.onchange();

try {
    const models = await (await request("v1/models")).json();
    model = models.data[0].id;
    element("model").textContent = `${model}, ${models.data[0].max_model_len} tokens of context`;
    document.title = `${model} · Tern`;
} catch (error) {
    element("model").textContent = error.message;
}
watch();
