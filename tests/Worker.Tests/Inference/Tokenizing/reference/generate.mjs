// Writes the ids and texts that Hugging Face's own tokenizers library (Rust, through its npm package) gives:
//   npm ci && node generate.mjs NAME=MODEL-FOLDER ... , compressed with Brotli into ../reference.json.br (README.md)
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer, byteLevelPreTokenizer, lowercase, nfcNormalizer } from 'tokenizers';
import { long, texts } from './texts.mjs';
import { encodeOnly, variantTexts, variants } from './variants.mjs';

const sha256 = (data) => createHash('sha256').update(data).digest('hex');

// A small generator of repeatable numbers (Park and Miller), for ids that no text would give.
let state = 20261123;
const random = (below) => (state = (state * 48271) % 2147483647) % below;

// Decoding as transformers does it: CLIP's class turns the end-of-word suffix of its tokens into spaces and calls Python's strip().
const decode = async (tokenizer, config, ids, skip) => {
  const text = await tokenizer.decode(ids, skip);
  return config.tokenizer_class === 'CLIPTokenizer' ? text.replaceAll('</w>', ' ').replace(/^[\p{White_Space}\x1C-\x1F]+|[\p{White_Space}\x1C-\x1F]+$/gu, '') : text;
};

async function reference(folder) {
  const tokenizer = Tokenizer.fromFile(join(folder, 'tokenizer.json'));
  const config = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8'));
  const encode = async (text) => (await tokenizer.encode(text)).getIds();
  const size = tokenizer.getVocabSize(true);
  const result = { size, texts: [], long: [], decoded: [] };
  for (const text of texts) {
    const ids = await encode(text);
    result.texts.push({ ids, text: await decode(tokenizer, config, ids, true), full: await decode(tokenizer, config, ids, false) });
  }

  for (const [part, times] of long) {
    const ids = await encode(part.repeat(times));
    result.long.push({ count: ids.length, sha256: sha256(ids.join(',')) });
  }

  for (let i = 0; i < 60; i++) {
    const ids = Array.from({ length: 1 + random(12) }, () => random(size + 3));
    result.decoded.push({ ids, text: await decode(tokenizer, config, ids, true), full: await decode(tokenizer, config, ids, false) });
  }

  return result;
}

// Properties of every code point, one after the other.
function codePoints() {
  const [split, compose, lower] = [byteLevelPreTokenizer(false, true), nfcNormalizer(), lowercase()];
  const hashes = { splits: createHash('sha256'), nfc: createHash('sha256'), lower: createHash('sha256') };
  for (let code = 0; code < 0x110000; code++) {
    if (code >= 0xD800 && code < 0xE000) continue;
    const c = String.fromCodePoint(code);
    hashes.splits.update(String.fromCharCode(48 + split.preTokenizeString(`a${c}1${c}!${c}`).length));
    hashes.nfc.update(`${compose.normalizeString(`e${c}\u0301\u0323${c}\u0345`)}\n`);
    hashes.lower.update(lower.normalizeString(c));
  }

  return Object.fromEntries(Object.entries(hashes).map(([name, hash]) => [name, hash.digest('hex')]));
}

async function variant(base, patch) {
  const json = { ...base, ...patch, model: { ...base.model, ...patch.model } };
  const tokenizer = Tokenizer.fromString(JSON.stringify(json));
  const result = [];
  for (const text of variantTexts) {
    const ids = (await tokenizer.encode(text)).getIds();
    result.push({ ids, text: await tokenizer.decode(ids, true), full: await tokenizer.decode(ids, false) });
  }

  return result;
}

const tokenizers = {};
const patched = [];
for (const argument of process.argv.slice(2)) {
  const [name, folder] = argument.split('=');
  tokenizers[name] = await reference(folder);
  if (name !== 'demo-captioner') continue;
  const base = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8'));
  for (const [title, patch] of Object.entries(variants)) patched.push({ title, encodeOnly: encodeOnly.includes(title), patch, texts: await variant(base, patch) });
}

const version = JSON.parse(readFileSync(new URL('./node_modules/tokenizers/package.json', import.meta.url))).version;
const lines = (items) => `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]`;
const entries = Object.entries(tokenizers).map(([name, r]) =>
  `${JSON.stringify(name)}: {"size": ${r.size},\n"texts": ${lines(r.texts)},\n"long": ${lines(r.long)},\n"decoded": ${lines(r.decoded)}}`);
console.log(`{"madeWith": {"tokenizers": "${version}", "node": "${process.versions.node}"},
"codePoints": ${JSON.stringify(codePoints())},
"texts": ${lines(texts)},
"long": ${lines(long)},
"variantTexts": ${lines(variantTexts)},
"variants": ${lines(patched)},
"tokenizers": {
${entries.join(',\n')}
}}`);
