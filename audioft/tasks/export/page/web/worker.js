// The model, away from the page so that this stays quick: bytes of the runtime and the model in, scores out.
"use strict";
let session = null;
let ort = null;

async function load({ script, wasm, model }) {
  // of a page opened from the disk, a worker may import what it made itself, and nothing of the page's
  ort = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  ort.env.wasm.wasmBinary = wasm; // nothing is fetched
  ort.env.wasm.numThreads = 1; // more need headers that a plain host does not send
  session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
}

async function score({ samples, length }) {
  const given = {
    waveform: new ort.Tensor("float32", samples, [1, samples.length]),
    lengths: new ort.Tensor("int64", BigInt64Array.of(BigInt(length)), [1]),
  };
  const wanted = session.outputNames.filter((name) => name === "scores" || name === "frame_lengths");
  const found = await session.run(given, wanted);
  const frames = found.frame_lengths ? Number(found.frame_lengths.data[0]) : 1;
  return { scores: found.scores.data, frames, labels: found.scores.dims.at(-1) };
}

onmessage = async ({ data: { id, task, given } }) => {
  try {
    postMessage({ id, found: await { load, score }[task](given) });
  } catch (e) {
    postMessage({ id, error: String(e?.message ?? e) });
  }
};
