// The live strip: half a minute of the engine's steps. A column is a slice of time; its bars are the
// largest steps in it, by mode, on a logarithmic scale of tokens. Small steps run in tensor mode,
// those above the dashed line in sequence mode. It asks /steps for what it has not seen.

import { request } from "./stream.js";

const shown = 30_000;
const columnWidth = 4;
const often = 250;
const seldom = 1000;
const canvas = document.getElementById("strip");
const pulse = document.getElementById("pulse");
const modes = ["sequence", "tensor"];

let steps = [];
let last = 0;
let quiet = 0;

// Watches for as long as the page is seen.
export async function watch() {
    for (;;) {
        if (document.hidden) {
            await new Promise((seen) => document.addEventListener("visibilitychange", seen,
                { once: true }));
        }
        try {
            take(await (await request(`steps?after=${last}`)).json());
        } catch (error) {
            pulse.textContent = "no answer from the server";
            quiet = shown;
        }
        await new Promise((done) => setTimeout(done, quiet < 20 ? often : seldom));
    }
}

function take(news) {
    // A server that counts from the beginning was started again.
    if (news.last < last) steps = [];
    last = news.last;
    quiet = news.steps.length ? 0 : quiet + 1;
    steps = steps.concat(news.steps).filter((step) => step.end > news.now - shown);
    draw(news.now, news.threshold);
    pulse.textContent = describe(news.now);
    const mode = steps.length ? `in ${steps[steps.length - 1].mode} mode, ` : "";
    canvas.setAttribute("aria-label",
        `Steps of the last 30 seconds: ${mode}${pulse.textContent}`);
    const key = document.querySelector(".threshold");
    key.hidden = news.threshold === null;
    key.textContent = `shift above ${news.threshold} ${news.threshold === 1 ? "token" : "tokens"}`;
}

// The last second in words; the shifts of all that is shown.
function describe(now) {
    const recent = steps.filter((step) => step.end > now - 1000);
    if (!recent.length) return steps.length ? "idle" : "waiting for steps";
    const sum = (name) => recent.reduce((sum, step) => sum + step[name], 0);
    const newest = recent[recent.length - 1];
    const shifts = steps.filter((step, i) => i && step.mode !== steps[i - 1].mode).length;
    return [
        `${newest.sequences} running`,
        `${(sum("duration") / recent.length).toPrecision(2)} ms a step`,
        `${sum("tokens")} tokens/s`,
        `${shifts} ${shifts === 1 ? "shift" : "shifts"}`,
    ].join(" · ");
}

// The largest step of each mode in each column, newest column last. Columns stand on multiples of
// their width in time, so that they do not change as they move.
function columns(now, count) {
    const width = shown / count;
    const newest = Math.floor(now / width);
    const made = Array.from({ length: count }, () => ({ sequence: 0, tensor: 0 }));
    for (const step of steps) {
        const column = made[count - 1 - (newest - Math.floor(step.end / width))];
        if (column) column[step.mode] = Math.max(column[step.mode], step.tokens);
    }
    return made;
}

function draw(now, threshold) {
    const scale = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const color = (name) => style.getPropertyValue(name).trim();
    const drawn = columns(now, Math.max(1, Math.floor(width / columnWidth)));
    const most = Math.max(64, (threshold ?? 0) * 2, ...steps.map((step) => step.tokens));
    const level = (tokens) => (Math.log2(1 + tokens) / Math.log2(1 + most)) * (height - 2);
    drawn.forEach((column, index) => {
        for (const mode of modes) {
            const bar = column[mode] ? Math.max(2, level(column[mode])) : 0;
            context.fillStyle = color(`--${mode}`);
            const x = width - (drawn.length - index) * columnWidth;
            context.fillRect(x, height - 1 - bar, columnWidth - 1, bar);
        }
    });
    context.fillStyle = color("--line");
    context.fillRect(0, height - 1, width, 1);
    if (threshold === null) return;
    context.strokeStyle = color("--faint");
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(0, height - 1 - level(threshold + 0.5));
    context.lineTo(width, height - 1 - level(threshold + 0.5));
    context.stroke();
}
