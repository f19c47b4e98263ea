#!/usr/bin/env python3
"""Sends one image to VlWorker and prints the answer: publish.py AMQP_URL BUCKET KEY (needs pika, Debian: python3-pika)."""
import json, secrets, sys
import pika

url, bucket, key = sys.argv[1:4]
channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
channel.confirm_delivery()  # from here on basic_publish raises if the broker does not take the message
replies = channel.queue_declare("", exclusive=True).method.queue
request = {"id": f"python-{secrets.token_hex(4)}", "image": {"bucket": bucket, "key": key}, "tasks": ["caption", "embedding"]}
channel.basic_publish("vl.requests", "interactive", json.dumps(request).encode(), mandatory=True, properties=pika.BasicProperties(
    content_type="application/json", delivery_mode=2, message_id=request["id"], correlation_id=request["id"], reply_to=replies,
    headers={"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"}))
method, properties, body = next(channel.consume(replies, auto_ack=True, inactivity_timeout=120))
if body is None:
    sys.exit("no answer within two minutes")
answer = json.loads(body)
print(json.dumps(answer, ensure_ascii=False))
sys.exit("rejected: " + answer["reason"] if "reason" in answer else 0)
