"""Pillow as a peer: reads one JSON request a line, answers with one JSON line, followed by raw bytes where the answer says so.

prepare  {"op": "prepare", "file": path, "plans": [plan, ...]}   -> {"sizes": [[w, h], ...]} and the RGB bytes of each plan
resize   {"op": "resize", "files": [...], "plan": plan, "rounds": n} -> {"images": n, "seconds": s}; decoding is not timed
decode   {"op": "decode", ...}                                      -> the same, from encoded bytes in memory

A plan is {"width", "height"} or {"shortest"}, with "crop": [w, h] or null, "resample"; without width and shortest the image keeps its size.
"""
import io
import json
import sys
import time

from PIL import Image, ImageOps

OLD = int(Image.__version__.split(".")[0]) < 13


def upright(source):
    image = Image.open(source)
    image.load()
    if image.getexif().get(0x0112, 1) in range(2, 9):
        # Not for upright images, which it would only copy.
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        # 16-bit grey: keep the upper byte.
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    return image if image.mode == "RGB" else image.convert("RGB")


def prepare(image, plan):
    width, height = image.size
    if plan.get("shortest"):
        shortest = plan["shortest"]
        longest = int(shortest * max(width, height) / min(width, height))
        size = (shortest, longest) if width <= height else (longest, shortest)
    elif plan.get("width"):
        size = (plan["width"], plan["height"])
    else:
        return image
    rows, columns = height - size[1], width - size[0]
    if OLD and rows > 0 and rows > 2 * columns:
        # Pillow 13 takes this order by itself.
        image = image.resize((width, size[1]), resample=plan["resample"])
    image = image.resize(size, resample=plan["resample"])
    if plan.get("crop"):
        crop_width, crop_height = plan["crop"]
        left, top = (size[0] - crop_width) // 2, (size[1] - crop_height) // 2
        image = image.crop((left, top, left + crop_width, top + crop_height))
    return image


def timed(request):
    plan = request["plan"]
    if request["op"] == "resize":
        images = [upright(path) for path in request["files"]]
        run = prepare
    else:
        images = [open(path, "rb").read() for path in request["files"]]
        run = lambda data, plan: prepare(upright(io.BytesIO(data)), plan)
    start = time.perf_counter()
    for _ in range(request["rounds"]):
        for image in images:
            run(image, plan)
    return {"images": len(images) * request["rounds"], "seconds": time.perf_counter() - start}


def main():
    out = sys.stdout.buffer
    for line in sys.stdin:
        request = json.loads(line)
        blobs = []
        try:
            if request["op"] == "version":
                answer = {"version": "Pillow " + Image.__version__}
            elif request["op"] == "prepare":
                image = upright(request["file"])
                images = [prepare(image, plan) for plan in request["plans"]]
                answer = {"sizes": [list(each.size) for each in images]}
                blobs = [each.tobytes() for each in images]
            else:
                answer = timed(request)
        except Exception as error:  # the peer's refusal is an answer too
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        out.write(json.dumps(answer).encode() + b"\n")
        for blob in blobs:
            out.write(blob)
        out.flush()


main()
