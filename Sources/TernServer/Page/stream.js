// The way to the server: requests that bear the key, and server-sent events as values. It asks for
// the key where the server does; what is sent and what is made of the answer is its callers'.

const storage = "tern.key";
let asking = null;

// Asks for the key once, however many requests wait for it.
function askForKey(isWrong) {
    asking ??= new Promise((resolve) => {
        const door = document.getElementById("door");
        const input = document.getElementById("key");
        const note = document.getElementById("door-note");
        if (isWrong) note.textContent = "That key was not accepted.";
        // The dialog may not be dismissed without a key: nothing works behind it.
        door.oncancel = (event) => event.preventDefault();
        door.onclose = () => {
            sessionStorage.setItem(storage, input.value.trim());
            input.value = "";
            asking = null;
            resolve();
        };
        door.showModal();
    });
    return asking;
}

// Fetches a path of the API. Throws an Error whose message is the server's.
export async function request(path, { body, signal } = {}) {
    for (;;) {
        const key = sessionStorage.getItem(storage);
        const headers = key ? { Authorization: `Bearer ${key}` } : {};
        if (body) headers["Content-Type"] = "application/json";
        const answer = await fetch(path, {
            method: body ? "POST" : "GET",
            headers,
            body: body && JSON.stringify(body),
            signal,
            cache: "no-store",
        });
        if (answer.status === 401) {
            // Another request may have got a new key meanwhile.
            if (key === sessionStorage.getItem(storage)) await askForKey(key !== null);
        } else if (answer.ok) {
            return answer;
        } else {
            throw new Error(await reason(answer));
        }
    }
}

async function reason(answer) {
    const text = await answer.text();
    try {
        return JSON.parse(text).error.message;
    } catch {
        return `The server answered ${answer.status}.`;
    }
}

// The data of each server-sent event, as text. Events end with an empty line; pieces of the body
// end anywhere, also within a character or between CR and LF.
export async function* events(answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let data = [];
    for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
        rest = lines.pop();
        for (const line of lines) {
            if (line === "" && data.length) {
                yield data.join("\n");
                data = [];
            } else if (line.startsWith("data:")) {
                data.push(line.slice(line[5] === " " ? 6 : 5));
            }
        }
    }
}
