// Numbers in this page: facts, and arrays by name, each with its shape.

const facts = JSON.parse(document.getElementById("facts").textContent);
const arrays = {};

const KINDS = { uint8: Uint8Array, uint16: Uint16Array, int32: Int32Array, float32: Float32Array };

async function readArrays() {
  const element = document.getElementById("arrays");
  const text = element.textContent;
  const bytes = Uint8Array.fromBase64
    ? Uint8Array.fromBase64(text)
    : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  element.remove(); // the text is no longer needed, and large
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  for (const { name, type, shape, offset } of facts.arrays) {
    const size = shape.reduce((product, length) => product * length, 1);
    arrays[name] = new KINDS[type](buffer, offset, size);
    arrays[name].shape = shape;
  }
}
