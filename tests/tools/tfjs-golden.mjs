// Writes the reference outputs that tests/tools/tfjs2onnx.c compares the converter with: the same
// graphs run by TF.js itself (the CPU back end that the package @vladmandic/human carries).
// Run from the repository root after set-up:  node tests/tools/tfjs-golden.mjs
// The input is a fixed pseudo-random picture with a gradient; the C test makes the same one.
import fs from 'node:fs';
import path from 'node:path';

const parts = 'node_modules/@vladmandic/human';
// The bundle believes that it is in a browser.
globalThis.window ??= globalThis;
globalThis.document ??= { createElement: () => ({ getContext: () => null }) };
const tf = await import(path.resolve(parts, 'dist/tfjs.esm.js'));
await tf.setBackend('cpu');
await tf.ready();

// low is the low end of the range that a model was trained with; the high end is 1.
function picture(height, width, channels, low) {
  const out = new Float32Array(height * width * channels);
  let state = 12345;
  for (let k = 0; k < out.length; k++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const row = Math.floor(k / (width * channels));
    out[k] = low + ((1 - low) * (state / 4294967296 + (3 * row) / height)) / 4;
  }
  return out;
}

const golden = 'tests/tools/golden';
fs.mkdirSync(golden, { recursive: true });
const lows = { facemesh: 0, iris: 0, emotion: -1, faceres: 0, antispoof: 0, liveness: 0 };
for (const [name, low] of Object.entries(lows)) {
  const json = JSON.parse(fs.readFileSync(`${parts}/models/${name}.json`));
  const shards = json.weightsManifest.flatMap((g) => g.paths).map((p) => fs.readFileSync(`${parts}/models/${p}`));
  const weights = Buffer.concat(shards);
  const model = await tf.loadGraphModel({
    load: async () => ({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest.flatMap((g) => g.weights),
      weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length),
      format: json.format,
      signature: json.signature,
      userDefinedMetadata: json.userDefinedMetadata,
    }),
  });
  const signature = json.signature ?? json.userDefinedMetadata.signature;
  const [, height, width, channels] = Object.values(signature.inputs)[0].tensorShape.dim.map((d) => Number(d.size));
  const input = tf.tensor(picture(height, width, channels, low), [1, height, width, channels]);
  const nodes = Object.values(signature.outputs).map((o) => o.name);
  const outputs = model.execute(input, nodes);
  const lists = (Array.isArray(outputs) ? outputs : [outputs]).map((t) => t.dataSync());
  fs.writeFileSync(`${golden}/${name}.f32`, Buffer.concat(lists.map((l) => Buffer.from(l.buffer, l.byteOffset, l.byteLength))));
  console.log(name, lists.map((l) => l.length), lists.map((l) => Math.max(...l.map(Math.abs))));
}
