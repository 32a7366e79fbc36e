// Windows of a recording, one score for every moment, and events: as `audioft predict` has them.
"use strict";
(() => {
  const TOUCHING = 1e-6; // seconds; what is no further apart is contiguous

  /** Full windows at 0, hop, 2 hop, ... and one that ends with the recording; all of it where it is no longer. */
  audioft.Cutter = class {
    constructor(window, hop) {
      Object.assign(this, { window, hop, held: new Float32Array(0), first: 0, total: 0, due: 0 });
    }

    push(block) {
      const held = audioft.joined(this.held, block);
      this.total += block.length;
      const found = [];
      for (; this.due + this.window <= this.total; this.due += this.hop)
        found.push([this.due, held.slice(this.due - this.first, this.due - this.first + this.window)]);
      const keep = Math.max(0, this.due - this.hop - this.first); // the last window may be moved back to there
      this.held = held.slice(keep);
      this.first += keep;
      return found;
    }

    finish() {
      if (!this.total) return [];
      if (!this.due) return [[0, this.held]];
      const start = this.total - this.window;
      return this.due - this.hop < start ? [[start, this.held.slice(start - this.first)]] : [];
    }
  };

  /** Overlapping stretches `{starts, ends, scores}` become moments `{start, end, scores}`: the mean of all that cover it. */
  audioft.Averager = class {
    #open = [];
    #done = 0;

    add(stretch) {
      const certain = this.#until(stretch.starts[0]);
      this.#open = this.#open.filter((s) => s.ends.at(-1) > this.#done);
      this.#open.push(stretch);
      return certain;
    }

    finish() {
      return this.#until(Math.max(0, ...this.#open.map((s) => s.ends.at(-1))));
    }

    #until(time) {
      if (!this.#open.length || time <= this.#done) return [];
      const all = [this.#done, time, ...this.#open.flatMap((s) => [...s.starts, ...s.ends])];
      const sorted = all.filter((e) => e >= this.#done && e <= time).sort((a, b) => a - b);
      const edges = sorted.filter((e, i) => !i || e - sorted[i - 1] > TOUCHING);
      const found = [];
      for (let i = 0; i + 1 < edges.length; i++) {
        const middle = (edges[i] + edges[i + 1]) / 2;
        const rows = this.#open.map((s) => rowAt(s, middle)).filter(Boolean);
        if (!rows.length) continue;
        const scores = rows[0].map((_, c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length);
        found.push({ start: edges[i], end: edges[i + 1], scores });
      }
      this.#done = time;
      return found;
    }
  };

  function rowAt(stretch, time) {
    if (time < stretch.starts[0] || time >= stretch.ends.at(-1)) return null;
    let [low, high] = [0, stretch.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (stretch.starts[middle] <= time) low = middle;
      else high = middle - 1;
    }
    return stretch.scores[low];
  }

  /**
   * Events in moments that follow one another: an event begins where a score reaches the label's threshold, goes on
   * while touching moments stay at or above threshold times release; small gaps are closed, short ones dropped.
   * @param {Array} moments of an Averager
   * @param {{labels, thresholds, release, minSeconds, closeGaps, background}} rules
   * @returns {Array<{label, start, end, score}>} sorted by start
   */
  audioft.events = (moments, rules) => {
    const found = [];
    rules.labels.forEach((label, c) => {
      if (label === rules.background) return;
      const high = rules.thresholds[c];
      const runs = [];
      let [on, until] = [false, -Infinity];
      for (const m of moments) {
        const touches = m.start - until <= TOUCHING;
        on = m.scores[c] >= high || (on && touches && m.scores[c] >= high * rules.release);
        until = m.end;
        if (!on) continue;
        const last = runs.at(-1);
        if (last && m.start - last.end <= rules.closeGaps + TOUCHING) {
          last.end = m.end;
          last.score = Math.max(last.score, m.scores[c]);
        } else runs.push({ label, start: m.start, end: m.end, score: m.scores[c] });
      }
      found.push(...runs.filter((r) => r.end - r.start >= rules.minSeconds - TOUCHING));
    });
    return found.sort((a, b) => a.start - b.start);
  };
})();
