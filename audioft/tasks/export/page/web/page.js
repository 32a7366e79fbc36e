// The page: what is dropped on it, spoken to it, and how answers are shown.
"use strict";
(() => {
  const SHOWN = 5; // labels of an answer
  const ROWS = 200; // events in its table
  const $ = (id) => document.getElementById(id);
  const say = (text) => ($("status").textContent = text);
  const percent = (score) => score.toFixed(3);

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
      name.startsWith("on") ? made.addEventListener(name.slice(2), value) : made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  /** Labels with their scores, best first, each with a bar. */
  function bars(scores) {
    const best = scores.map((score, i) => [audioft.about.labels[i], score]).sort((a, b) => b[1] - a[1]).slice(0, SHOWN);
    const rows = best.map(([label, score]) =>
      element("li", {}, element("span", { class: "label" }, label), element("meter", { min: 0, max: 1, value: score, "aria-label": label }), element("span", { class: "score" }, percent(score))));
    return element("ol", { class: "bars" }, ...rows);
  }

  /** What was found in a recording: its answer, picture, player, events and downloads. */
  function show(heard) {
    let events = audioft.events(heard.moments, audioft.rules(threshold()));
    const canvas = element("canvas", { role: "img", class: "picture" });
    const player = element("audio", { controls: "", preload: "metadata", src: URL.createObjectURL(heard.file), "aria-label": heard.name });
    const table = element("div", { class: "events" });
    const draw = () => audioft.draw(canvas, heard, events, player.currentTime || null);
    const from = (seconds) => {
      player.currentTime = seconds;
      player.play().catch(() => say("this browser cannot play the recording; its scores are not touched by that"));
    };
    const redo = () => {
      events = audioft.events(heard.moments, audioft.rules(threshold()));
      canvas.setAttribute("aria-label", `${heard.name}: spectrogram and scores over ${audioft.clock(heard.seconds, 1)}; ${events.length} events, listed below`);
      table.replaceChildren(eventRows(events, from));
      draw();
    };
    player.addEventListener("timeupdate", draw);
    canvas.addEventListener("click", (e) => from((e.offsetX / canvas.clientWidth) * heard.seconds));
    const stem = heard.name.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}._ -]/gu, "-");
    const button = (text, made, ending) => element("button", { type: "button", onclick: () => audioft.save(made(), stem + ending) }, text);
    const answer = audioft.given(heard.scores).join(", ") || "none of its labels";
    const article = element("article", { tabindex: -1 },
      element("h2", {}, heard.name),
      element("p", { class: "answer" }, element("strong", {}, answer), ` in ${audioft.clock(heard.seconds, 1)}`),
      ...(heard.broken ? [element("p", { class: "broken" }, heard.broken)] : []),
      bars(heard.scores), canvas, player, table,
      element("p", { class: "save" },
        button("Audacity labels", () => audioft.audacity(events), ".txt"),
        button("events.csv", () => audioft.eventTable(heard.name, events), ".events.csv"),
        button("windows.csv", () => audioft.windowTable(heard.name, heard.windows), ".windows.csv")));
    $("results").prepend(article);
    $("threshold").addEventListener("change", redo);
    new ResizeObserver(draw).observe(canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    redo();
    return answer;
  }

  function eventRows(events, from) {
    if (!events.length) return element("p", {}, "No label reaches its threshold at any time.");
    const rows = events.slice(0, ROWS).map((e) => {
      const time = `${audioft.clock(e.start, 1)} to ${audioft.clock(e.end, 1)}`;
      const play = element("button", { type: "button", "aria-label": `play from ${time}`, onclick: () => from(e.start) }, time);
      return element("tr", {}, element("td", {}, play), element("td", {}, e.label), element("td", { class: "score" }, percent(e.score)));
    });
    const head = element("tr", {}, ...["time", "label", "score"].map((t) => element("th", { scope: "col" }, t)));
    const more = events.length > ROWS ? [element("p", {}, `and ${events.length - ROWS} more in the downloads`)] : [];
    return element("div", {}, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)), ...more);
  }

  const threshold = () => {
    const given = parseFloat($("threshold").value);
    return given > 0 && given <= 1 ? given : null;
  };

  function fail(name, e) {
    $("results").prepend(element("article", { class: "failed" }, element("h2", {}, name), element("p", {}, e.message)));
  }

  let turn = Promise.resolve(); // files are heard one after the other

  audioft.take = (files) => {
    for (const file of files) turn = turn.then(() => hearOne(file));
    return turn;
  };

  async function hearOne(file) {
    const began = performance.now();
    const told = (heard, all) => {
      const left = ((performance.now() - began) / 1000) * (all / Math.max(heard, 1e-3) - 1);
      $("progress").value = heard / all;
      say(`${file.name}: ${audioft.clock(heard)} of ${audioft.clock(all)}${left > 2 ? `, ${audioft.clock(left)} left` : ""}`);
    };
    $("progress").hidden = false;
    try {
      const heard = await audioft.hear(file, told);
      say(`${file.name}: ${show(heard)}`);
    } catch (e) {
      fail(file.name, e);
      say(`${file.name}: ${e.message}`);
    }
    $("progress").hidden = true;
  }

  let listening = null;

  async function microphone() {
    const button = $("microphone");
    button.disabled = true;
    try {
      if (listening) {
        const heard = await listening.stop();
        say(`${heard.name}: ${show(heard)}`);
        listening = null;
      } else {
        listening = await audioft.listen(showLive, (e) => say(e.message));
        say(`listening; the first answer comes after ${audioft.about.window} s`);
      }
    } catch (e) {
      say(e.message);
      listening = null;
    }
    $("live").hidden = !listening;
    button.textContent = listening ? "Stop listening" : "Listen to the microphone";
    button.disabled = false;
  }

  let shown = 0;

  function showLive(hearing, behind) {
    if (hearing.windows.length === shown) return;
    shown = hearing.windows.length;
    const { scores, end } = hearing.windows.at(-1);
    const late = behind > audioft.about.window ? `; ${behind.toFixed(0)} s behind: this computer is too slow for this model` : "";
    $("live-answer").textContent = audioft.given(scores).join(", ") || "none of its labels";
    $("live-time").textContent = `at ${audioft.clock(end)}${late}`;
    $("live-bars").replaceChildren(bars(scores));
  }

  function introduce() {
    const { name, labels, window } = audioft.about;
    document.title = name;
    $("name").textContent = name;
    const some = labels.slice(0, 12).join(", ") + (labels.length > 12 ? ` and ${labels.length - 12} more` : "");
    $("about").textContent = `Knows ${labels.length === 1 ? "one label" : `${labels.length} labels`}: ${some}. Hears ${window} s at a time.`;
  }

  async function licences({ target }) {
    const shown = target.querySelector("pre");
    if (target.open && !shown.textContent) shown.textContent = new TextDecoder().decode(await audioft.part("licences"));
  }

  async function start() {
    introduce();
    $("licences").addEventListener("toggle", licences);
    try {
      await audioft.loadModel(say);
    } catch (e) {
      say(`The model cannot run here: ${e.message}.`);
      $("input").classList.add("failed");
      return;
    }
    const drop = $("drop");
    for (const kind of ["dragover", "dragleave", "drop"])
      document.addEventListener(kind, (e) => {
        e.preventDefault();
        drop.classList.toggle("over", kind === "dragover");
        if (kind === "drop") audioft.take(e.dataTransfer.files);
      });
    $("files").addEventListener("change", (e) => audioft.take(e.target.files).then(() => (e.target.value = "")));
    $("microphone").addEventListener("click", microphone);
    for (const id of ["files", "microphone"]) $(id).disabled = false;
    say("Ready.");
  }

  audioft.ready = start();
})();
