// sharp as a peer, with the protocol of ../pillow/peer.py less "prepare": its kernels and its shrinking while loading give other pixels,
// so only its speed is of interest. One thread, like the others.
import fs from 'node:fs';
import readline from 'node:readline';
import sharp from 'sharp';

sharp.concurrency(1);
sharp.cache(false);
const kernels = { 1: 'lanczos3', 2: 'linear', 3: 'cubic' };

function resize(image, plan) {
  const kernel = kernels[plan.resample];
  const [width, height, fit] = plan.shortest ? [...plan.crop, 'cover'] : [plan.width, plan.height, 'fill'];
  return image.resize(width, height, { fit, kernel }).removeAlpha().raw().toBuffer();
}

async function timed({ op, files, plan, rounds }) {
  const inputs = files.map((file) => fs.readFileSync(file));
  const decoded = op === 'resize'
    ? await Promise.all(inputs.map((data) => sharp(data).rotate().removeAlpha().raw().toBuffer({ resolveWithObject: true })))
    : [];
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < inputs.length; i++) {
      const image = op === 'resize'
        ? sharp(decoded[i].data, { raw: { width: decoded[i].info.width, height: decoded[i].info.height, channels: 3 } })
        : sharp(inputs[i]).rotate();
      await resize(image, plan);
    }
  }
  return { images: inputs.length * rounds, seconds: (performance.now() - start) / 1000 };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = request.op === 'version' ? { version: `sharp ${sharp.versions.sharp ?? ''} (libvips ${sharp.versions.vips})` } : await timed(request);
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
