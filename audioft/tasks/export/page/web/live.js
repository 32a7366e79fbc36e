// The microphone, as blocks of samples.
"use strict";
(() => {
  const KEPT = 1800; // seconds of sound that are kept to be played again
  const PROCESSOR = `registerProcessor("blocks", class extends AudioWorkletProcessor {
    held = new Float32Array(4096); used = 0;
    process([channels]) {
      if (!channels.length) return true;
      for (let i = 0; i < channels[0].length; i++) {
        this.held[this.used++] = channels.reduce((sum, c) => sum + c[i], 0) / channels.length;
        if (this.used === this.held.length) { this.port.postMessage(this.held.slice()); this.used = 0; }
      }
      return true;
    }
  });`;

  /** Call `take` with what the microphone hears, 4,096 samples at a time. */
  async function blocks(context, stream, take) {
    const source = context.createMediaStreamSource(stream);
    const address = URL.createObjectURL(new Blob([PROCESSOR], { type: "text/javascript" }));
    try {
      await context.audioWorklet.addModule(address);
    } catch {
      // Chromium gives a page that was opened from the disk no worklets; the older way is there for all
      const node = context.createScriptProcessor(4096, 1, 1);
      node.onaudioprocess = ({ inputBuffer }) => take(inputBuffer.getChannelData(0).slice());
      source.connect(node).connect(context.destination);
      return;
    }
    const node = new AudioWorkletNode(context, "blocks");
    node.port.onmessage = ({ data }) => take(data);
    source.connect(node);
  }

  /**
   * Hear the microphone until `stop`.
   * @param {function(Hearing): void} told after each block that was heard
   * @param {function(Error): void} failed
   * @returns {Promise<{stop: function}>} `stop()` gives what `audioft.hear` does of a file
   */
  audioft.listen = async (told, failed) => {
    if (!navigator.mediaDevices?.getUserMedia)
      throw new Error("a microphone is only given to pages from this computer or over https");
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (e) {
      throw new Error(e.name === "NotFoundError" ? "no microphone was found" : "the browser was not allowed to use the microphone");
    }
    const context = new AudioContext();
    const hearing = new audioft.Hearing(context.sampleRate, { live: true });
    const kept = [];
    let ended = Promise.resolve(); // blocks are heard one after the other, however long the model takes
    let behind = 0;
    const take = (data) => {
      if (kept.length * data.length < KEPT * context.sampleRate) kept.push(Int16Array.from(data, (s) => Math.max(-1, Math.min(1, s)) * 32767));
      behind += data.length / context.sampleRate;
      ended = ended.then(async () => {
        await hearing.push(data);
        behind -= data.length / context.sampleRate;
        told(hearing, behind);
      }).catch(failed);
    };
    await blocks(context, stream, take);
    const stop = async () => {
      stream.getTracks().forEach((track) => track.stop());
      await context.close();
      await ended;
      const scores = await hearing.finish();
      const { windows, moments, seconds, spectrogram } = hearing;
      const name = `microphone ${new Date().toLocaleString()}`;
      const broken = seconds > KEPT ? "only the first half hour was kept to be played" : "";
      return { name, file: audioft.wavOf(kept, context.sampleRate), seconds, scores, windows, moments, spectrogram, broken };
    };
    return { stop };
  };
})();
