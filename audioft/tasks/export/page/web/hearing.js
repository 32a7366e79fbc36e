// From samples to scores: resampled, cut into windows, scored, averaged. Files and microphones go the same way.
"use strict";
(() => {
  const SHORTEST = 0.025; // seconds, as the model hears them
  const FLAT = { fine: 2.5 / 2 ** 23, coarse: 2.5 / 2 ** 15 }; // what changes by no more is a dither, and no sound

  /**
   * Hears one recording; `push` its blocks, then `finish`.
   * @param {number} rate of the blocks, Hz
   * @param {boolean} live give scores though nothing has changed so far
   */
  audioft.Hearing = class {
    windows = []; // {start, end, scores} in seconds, overlapping, as the model gave them; of frames, each of them
    moments = []; // {start, end, scores} that follow one another
    seconds = 0;

    constructor(rate, { live = false, fine = false } = {}) {
      const { about } = audioft;
      Object.assign(this, { rate, live, flat: fine ? FLAT.fine : FLAT.coarse, low: Infinity, high: -Infinity });
      this.perSecond = about.time_expansion ? Math.max(1, Math.round(about.sample_rate * about.time_expansion)) : about.sample_rate;
      const samples = (seconds) => Math.max(1, Math.round(seconds * this.perSecond));
      const step = about.frame_level ? about.seconds_per_frame : null;
      const whole = (hop) => (step ? Math.min(about.window, Math.max(1, Math.round(hop / step)) * step) : hop);
      this.resampler = new audioft.Resampler(rate, this.perSecond);
      this.overlapping = new audioft.Cutter(samples(about.window), samples(whole(about.window / 2)));
      this.apart = new audioft.Cutter(samples(about.window), samples(whole(about.window)));
      this.averager = new audioft.Averager();
      this.spectrogram = new audioft.Spectrogram(this.perSecond);
      Object.assign(this, { taken: 0, sums: null, counted: 0, known: new Map(), waiting: [] });
    }

    /** Take the next samples; the promise is kept once all windows that are whole have been scored. */
    async push(block) {
      const bad = block.findIndex((s) => !Number.isFinite(s));
      if (bad >= 0) throw new Error(`samples that are not finite (NaN or infinity), from ${((this.taken + bad) / this.rate).toFixed(2)} s on`);
      this.taken += block.length;
      for (const s of block) {
        if (s < this.low) this.low = s;
        if (s > this.high) this.high = s;
      }
      await this.#hear(this.resampler.push(block), false);
    }

    /** @returns {Promise<number[]>} scores of the whole recording: the mean of the windows that do not overlap */
    async finish() {
      await this.#hear(this.resampler.finish(), true);
      if (!this.taken) throw new Error("no samples in it");
      if (this.#tooShort)
        throw new Error(`only ${(1000 * this.seconds).toFixed(1)} ms long, expected at least ${((1000 * SHORTEST * audioft.about.sample_rate) / this.perSecond).toPrecision(3)} ms`);
      if (!this.#sound) throw new Error("silent: nothing in it changes by more than the last of its bits");
      await this.#scoreWaiting();
      this.moments.push(...this.averager.finish());
      return this.sums.map((s) => s / this.counted);
    }

    get #sound() {
      return this.live || this.high - this.low > this.flat;
    }

    async #hear(samples, last) {
      this.seconds += samples.length / this.perSecond;
      this.spectrogram.push(samples);
      for (const cutter of ["overlapping", "apart"]) {
        const found = [...this[cutter].push(samples), ...(last ? this[cutter].finish() : [])];
        this.waiting.push(...found.map(([start, wave]) => ({ start, wave, cutter })));
      }
      if (this.#sound && !(last && this.#tooShort)) await this.#scoreWaiting();
    }

    get #tooShort() {
      return this.seconds * this.perSecond < Math.round(SHORTEST * audioft.about.sample_rate) - 1;
    }

    async #scoreWaiting() {
      const due = this.waiting.sort((a, b) => a.start - b.start);
      this.waiting = [];
      for (const { start, wave, cutter } of due) {
        const rows = this.known.get(start) ?? (await audioft.score(wave));
        this.known.set(start, rows);
        for (const known of this.known.keys()) if (known < start - 2 * wave.length) this.known.delete(known);
        if (cutter === "overlapping") this.#take(start / this.perSecond, (start + wave.length) / this.perSecond, rows);
        else {
          this.sums ??= rows[0].map(() => 0);
          for (const row of rows) row.forEach((s, c) => (this.sums[c] += s / rows.length));
          this.counted++;
        }
      }
    }

    #take(start, end, rows) {
      const step = audioft.about.seconds_per_frame;
      const starts = rows.map((_, i) => start + i * step);
      const ends = rows.map((_, i) => (i + 1 < rows.length ? starts[i + 1] : end));
      rows.forEach((scores, i) => this.windows.push({ start: starts[i], end: ends[i], scores }));
      this.moments.push(...this.averager.add({ starts, ends, scores: rows }));
    }
  };

  /**
   * What the model says of a file: `{name, seconds, scores, windows, moments, spectrogram, broken}`.
   * @param {File} file of any length
   * @param {function(number, number): void} told of seconds heard and seconds there are
   */
  audioft.hear = async (file, told = () => {}) => {
    const sound = await audioft.sound(file);
    const hearing = new audioft.Hearing(sound.rate, sound);
    for await (const block of sound.blocks()) {
      await hearing.push(block);
      told(hearing.seconds, sound.seconds);
    }
    const scores = await hearing.finish();
    const { windows, moments, seconds, spectrogram } = hearing;
    return { name: file.name, file, seconds, scores, windows, moments, spectrogram, broken: sound.broken };
  };

  /** How scores become events: the model's own rules, or with one threshold for all labels. */
  audioft.rules = (threshold = null) => {
    const { labels, thresholds, segments, background } = audioft.about;
    return {
      labels,
      background,
      thresholds: labels.map((_, i) => threshold ?? thresholds?.[i] ?? 0.5),
      release: segments?.release ?? 0.8,
      minSeconds: segments?.min_seconds ?? 0,
      closeGaps: segments?.close_gaps ?? 0,
    };
  };

  /** The label a recording gets, or the labels where it may have several. */
  audioft.given = (scores) => {
    const { labels, multilabel } = audioft.about;
    if (multilabel) return labels.filter((_, i) => scores[i] >= audioft.rules().thresholds[i]);
    return [labels[scores.indexOf(Math.max(...scores))]];
  };
})();
