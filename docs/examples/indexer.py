#!/usr/bin/env python3
"""Keeps VlWorker's results in PostgreSQL and searches them by text. Needs pika and psycopg2 (Debian: python3-pika python3-psycopg2).

    indexer.py index  AMQP_URL POSTGRES_DSN [--once]     takes results until Ctrl-C; with --once until its queue is empty
    indexer.py search AMQP_URL POSTGRES_DSN TEXT         the five images that are closest to a text

Embeddings are of pgvector's type vector where the server has that extension, with an index; else arrays of real, compared one by one.
"""
import base64, array, json, secrets, sys
import pika, psycopg2

QUEUE = "example-indexer"  # a durable queue of our own: it fills while nobody reads, and takes nothing from anybody


def has_vectors(cursor):
    cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")
    return cursor.fetchone() is not None


def prepare(cursor):
    vectors = has_vectors(cursor)
    if vectors:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    cursor.execute(f"""CREATE TABLE IF NOT EXISTS results (
        result_id text PRIMARY KEY, bucket text NOT NULL, key text NOT NULL, task text NOT NULL, model text NOT NULL, revision text NOT NULL,
        caption text, embedding {'vector' if vectors else 'real[]'}, produced_at timestamptz NOT NULL)""")
    cursor.execute("CREATE INDEX IF NOT EXISTS results_image ON results (bucket, key)")


def numbers(embedding):
    if "values" in embedding:
        return list(embedding["values"])
    values = array.array("f")
    values.frombytes(base64.b64decode(embedding["base64"]))
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()


def literal(values, vectors):
    return "[" + ",".join(map(repr, values)) + "]" if vectors else values


def upsert(cursor, result, vectors):
    for output in result["outputs"]:
        embedding = literal(numbers(output["embedding"]), vectors) if "embedding" in output else None
        # A result that comes again has the same id. One of a newer model has another: the row it replaces goes.
        cursor.execute("DELETE FROM results WHERE bucket = %s AND key = %s AND task = %s AND result_id <> %s AND produced_at <= %s", (
            result["image"]["bucket"], result["image"]["key"], output["task"], output["resultId"], result["producedAt"]))
        cursor.execute("""INSERT INTO results VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (result_id) DO UPDATE SET caption = excluded.caption, embedding = excluded.embedding, produced_at = excluded.produced_at""", (
            output["resultId"], result["image"]["bucket"], result["image"]["key"], output["task"], output["model"]["alias"],
            output["model"]["revision"], output.get("caption", {}).get("text"), embedding, result["producedAt"]))


def index(url, dsn, once):
    database = psycopg2.connect(dsn)
    with database, database.cursor() as cursor:
        prepare(cursor)
        vectors = has_vectors(cursor)
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 2147483647, "x-overflow": "reject-publish"})
    channel.queue_bind(QUEUE, "vl.results", "described.#")
    channel.basic_qos(prefetch_count=200)
    batch, indexed = [], 0
    for method, _, body in channel.consume(QUEUE, inactivity_timeout=0.5):
        if method is not None:
            batch.append((method.delivery_tag, json.loads(body)))
        if batch and (method is None or len(batch) >= 100):
            with database, database.cursor() as cursor:  # one transaction; acknowledged only after its commit
                for _, result in batch:
                    if "outputs" in result:
                        upsert(cursor, result, vectors)
            channel.basic_ack(batch[-1][0], multiple=True)
            indexed += len(batch)
            batch = []
        elif method is None and once:
            break
    print(f"{indexed} indexed", file=sys.stderr)


def embed(url, text):
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.confirm_delivery()
    replies = channel.queue_declare("", exclusive=True).method.queue
    request = {"id": f"search-{secrets.token_hex(4)}", "text": text}
    channel.basic_publish("vl.requests", "text", json.dumps(request).encode(), mandatory=True, properties=pika.BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=request["id"], reply_to=replies))
    _, _, body = next(channel.consume(replies, auto_ack=True, inactivity_timeout=60))
    answer = json.loads(body) if body else {"reason": "no answer within a minute"}
    if "embedding" not in answer:
        sys.exit(f"the text was not embedded: {answer['reason']}")
    return numbers(answer["embedding"]), answer["model"]["revision"]


def search(url, dsn, text):
    values, revision = embed(url, text)
    with psycopg2.connect(dsn) as database, database.cursor() as cursor:
        # Vectors have length 1, so the inner product is the cosine. Those of another model are not comparable.
        similarity = "-(embedding <#> %s)" if has_vectors(cursor) else "(SELECT sum(a * b) FROM unnest(embedding, %s::real[]) AS pair(a, b))"
        cursor.execute(f"""SELECT e.bucket, e.key, {similarity} AS similarity,
                (SELECT caption FROM results c WHERE c.bucket = e.bucket AND c.key = e.key AND c.task = 'caption' LIMIT 1)
            FROM results e WHERE e.task = 'embedding' AND e.revision = %s ORDER BY similarity DESC LIMIT 5""",
            (literal(values, has_vectors(cursor)), revision))
        for bucket, key, similarity, caption in cursor.fetchall():
            print(f"{similarity:.3f}  {bucket}/{key}  {caption or ''}")


if len(sys.argv) >= 4 and sys.argv[1] == "index":
    index(sys.argv[2], sys.argv[3], "--once" in sys.argv[4:])
elif len(sys.argv) >= 5 and sys.argv[1] == "search":
    search(sys.argv[2], sys.argv[3], " ".join(sys.argv[4:]))
else:
    sys.exit(__doc__)
