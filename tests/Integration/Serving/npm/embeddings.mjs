// Asks a worker for embeddings as any program does that uses OpenAI's client; prints what it got as JSON.
// usage: node embeddings.mjs BASE_URL API_KEY IMAGE_FILE BUCKET KEY
import { readFileSync } from 'node:fs';
import OpenAI from 'openai';

const [baseURL, apiKey, file, bucket, key] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const image = `data:image/jpeg;base64,${readFileSync(file).toString('base64')}`;
const error = async ask => {
  try {
    await ask();
    return null;
  } catch (problem) {
    return { kind: problem.constructor.name, status: problem.status, code: problem.code, message: problem.message };
  }
};

// Without an encoding the client asks for base64 and decodes it itself.
const standard = await client.embeddings.create({ model: 'demo-clip', input: ['a red circle', image] });
const plain = await client.embeddings.create({ model: 'demo-clip', input: 'a red circle', encoding_format: 'float' });
const stored = await client.embeddings.create({ model: 'demo-clip', input: [{ image: { bucket, key } }], encoding_format: 'float' });
console.log(JSON.stringify({
  model: standard.model,
  usage: standard.usage,
  text: standard.data[0].embedding,
  image: standard.data[1].embedding,
  plain: plain.data[0].embedding,
  stored: stored.data[0].embedding,
  unknownModel: await error(() => client.embeddings.create({ model: 'text-embedding-3-small', input: 'a' })),
  badInput: await error(() => client.embeddings.create({ model: 'demo-clip', input: [[1, 2, 3]] })),
  wrongKey: await error(() => new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 }).embeddings.create({ model: 'demo-clip', input: 'a' })),
}));
