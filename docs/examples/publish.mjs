// Sends one image to VlWorker and prints the answer: node publish.mjs AMQP_URL BUCKET KEY (needs: npm install amqplib)
import { randomBytes } from "node:crypto";
import amqp from "amqplib";

const [url, bucket, key] = process.argv.slice(2);
const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();
const { queue } = await channel.assertQueue("", { exclusive: true });
const hex = (bytes) => randomBytes(bytes).toString("hex");
const request = { id: `node-${hex(4)}`, image: { bucket, key }, tasks: ["caption", "embedding"] };
const answered = new Promise((resolve) => channel.consume(queue, (message) => resolve(JSON.parse(message.content)), { noAck: true }));
const lost = new Promise((_, reject) => channel.on("return", (message) => reject(new Error(message.fields.replyText))));
const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no answer within two minutes")), 120_000).unref());
channel.publish("vl.requests", "interactive", Buffer.from(JSON.stringify(request)), {
  contentType: "application/json", persistent: true, mandatory: true, messageId: request.id, correlationId: request.id, replyTo: queue,
  headers: { traceparent: `00-${hex(16)}-${hex(8)}-01` },
});
await channel.waitForConfirms();
const answer = await Promise.race([answered, lost, late]);
console.log(JSON.stringify(answer));
process.exitCode = answer.reason ? 1 : 0;
await connection.close();
