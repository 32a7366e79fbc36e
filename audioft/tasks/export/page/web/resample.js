// A change of sample rate of what follows one another, as sharp as soxr's "HQ", which audioft uses.
"use strict";
(() => {
  const PASSED = 0.9565; // of the lower rate's half: the middle of a slope that begins at 0.913
  const BETA = 12.8; // Kaiser's: 125 dB below
  const HALF = 94; // samples of the lower rate to either side, for a slope that narrow

  function bessel(x) {
    let [sum, term] = [1, 1];
    for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
    return sum;
  }

  const highest = bessel(BETA);

  function kernel(x) {
    if (Math.abs(x) >= HALF) return 0;
    const sinc = x ? Math.sin(Math.PI * PASSED * x) / (Math.PI * x) : PASSED;
    return (sinc * bessel(BETA * Math.sqrt(1 - (x / HALF) ** 2))) / highest;
  }

  const divisor = (a, b) => (b ? divisor(b, a % b) : a);

  /** Blocks at `source` Hz in, blocks at `target` Hz out, both whole numbers; where the blocks end does not show. */
  audioft.Resampler = class {
    constructor(source, target) {
      const common = divisor(source, target);
      [this.down, this.up] = [source / common, target / common];
      this.scale = Math.min(1, target / source); // the kernel is stretched where the rate becomes lower
      this.reach = Math.ceil(HALF / this.scale);
      this.phases = []; // weights of the samples around an output, by where it lies between two of them
      this.held = new Float32Array(this.reach); // zeros before the beginning
      this.first = -this.reach; // of which sample `held` begins
      this.taken = 0;
      this.given = 0;
    }

    push(block) {
      if (this.up === this.down) return block;
      this.held = audioft.joined(this.held, block);
      this.taken += block.length;
      return this.#until(Math.floor(((this.taken - this.reach - 1) * this.up) / this.down));
    }

    finish() {
      if (this.up === this.down) return new Float32Array(0);
      this.held = audioft.joined(this.held, new Float32Array(this.reach + 2));
      return this.#until(Math.round((this.taken * this.up) / this.down));
    }

    #weights(phase) {
      return (this.phases[phase] ??= Float32Array.from({ length: 2 * this.reach }, (_, j) =>
        this.scale * kernel((j + 1 - this.reach - phase / this.up) * this.scale)));
    }

    #until(end) {
      const out = new Float32Array(Math.max(0, end - this.given));
      const { held, reach } = this;
      for (let n = 0; n < out.length; n++) {
        const at = (this.given + n) * this.down;
        const weights = this.#weights(at % this.up);
        const from = Math.floor(at / this.up) + 1 - reach - this.first;
        let sum = 0;
        for (let j = 0; j < weights.length; j++) sum += held[from + j] * weights[j];
        out[n] = sum;
      }
      this.given += out.length;
      const keep = Math.max(0, Math.floor((this.given * this.down) / this.up) + 1 - reach - this.first);
      this.held = held.slice(keep);
      this.first += keep;
      return out;
    }
  };
})();
