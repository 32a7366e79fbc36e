// Samples of a recording, mono and block by block: WAV is read as it lies, all else is decoded by the browser.
"use strict";
(() => {
  const BLOCK = 1 << 18; // frames read at once
  const HEAD = 1 << 20; // bytes in which a header is looked for
  const UNKNOWN_RATE = 48000; // Hz, of what does not say: as phones and browsers record
  const LONGEST = 3 * 3600; // seconds that a browser is asked to hold decoded

  /**
   * A recording that can be heard.
   * @param {Blob} file of any kind that the browser decodes
   * @returns {Promise<{rate: number, seconds: number, fine: boolean, broken: string, blocks: function}>} rate in Hz;
   *   `fine` where it holds more than 16 bits; `broken` is why it ends before its header says; `blocks()` iterates over
   *   Float32Array of samples between -1 and 1, the mean of the channels
   */
  audioft.sound = async (file) => {
    const head = new DataView(await file.slice(0, HEAD).arrayBuffer());
    if (!file.size) throw new Error("it is empty");
    return (await wav(file, head)) ?? (await decoded(file, rateOf(head) ?? UNKNOWN_RATE));
  };

  const text = (view, at, length) => {
    let found = "";
    for (let i = at; i < Math.min(at + length, view.byteLength); i++) found += String.fromCharCode(view.getUint8(i));
    return found;
  };

  // --- WAV (RIFF, RF64, BW64) ---------------------------------------------------------------------------------------

  function wav(file, head) {
    if (!["RIFF", "RF64", "BW64"].includes(text(head, 0, 4)) || text(head, 8, 4) !== "WAVE") return null;
    let form = null;
    let long = null; // the size of the data where 32 bits do not hold it
    for (let at = 12; at + 8 <= head.byteLength; ) {
      const name = text(head, at, 4);
      let size = head.getUint32(at + 4, true);
      if (name === "ds64") long = Number(head.getBigUint64(at + 16, true));
      if (name === "fmt ") form = formatOf(head, at + 8, size);
      if (name === "data") {
        if (!form) return null;
        if (!form.read) return decoded(file, form.rate || UNKNOWN_RATE); // a codec that the browser may know
        if (size === 0xffffffff && long !== null) size = long;
        return samplesOf(file, at + 8, size, form);
      }
      at += 8 + size + (size & 1);
    }
    return null;
  }

  function formatOf(head, at, size) {
    let code = head.getUint16(at, true);
    const [channels, rate, bits] = [head.getUint16(at + 2, true), head.getUint32(at + 4, true), head.getUint16(at + 14, true)];
    if (code === 0xfffe && size >= 26) code = head.getUint16(at + 24, true);
    const int24 = (v, i) => ((v.getUint8(i) | (v.getUint8(i + 1) << 8) | (v.getInt8(i + 2) << 16)) / 0x800000);
    const readers = {
      "1/8": (v, i) => (v.getUint8(i) - 128) / 128,
      "1/16": (v, i) => v.getInt16(i, true) / 0x8000,
      "1/24": int24,
      "1/32": (v, i) => v.getInt32(i, true) / 0x80000000,
      "3/32": (v, i) => v.getFloat32(i, true),
      "3/64": (v, i) => v.getFloat64(i, true),
    };
    return { channels, rate, bytes: bits / 8, read: channels && rate ? readers[`${code}/${bits}`] : null, fine: bits > 16 };
  }

  function samplesOf(file, start, size, form) {
    const frame = form.bytes * form.channels;
    const there = file.size - start;
    const unsaid = size === 0 || size >= 0xfffffff0; // a recorder that was cut off, or that streamed
    const bytes = unsaid ? there : Math.min(size, there);
    const frames = Math.floor(bytes / frame);
    const broken = !unsaid && size > there ? `it breaks off at ${(frames / form.rate).toFixed(2)} s` : "";
    async function* blocks() {
      for (let first = 0; first < frames; first += BLOCK) {
        const count = Math.min(BLOCK, frames - first);
        const view = new DataView(await file.slice(start + first * frame, start + (first + count) * frame).arrayBuffer());
        const samples = new Float32Array(count);
        for (let i = 0, at = 0; i < count; i++) {
          let sum = 0;
          for (let c = 0; c < form.channels; c++, at += form.bytes) sum += form.read(view, at);
          samples[i] = sum / form.channels;
        }
        yield samples;
      }
    }
    return { rate: form.rate, seconds: frames / form.rate, fine: form.fine, broken, blocks };
  }

  // --- what the browser decodes -------------------------------------------------------------------------------------

  async function decoded(file, rate) {
    const bytes = await file.arrayBuffer();
    let buffer;
    try {
      buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes); // at its own rate: nothing is resampled
    } catch {
      throw new Error("this browser cannot decode it; convert it to WAV or FLAC");
    }
    if (buffer.duration > LONGEST) throw new Error("over three hours of this format are too much for a browser; convert it to WAV");
    const channels = Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
    async function* blocks() {
      for (let first = 0; first < buffer.length; first += BLOCK) {
        const samples = new Float32Array(Math.min(BLOCK, buffer.length - first));
        for (const own of channels) for (let i = 0; i < samples.length; i++) samples[i] += own[first + i] / channels.length;
        yield samples;
      }
    }
    return { rate: buffer.sampleRate, seconds: buffer.duration, fine: false, broken: "", blocks };
  }

  /** The sample rate that a header tells, Hz; null where none does. Opus is always decoded at 48 kHz. */
  function rateOf(head) {
    if (text(head, 0, 4) === "fLaC") return (head.getUint16(18) << 4) | (head.getUint8(20) >> 4);
    if (text(head, 0, 4) === "OggS") return text(head, 29, 6) === "vorbis" ? head.getUint32(40, true) : null;
    if (text(head, 4, 4) === "ftyp") return mp4Rate(head);
    return text(head, 0, 3) === "ID3" || (head.byteLength > 4 && head.getUint16(0) >= 0xffe0) ? mp3Rate(head) : null;
  }

  function mp4Rate(head) {
    for (let at = 0; at + 36 < head.byteLength; at++)
      if (head.getUint32(at) === 0x6d703461) return head.getUint16(at + 28) || null; // the sample entry `mp4a`
    return null;
  }

  function mp3Rate(head) {
    const tag = text(head, 0, 3) === "ID3";
    const size = (i) => head.getUint8(i) & 0x7f;
    let at = tag ? 10 + ((size(6) << 21) | (size(7) << 14) | (size(8) << 7) | size(9)) : 0;
    for (; at + 4 < head.byteLength; at++) {
      if ((head.getUint16(at) & 0xffe0) !== 0xffe0) continue;
      const [version, rate] = [(head.getUint8(at + 1) >> 3) & 3, (head.getUint8(at + 2) >> 2) & 3];
      if (version !== 1 && rate !== 3) return [44100, 48000, 32000][rate] / { 3: 1, 2: 2, 0: 4 }[version];
    }
    return null;
  }

  /** Two stretches of samples as one. */
  audioft.joined = (first, second) => {
    const both = new Float32Array(first.length + second.length);
    both.set(first), both.set(second, first.length);
    return both;
  };

  /** A WAV file of 16 bits of mono blocks, for a player. */
  audioft.wavOf = (blocks, rate) => {
    const count = blocks.reduce((sum, b) => sum + b.length, 0);
    const head = new DataView(new ArrayBuffer(44));
    const put = (at, letters) => [...letters].forEach((l, i) => head.setUint8(at + i, l.charCodeAt(0)));
    put(0, "RIFF"), put(8, "WAVEfmt "), put(36, "data");
    head.setUint32(4, 36 + 2 * count, true), head.setUint32(16, 16, true), head.setUint16(20, 1, true);
    head.setUint16(22, 1, true), head.setUint32(24, rate, true), head.setUint32(28, 2 * rate, true);
    head.setUint16(32, 2, true), head.setUint16(34, 16, true), head.setUint32(40, 2 * count, true);
    return new Blob([head, ...blocks], { type: "audio/wav" });
  };
})();
