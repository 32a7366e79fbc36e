// A recording as a picture: its spectrogram, and below it a lane a label, as strong as the label's score.
"use strict";
(() => {
  const FFT = 512;
  const BANDS = 64;
  const COLUMNS = 1024; // more cannot be told apart; neighbours become one
  const RANGE = 70; // dB
  const LANE = 18; // pixels
  const MAGMA = [[0, 0, 4], [36, 16, 82], [92, 22, 128], [144, 42, 129], [203, 62, 114], [245, 106, 92], [254, 171, 118], [252, 253, 191]];
  const LABELS = 8; // lanes

  const hann = Float32Array.from({ length: FFT }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FFT));
  const turns = Array.from({ length: FFT / 2 }, (_, i) => [Math.cos((2 * Math.PI * i) / FFT), -Math.sin((2 * Math.PI * i) / FFT)]);
  const swapped = Array.from({ length: FFT }, (_, i) => parseInt(i.toString(2).padStart(9, "0").split("").reverse().join(""), 2));

  /** Power of `FFT` samples from `at` on, in `FFT / 2 + 1` bins (Cooley and Tukey 1965). */
  function power(samples, at) {
    const [re, im] = [new Float32Array(FFT), new Float32Array(FFT)];
    for (let i = 0; i < FFT; i++) re[swapped[i]] = samples[at + i] * hann[i];
    for (let half = 1; half < FFT; half *= 2)
      for (let start = 0; start < FFT; start += 2 * half)
        for (let k = 0; k < half; k++) {
          const [c, s] = turns[(k * FFT) / (2 * half)];
          const [a, b] = [start + k, start + k + half];
          const [x, y] = [re[b] * c - im[b] * s, re[b] * s + im[b] * c];
          re[b] = re[a] - x, im[b] = im[a] - y, re[a] += x, im[a] += y;
        }
    return Float32Array.from({ length: FFT / 2 + 1 }, (_, i) => re[i] ** 2 + im[i] ** 2);
  }

  /** Bands evenly spaced in mel as bins of the transform: `[first, last]` each. */
  function bands(rate) {
    const highest = 2595 * Math.log10(1 + rate / 2 / 700);
    const bin = (share) => (700 * (10 ** ((share * highest) / 2595) - 1)) / (rate / FFT);
    return Array.from({ length: BANDS }, (_, b) => {
      const first = Math.min(FFT / 2, Math.max(1, Math.round(bin(b / BANDS))));
      return [first, Math.max(first, Math.min(FFT / 2, Math.round(bin((b + 1) / BANDS)) - 1))];
    });
  }

  /** The loudest of each band over time, in memory that does not grow with the recording. */
  audioft.Spectrogram = class {
    columns = [];
    hop = FFT / 2; // samples a column
    #held = new Float32Array(0);
    #skip = 0;

    constructor(rate) {
      this.rate = rate;
      this.bands = bands(rate);
    }

    push(samples) {
      const held = audioft.joined(this.#held, samples);
      let at = this.#skip;
      for (; at + FFT <= held.length; at += this.hop) {
        const bins = power(held, at);
        this.columns.push(this.bands.map(([a, b]) => 10 * Math.log10(Math.max(...bins.subarray(a, b + 1)) + 1e-10)));
        if (this.columns.length === 2 * COLUMNS) this.#halve();
      }
      this.#held = held.slice(Math.min(at, held.length));
      this.#skip = Math.max(0, at - held.length);
    }

    #halve() {
      this.columns = Array.from({ length: COLUMNS }, (_, i) =>
        this.columns[2 * i].map((v, b) => Math.max(v, this.columns[2 * i + 1][b])));
      this.hop *= 2;
    }
  };

  const colour = (share) => {
    const place = Math.min(1, Math.max(0, share)) * (MAGMA.length - 1);
    const i = Math.min(MAGMA.length - 2, Math.floor(place));
    return MAGMA[i].map((low, k) => low + (place - i) * (MAGMA[i + 1][k] - low));
  };

  function spectrum(columns) {
    const image = new ImageData(columns.length, BANDS);
    const loudest = columns.reduce((most, own) => Math.max(most, ...own), -100);
    columns.forEach((own, x) =>
      own.forEach((level, b) => image.data.set([...colour(1 + (level - loudest) / RANGE), 255], 4 * ((BANDS - 1 - b) * columns.length + x))));
    const canvas = new OffscreenCanvas(columns.length, BANDS);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  /** The labels worth a lane: those with events, then the strongest, in the model's order. */
  audioft.lanes = (moments, events) => {
    const { labels } = audioft.about;
    const best = labels.map((label, c) => Math.max(0, ...events.filter((e) => e.label === label).map(() => 2), moments.reduce((m, o) => Math.max(m, o.scores[c]), 0)));
    const chosen = labels.map((_, c) => c).sort((a, b) => best[b] - best[a]).slice(0, LABELS);
    return chosen.sort((a, b) => a - b);
  };

  /**
   * Draw `heard` (see `audioft.hear`) with its events into a canvas, as wide as it is shown.
   * @param {number|null} cursor a place to mark, seconds
   */
  audioft.draw = (canvas, heard, events, cursor = null) => {
    const wide = Math.max(240, canvas.clientWidth);
    const lanes = audioft.lanes(heard.moments, events);
    const [top, high] = [120, 120 + lanes.length * LANE + 18];
    const sharp = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: wide * sharp, height: high * sharp });
    canvas.style.height = `${high}px`;
    const pen = canvas.getContext("2d");
    // colours of the page as they are by day and by night: what a property of one's own says is not resolved
    const { color: ink, outlineColor: accent, textDecorationColor: ground } = getComputedStyle(canvas);
    pen.scale(sharp, sharp);
    pen.font = "12px system-ui, sans-serif";
    const x = (seconds) => (seconds / heard.seconds) * wide;
    if (heard.spectrogram.columns.length) {
      heard.picture ??= spectrum(heard.spectrogram.columns);
      pen.drawImage(heard.picture, 0, 0, wide, top);
    }
    lanes.forEach((c, row) => {
      const y = top + row * LANE;
      pen.fillStyle = ground;
      pen.fillRect(0, y + 1, wide, LANE - 2);
      pen.fillStyle = accent;
      for (const m of heard.moments) {
        pen.globalAlpha = 0.75 * m.scores[c];
        pen.fillRect(x(m.start), y + 1, Math.max(1, x(m.end) - x(m.start)), LANE - 2);
      }
      pen.globalAlpha = 1;
      pen.strokeStyle = ink;
      for (const e of events) if (e.label === audioft.about.labels[c]) pen.strokeRect(x(e.start) + 0.5, y + 1.5, Math.max(1, x(e.end) - x(e.start) - 1), LANE - 3);
      pen.fillStyle = ink;
      pen.fillText(audioft.about.labels[c], 4, y + LANE - 5, wide - 8);
    });
    pen.fillStyle = ink;
    for (const [seconds, text] of audioft.ticks(heard.seconds, wide)) {
      pen.fillRect(x(seconds), high - 18, 1, 4);
      if (x(seconds) + 3 + pen.measureText(text).width <= wide) pen.fillText(text, x(seconds) + 3, high - 5);
    }
    if (cursor !== null) {
      pen.fillStyle = accent;
      pen.fillRect(x(cursor), 0, 2, high);
    }
  };

  /** Times to write below a picture: round ones, at most one every 70 pixels. */
  audioft.ticks = (seconds, wide) => {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200];
    const step = steps.find((s) => (s / seconds) * wide >= 70) ?? 14400;
    return Array.from({ length: Math.ceil(seconds / step) }, (_, i) => [i * step, audioft.clock(i * step, step < 1 ? 1 : 0)]);
  };

  /** Seconds as `h:mm:ss`, or `m:ss`. */
  audioft.clock = (seconds, digits = 0) => {
    const whole = Number(seconds.toFixed(digits));
    const [h, m] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
    const s = (whole % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
    return h ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
  };
})();
