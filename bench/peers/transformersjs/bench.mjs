// Captions images with transformers.js: the CPU peer of the worker's engine. See README.md.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { AutoModelForVision2Seq, AutoProcessor, AutoTokenizer, RawImage, StoppingCriteria, env } from '@huggingface/transformers';

const IMAGE = /\.(jpe?g|png|webp|gif|bmp)$/i;

/**
 * Stops a batch when every row has had its end token. The library's own criterion asks whether all rows end in the same step, and would
 * let most batches run to the greatest length.
 */
class AllRowsEnded extends StoppingCriteria {
  constructor(end) {
    super();
    this.end = BigInt(end);
    this.ended = [];
  }

  _call(rows) {
    return rows.map((row, index) => (this.ended[index] ||= BigInt(row.at(-1)) === this.end));
  }
}

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    images: { type: 'string' },
    batch: { type: 'string', default: '1,8,32' },
    rounds: { type: 'string', default: '3' },
    dtype: { type: 'string', default: 'q8' },
    threads: { type: 'string', default: '2' },
    limit: { type: 'string', default: '1000000' },
    latency: { type: 'boolean', default: false },
    interactive: { type: 'boolean', default: false },
    sequential: { type: 'boolean', default: false },
  },
});
if (!options.model || !options.images) {
  console.error('usage: node bench.mjs --model DIR --images DIR [--batch 1,8,32] [--rounds 3] [--dtype q8|fp32] [--threads 2] [--limit N] [--sequential] [--latency | --interactive]');
  process.exit(2);
}

const model = await load(resolve(options.model), options.dtype, Number(options.threads));
const samples = read(resolve(options.images));
const rounds = Number(options.rounds);
const sizes = options.batch.split(',').map(Number);
if (options.latency) await latency();
else if (options.interactive) await interactive();
else for (const size of sizes) await throughput(size);

/** Loads the folder as it is: local files only. */
async function load(folder, dtype, threads) {
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
  const name = basename(folder);
  const session_options = { intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all' };
  return {
    engine: await AutoModelForVision2Seq.from_pretrained(name, { dtype, device: 'cpu', session_options }),
    processor: await AutoProcessor.from_pretrained(name),
    tokenizer: await AutoTokenizer.from_pretrained(name),
  };
}

/** The encoded images, in memory, with their true captions. */
function read(folder) {
  const truth = new Map(JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')).map((item) => [item.file, item.caption]));
  const files = readdirSync(folder).filter((file) => IMAGE.test(file)).sort().slice(0, Number(options.limit));
  return files.map((file) => ({ blob: new Blob([readFileSync(join(folder, file))]), truth: truth.get(file) }));
}

/** From encoded bytes to the model's input. */
async function prepare(batch) {
  return model.processor(await Promise.all(batch.map((sample) => RawImage.fromBlob(sample.blob))));
}

/** Greedy search; how many captions equal the truth. */
async function caption(batch, inputs) {
  const end = model.engine.generation_config.eos_token_id;
  const ids = await model.engine.generate({ ...inputs, num_beams: 1, do_sample: false, stopping_criteria: new AllRowsEnded(end) });

  // A row that ended before its batch goes on: what follows its end token is not its caption. The first token is the start token.
  const rows = ids.tolist().map((row) => row.slice(1, row.indexOf(BigInt(end), 1) < 0 ? undefined : row.indexOf(BigInt(end), 1)));
  const texts = model.tokenizer.batch_decode(rows, { skip_special_tokens: true });
  return texts.filter((text, index) => text === batch[index].truth).length;
}

/** All samples once. While a batch is in the model, the next one is decoded, unless --sequential. */
async function run(size) {
  const batches = Array.from({ length: Math.ceil(samples.length / size) }, (_, i) => samples.slice(i * size, (i + 1) * size));
  let correct = 0;
  let next = null;
  for (let i = 0; i < batches.length; i++) {
    const inputs = await (next ?? prepare(batches[i]));
    next = options.sequential || i + 1 === batches.length ? null : prepare(batches[i + 1]);
    correct += await caption(batches[i], inputs);
  }

  return correct;
}

async function throughput(size) {
  await run(size); // Warm-up, not timed.
  for (let round = 0; round < rounds; round++) await timed(size);
}

/** One round for each line of standard input, which names the batch size, so that another program can take turns with this one. */
async function interactive() {
  for (const size of sizes) await run(size);
  report({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) await timed(Number(line));
}

async function timed(batch) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const correct = await run(batch);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  report({
    batch,
    images: samples.length,
    seconds: round3(seconds),
    images_per_second: round3(samples.length / seconds),
    cpu_seconds: round3((user + system) / 1e6),
    captions_correct: correct,
  });
}

/** One image after the other; the time from its bytes to its text. */
async function latency() {
  await run(1);
  const times = [];
  let correct = 0;
  for (let round = 0; round < rounds; round++) {
    for (const sample of samples) {
      const start = performance.now();
      correct += await caption([sample], await prepare([sample]));
      times.push(performance.now() - start);
    }
  }

  times.sort((a, b) => a - b);
  const at = (share) => round3(times[Math.min(times.length - 1, Math.floor(times.length * share))]);
  report({ batch: 1, images: times.length, median_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), captions_correct: correct });
}

function report(result) {
  console.log(JSON.stringify({ peer: 'transformers.js', version: env.version, dtype: options.dtype, threads: Number(options.threads), ...result }));
}

function round3(value) {
  return Math.round(value * 1000) / 1000;
}
