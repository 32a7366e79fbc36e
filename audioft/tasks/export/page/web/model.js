// The model behind one interface: `about`, what its file says of it, and `score` of a window.
"use strict";
(() => {
  // a function of `i8x16.splat` and `i8x16.popcnt`: where this does not compile there is no SIMD
  const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11);

  /** Bytes of a part of this page: base64 of gzip, in elements of the page itself or in files beside it. */
  audioft.part = async (name) => {
    const { pieces } = audioft.about.parts[name];
    const blobs = [];
    for (const piece of pieces) {
      const held = document.getElementById(piece) ?? (await beside(piece));
      const letters = atob(held.textContent);
      held.remove(); // a model of hundreds of megabytes need not be held twice
      blobs.push(new Blob([Uint8Array.from(letters, (l) => l.charCodeAt(0))]));
    }
    const stream = new Blob(blobs).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  /** A file beside the page is a script that keeps its text in `audioft.pieces`: pages opened from disk may fetch none. */
  async function beside(piece) {
    const script = document.createElement("script");
    script.src = `parts/${piece}.js`;
    await new Promise((done, failed) => {
      script.onload = done;
      script.onerror = () => failed(new Error(`parts/${piece}.js is missing beside this page; copy the whole folder`));
      document.head.append(script);
    });
    script.remove();
    const textContent = audioft.pieces[piece];
    delete audioft.pieces[piece];
    return { textContent, remove() {} };
  }

  audioft.loadModel = async (told) => {
    if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD))
      throw new Error("this browser has no WebAssembly with SIMD; take one from 2023 or later (Safari 16.4, Chrome 91, Firefox 89)");
    if (typeof DecompressionStream !== "function")
      throw new Error("this browser cannot unpack gzip; take one from 2023 or later (Safari 16.4, Chrome 80, Firefox 113)");
    const worker = new Worker(URL.createObjectURL(new Blob([await audioft.part("worker")], { type: "text/javascript" })));
    const waiting = new Map();
    let count = 0;
    let ended = null; // why the worker is no more
    worker.onmessage = ({ data: { id, found, error } }) => {
      const { done, failed } = waiting.get(id);
      waiting.delete(id);
      error === undefined ? done(found) : failed(new Error(error));
    };
    worker.onerror = (e) => {
      ended = new Error(e.message ?? "this browser does not let a page compute in the background");
      waiting.forEach(({ failed }) => failed(ended));
    };
    const ask = (task, given, moved = []) =>
      new Promise((done, failed) => {
        if (ended) failed(ended);
        waiting.set(++count, { done, failed });
        worker.postMessage({ id: count, task, given }, moved);
      });

    told("unpacking the model");
    const [script, wasm, model] = [await audioft.part("runtime"), await audioft.part("wasm"), await audioft.part("model")];
    told("starting the model");
    await ask("load", { script, wasm, model }, [wasm.buffer, model.buffer]);

    /** Rows of scores of a window `(T,)`: one, or of a model that labels frames one a frame. */
    audioft.score = async (samples) => {
      const length = samples.length;
      const padded = new Float32Array(Math.max(length, audioft.about.min_samples));
      padded.set(samples);
      const { scores, frames, labels } = await ask("score", { samples: padded, length }, [padded.buffer]);
      return Array.from({ length: frames }, (_, i) => Array.from(scores.subarray(i * labels, (i + 1) * labels)));
    };
  };
})();
