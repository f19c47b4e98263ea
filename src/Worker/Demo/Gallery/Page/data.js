'use strict';
// The data of the page: images, embeddings, thumbnails. Nothing here touches the document but to read its data blocks.
const data = JSON.parse(document.getElementById('data').textContent);

function unpack(block) {
  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return {
    dimensions: block.dimensions,
    values: new Int8Array(bytes(block.values).buffer),
    scales: new Float32Array(bytes(block.scales).buffer),
  };
}

// Row i of a block is values[i * dimensions ...] * scales[i]; rows are unit vectors, so the dot product is the cosine.
function cosine(a, i, b, j) {
  const n = a.dimensions;
  let sum = 0;
  for (let d = 0, p = i * n, q = j * n; d < n; d++) sum += a.values[p++] * b.values[q++];
  return sum * a.scales[i] * b.scales[j];
}

const images = unpack(data.imageVectors);
const texts = unpack(data.textVectors);
const textIndex = new Map(data.texts.map((text, i) => [text.toLowerCase(), i]));
const captions = data.images.map(image => [image.caption ?? '', image.answer ?? '', ...(image.regions ?? []).map(region => region.label), image.key].join(' ').toLowerCase());

// Thumbnails lie in chunks, each parsed when the first of its images is shown.
const chunks = [];
function thumbnail(index) {
  const chunk = Math.floor(index / data.chunk);
  chunks[chunk] ??= JSON.parse(document.getElementById('thumbnails-' + chunk).textContent);
  const base64 = chunks[chunk][index % data.chunk];
  return base64 ? 'data:image/webp;base64,' + base64 : null;
}

// The text whose embedding answers what was typed: the same text, else the shortest that goes on from it.
function known(typed) {
  const exact = textIndex.get(typed);
  if (exact !== undefined || typed.length < 2) return exact;
  let best;
  data.texts.forEach((text, i) => {
    if (text.toLowerCase().startsWith(typed) && (best === undefined || text.length < data.texts[best].length)) best = i;
  });
  return best;
}

// What a search shows: indexes of images, and how they were found. Who has the words in the caption or the name comes first, then
// who is closest in meaning; both in the order of meaning.
function find(typed) {
  const all = data.images.map((_, i) => i);
  const query = typed.trim().toLowerCase();
  if (query === '') return { kind: 'all', order: all };
  const words = query.split(/\s+/);
  const hits = new Set(all.filter(i => words.every(word => captions[i].includes(word))));
  const text = known(query);
  if (text !== undefined && texts.dimensions > 0 && texts.dimensions === images.dimensions) {
    const scores = all.map(i => cosine(images, i, texts, text));
    const order = all.filter(i => images.scales[i] > 0 || hits.has(i)).sort((a, b) => hits.has(b) - hits.has(a) || scores[b] - scores[a] || a - b);
    return { kind: 'meaning', order, scores, hits: hits.size, text: data.texts[text], typed: typed.trim() };
  }
  return { kind: 'words', order: [...hits], text: typed.trim() };
}

function size(bytes) {
  if (bytes < 1000) return bytes + '\u00a0B';
  return bytes < 1e6 ? Math.round(bytes / 1e3) + '\u00a0kB' : (bytes / 1e6).toFixed(1) + '\u00a0MB';
}
