// A change of sample rate of what follows one another, as sharp as soxr's "HQ", which audioft uses.
"use strict";
(() => {
  const PASSED = 0.9565; // of the lower rate's half: the middle of a slope that begins at 0.913
  const BETA = 12.8; // Kaiser's: 125 dB below
  const HALF = 94; // samples of the lower rate to either side, for a slope that narrow
  const STEPS = 512; // of the kernel's table a sample
  let table = null;

  function bessel(x) {
    let [sum, term] = [1, 1];
    for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
    return sum;
  }

  function kernel() {
    if (table) return table;
    table = new Float64Array(HALF * STEPS + 2);
    for (let i = 0; i <= HALF * STEPS; i++) {
      const x = i / STEPS;
      const sinc = x ? Math.sin(Math.PI * PASSED * x) / (Math.PI * x) : PASSED;
      table[i] = (sinc * bessel(BETA * Math.sqrt(Math.max(0, 1 - (x / HALF) ** 2)))) / bessel(BETA);
    }
    return table;
  }

  /** Blocks at `source` Hz in, blocks at `target` Hz out; where the blocks end does not show. */
  audioft.Resampler = class {
    constructor(source, target) {
      this.ratio = target / source;
      this.scale = Math.min(1, this.ratio); // the kernel is stretched where the rate becomes lower
      this.reach = Math.ceil(HALF / this.scale);
      this.held = new Float32Array(this.reach); // zeros before the beginning
      this.first = -this.reach; // of which sample `held` begins
      this.taken = 0;
      this.given = 0;
    }

    push(block) {
      if (this.ratio === 1) return block;
      const held = new Float32Array(this.held.length + block.length);
      held.set(this.held), held.set(block, this.held.length);
      this.held = held;
      this.taken += block.length;
      return this.#until(Math.floor((this.taken - this.reach) * this.ratio));
    }

    finish() {
      if (this.ratio === 1) return new Float32Array(0);
      const held = new Float32Array(this.held.length + this.reach + 1);
      held.set(this.held);
      this.held = held;
      return this.#until(Math.round(this.taken * this.ratio));
    }

    #until(end) {
      const out = new Float32Array(Math.max(0, end - this.given));
      const [weights, scale] = [kernel(), this.scale];
      for (let n = 0; n < out.length; n++) {
        const at = (this.given + n) / this.ratio;
        const from = Math.ceil(at - HALF / scale);
        const to = Math.floor(at + HALF / scale);
        let sum = 0;
        for (let k = from; k <= to; k++) {
          const place = Math.abs(k - at) * scale * STEPS;
          const i = Math.floor(place);
          sum += this.held[k - this.first] * (weights[i] + (place - i) * (weights[i + 1] - weights[i]));
        }
        out[n] = sum * scale;
      }
      this.given += out.length;
      const keep = Math.max(0, Math.floor(this.given / this.ratio) - this.reach - this.first);
      this.held = this.held.slice(keep);
      this.first += keep;
      return out;
    }
  };
})();
