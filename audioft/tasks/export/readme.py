"""What is written beside an exported model: what it takes, and ten lines in three languages that run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from audioft.core.storage import write_json
from audioft.inference.exported.about import About

LABELS = "labels.json"

_PYTHON = """\
import json, numpy, onnxruntime, soundfile
session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
about = json.loads(session.get_modelmeta().custom_metadata_map["audioft"])
samples, rate = soundfile.read("recording.wav", dtype="float32", always_2d=True)
assert rate == {rate}, "resample it to {rate} Hz first"
clip = samples.mean(1)[: round(about["window"] * rate)]  # longer recordings: a window after the other
waveform = numpy.pad(clip, (0, max(0, about["min_samples"] - len(clip))))[None]
scores = session.run(["scores"], {"waveform": waveform, "lengths": numpy.array([len(clip)])})[0][0]{frames}
for label, score in sorted(zip(about["labels"], scores), key=lambda pair: -pair[1]):
    print(f"{score:.4f} {label}")
"""
_NODE = """\
const fs = require("fs"), ort = require("onnxruntime-node");
(async () => {
  const session = await ort.InferenceSession.create("model.onnx");
  const wav = fs.readFileSync("recording.wav").subarray(44); // mono, {rate} Hz, 16 bits, after a header of 44 bytes
  const samples = Float32Array.from({ length: wav.length >> 1 }, (_, i) => wav.readInt16LE(2 * i) / 32768);
  const lengths = new ort.Tensor("int64", BigInt64Array.from([BigInt(samples.length)]), [1]);
  const { scores } = await session.run({ waveform: new ort.Tensor("float32", samples, [1, samples.length]), lengths });
  const labels = JSON.parse(fs.readFileSync("labels.json", "utf8"));
  labels.forEach((label, i) => console.log(scores.data[i].toFixed(4), label)){frames};
})();
"""
_SHARP = """\
using System.Text.Json; using Microsoft.ML.OnnxRuntime; using Microsoft.ML.OnnxRuntime.Tensors;
using var session = new InferenceSession("model.onnx");
byte[] wav = File.ReadAllBytes("recording.wav")[44..]; // mono, {rate} Hz, 16 bits, after a header of 44 bytes
float[] samples = Enumerable.Range(0, wav.Length / 2).Select(i => BitConverter.ToInt16(wav, 2 * i) / 32768f).ToArray();
var waveform = new DenseTensor<float>(samples, new[] { 1, samples.Length });
var lengths = new DenseTensor<long>(new[] { (long)samples.Length }, new[] { 1 });
var given = new[] {
    NamedOnnxValue.CreateFromTensor("waveform", waveform), NamedOnnxValue.CreateFromTensor("lengths", lengths) };
float[] scores = session.Run(given).First(r => r.Name == "scores").AsEnumerable<float>().ToArray();
string[] labels = JsonSerializer.Deserialize<string[]>(File.ReadAllText("labels.json"));
for (int i = 0; i < labels.Length; i++) Console.WriteLine($"{scores[i]:F4} {labels[i]}");
"""


def write_labels(folder: Path, labels: Sequence[str]) -> None:
    """The labels as a file of their own, in the order of the scores: not every runtime tells metadata."""
    write_json(folder / LABELS, list(labels))


def python(about: About) -> str:
    """Ten lines of Python."""
    best = ".max(0)  # the best frame" if about.frame_level else ""
    return _PYTHON.replace("{frames}", best).replace("{rate}", str(about.hearing.per_second))


def node(about: About) -> str:
    """Ten lines for node."""
    first = "; // of the first frame" if about.frame_level else ""
    return _NODE.replace("{frames};", first or ";").replace("{rate}", str(about.hearing.per_second))


def sharp(about: About) -> str:
    """Ten lines of C#."""
    return _SHARP.replace("{rate}", str(about.hearing.per_second))


def text(about: About, files: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        about: the model.
        files: what is to be said of each file, by its name.
    """
    kind = "any number of these labels" if about.multilabel else "one of these labels"
    lengths = f"at least {about.min_samples} samples"
    if about.max_samples is not None:
        lengths += f", at most {about.max_samples}"
    scores = "`(batch, labels)` probabilities"
    if about.frame_level:
        scores = (
            f"`(batch, frames, labels)` probabilities, a frame every {about.seconds_per_frame:g} s; of each clip the "
            "first `frame_lengths` `(batch,)` are its own"
        )
    listed = "".join(f"- `{name}`: {what}\n" for name, what in files.items())
    hearing = about.hearing
    heard = "as they are" if hearing.plain else str(hearing)
    heard += "" if about.band is None else " (which the lines below leave out)"
    embedding = "" if about.frame_level else "- `embedding` float32 `(batch, D)`: what recordings are compared by\n"
    return f"""# {about.name}, exported by audioft {about.audioft}

Gives a recording {kind}: {", ".join(f"`{label}`" for label in about.labels)}.

{listed}
Recordings are heard {heard}; whatever the model does to them (normalisation, features) is in the graph.

- `waveform` float32 `(batch, samples)`: mono, {about.sample_rate} Hz, full scale 1, zero beyond each clip's end;
  {lengths}
- `lengths` int64 `(batch,)`: samples of each clip, without the zeros that follow it
- `scores` float32 {scores}
{embedding}
Clips of a batch do not change one another. The model was trained on clips of up to {about.window:g} s: longer
recordings are heard in windows of that length, whose scores are averaged. All this is in the metadata `audioft` of the
file, too (JSON). With audioft, and without torch: `audioft predict model.onnx recording.wav`.

Ten lines of Python (numpy, soundfile, onnxruntime):

```python
{python(about)}```

JavaScript, in node (onnxruntime-node; in a browser onnxruntime-web):

```javascript
{node(about)}```

C# (Microsoft.ML.OnnxRuntime):

```csharp
{sharp(about)}```
"""
