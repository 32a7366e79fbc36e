// What is downloaded: a label track as Audacity reads it, and tables with the columns of `audioft predict`.
"use strict";
(() => {
  const cell = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const row = (...cells) => cells.map(cell).join(",") + "\n";
  const times = (start, end) => [start.toFixed(3), end.toFixed(3)];

  /** One line an event: start, end and label with tabs between them. */
  audioft.audacity = (events) =>
    events.map((e) => `${e.start.toFixed(6)}\t${e.end.toFixed(6)}\t${e.label.replace(/[\t\r\n]+/g, " ")}\n`).join("");

  audioft.eventTable = (name, events) =>
    row("path", "start", "end", "label", "score") +
    events.map((e) => row(name, ...times(e.start, e.end), e.label, e.score.toFixed(4))).join("");

  audioft.windowTable = (name, windows) =>
    row("path", "start", "end", ...audioft.about.labels) +
    windows.map((w) => row(name, ...times(w.start, w.end), ...w.scores.map((s) => s.toFixed(4)))).join("");

  audioft.save = (text, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
})();
