"""Makes formats.zip: small images of every kind that is read, and pillow.json (what Pillow makes of them, and of a formula's image).

Run with any Pillow: python3 make_golden.py. Checked with 9.4.0 and against images.json, which Pillow 13.0.0 made.
"""
import hashlib
import io
import json
import os
import random
import struct
import zipfile
import zlib

from PIL import Image, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
OLD = int(Image.__version__.split(".")[0]) < 13
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
files = {}


def sha(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def resize(image, size, resample):
    width, height = image.size
    if OLD and height > size[1] and height - size[1] > 2 * (width - size[0]):
        # Pillow 13 takes this order by itself.
        image = image.resize((width, size[1]), resample)
    return image.resize(size, resample)


def formula(width, height):
    """The test computes the same pixels."""
    data = bytearray()
    for y in range(height):
        for x in range(width):
            for c in range(3):
                v = (x * 73856093 ^ y * 19349663 ^ c * 83492791) & 0xFFFFFFFF
                v = (v ^ (v >> 13)) * 0x5BD1E995 & 0xFFFFFFFF
                data.append((v >> 15) & 255)
    return Image.frombytes("RGB", (width, height), bytes(data))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def predict(kind, a, b, c):
    if kind < 4:
        return [0, a, b, (a + b) // 2][kind]
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(rows, step, rnd):
    out, above = bytearray(), bytes(len(rows[0]))
    for row in rows:
        kind = rnd.randrange(5)
        out.append(kind)
        for i, value in enumerate(row):
            a, c = (row[i - step], above[i - step]) if i >= step else (0, 0)
            out.append((value - predict(kind, a, above[i], c)) & 255)
        above = row
    return bytes(out)


def packed(samples, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", sample) for sample in samples)
    bits = "".join(format(sample, "0%db" % depth) for sample in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def png(width, height, depth, kind, interlaced, rnd, extra, part):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    most = (1 << depth) - 1
    pixels = [[[rnd.randrange(most + 1) if rnd.random() < .3 else (x * most // width + c * 7) & most
                for c in range(channels)] for x in range(width)] for _ in range(height)]
    step = max(1, channels * depth // 8)
    raw = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        rows = [packed([sample for pixel in row[x0::dx] for sample in pixel], depth) for row in pixels[y0::dy]]
        if rows and rows[0]:
            raw += filtered(rows, step, rnd)
    data = zlib.compress(raw, 9)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    parts = b"".join(chunk(b"IDAT", data[i:i + part]) for i in range(0, len(data), part))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + parts + chunk(b"IEND", b"")


def make_pngs():
    rnd = random.Random(5)
    for kind, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))):
        for depth in depths:
            extra = chunk(b"tRNS", struct.pack(">H", 1)) if kind == 0 else b""
            if kind == 3:
                colors = min(256, 1 << depth) - (3 if depth == 8 else 0)
                extra = chunk(b"PLTE", bytes(rnd.randrange(256) for _ in range(3 * colors))) + chunk(b"tRNS", bytes([0, 128]))
            for interlaced in (0, 1):
                for width, height in ((1, 1), (3, 2), (33, 21)):
                    name = "png-kind%d-%dbit%s-%dx%d.png" % (kind, depth, "-interlaced" * interlaced, width, height)
                    files[name] = png(width, height, depth, kind, interlaced, rnd, extra, 37 if width > 3 else 1 << 20)


def save(name, image, **options):
    out = io.BytesIO()
    image.save(out, {"jpg": "JPEG"}.get(name.split(".")[1], name.split(".")[1].upper()), **options)
    files[name] = out.getvalue()


def patched(name, at, form, *values):
    data = bytearray(files[name])
    struct.pack_into(form, data, at, *values)
    return bytes(data)


def make_gifs(base):
    colors = base.quantize(64)
    save("gif-plain.gif", colors, interlace=0)
    save("gif-interlaced.gif", colors, interlace=1)
    save("gif-transparent.gif", colors, transparency=3)
    save("gif-grey.gif", base.convert("L"))
    save("gif-black-white.gif", base.convert("1"))
    noise = formula(97, 61).quantize(256)
    save("gif-full-table.gif", noise, interlace=1)
    files["gif-canvas-larger.gif"] = patched("gif-plain.gif", 6, "<HH", 60, 50)
    files["gif-canvas-smaller.gif"] = patched("gif-plain.gif", 6, "<HH", 10, 8)
    files["gif-canvas-larger-transparent.gif"] = patched("gif-transparent.gif", 6, "<HH", 60, 50)


def bmp(name, width, height, bits, data, compression=0, palette=b"", masks=b""):
    offset = 54 + len(masks) + len(palette)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 2835, 2835, len(palette) // 4, 0)
    files["bmp-%s.bmp" % name] = b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + head + masks + palette + data


def make_bmps(base):
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        save("bmp-%s.bmp" % mode.lower(), base.convert(mode))
    w, h = 33, 20
    pad = lambda row: row + b"\0" * (-len(row) % 4)
    sixteen = b"".join(bytes([i * 16, 255 - i * 16, i * 7, 0]) for i in range(16))
    full = b"".join(bytes([i, (i * 3) & 255, 255 - i, 0]) for i in range(256))
    words = lambda factor, mask: b"".join(
        pad(b"".join(struct.pack("<H", (x * factor + y * 77) & mask) for x in range(w))) for y in range(h))
    bmp("4bit", w, h, 4, b"".join(pad(bytes(((x * 3 + y) & 15) << 4 | ((x * 5 + y) & 15) for x in range(17))) for y in range(h)), 0, sixteen)
    bmp("555", w, h, 16, words(991, 0x7FFF))
    bmp("565", w, h, 16, words(1991, 0xFFFF), 3, b"", struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    bmp("32bit", w, h, 32, b"".join(struct.pack("<I", (x * 77777 + y * 999999 + (x * y << 24)) & 0xFFFFFFFF) for y in range(h) for x in range(w)))
    bmp("top-down", w, -h, 24, b"".join(pad(bytes((x * 7 + y * 3 + c * 50) & 255 for x in range(w) for c in range(3))) for y in range(h)))
    bmp("rle8", w, h, 8, b"".join(bytes([w - 3, (y * 9) & 255, 0, 3, 1, 2, 3, 0, 0, 0]) for y in range(h)) + b"\0\1", 1, full)
    bmp("rle4", w, h, 4, b"".join(bytes([w, 0x12 + y, 0, 0]) for y in range(h)) + b"\0\1", 2, sixteen)


def make_lossy(base):
    for sub in (0, 1, 2):
        save("jpg-%d.jpg" % sub, base, quality=80, subsampling=sub)
        save("jpg-%d-progressive.jpg" % sub, base, quality=80, subsampling=sub, progressive=True)
    save("jpg-grey.jpg", base.convert("L"))
    save("jpg-cmyk.jpg", base.convert("CMYK"))
    save("jpg-cmyk-progressive.jpg", base.convert("CMYK"), progressive=True)
    alpha = base.convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    save("webp-lossy.webp", base)
    save("webp-lossless.webp", base, lossless=True)
    save("webp-alpha.webp", alpha)
    save("webp-lossless-alpha.webp", alpha, lossless=True, exact=True)
    save("webp-animated.webp", base, save_all=True, append_images=[base.rotate(9)], duration=50)
    for value in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = value
        for kind in ("jpg", "png", "webp"):
            save("exif%d.%s" % (value, kind), base, exif=exif)
    for width, height in ((1, 1), (1, 7), (7, 1), (17, 16), (16, 17), (2, 150), (150, 2)):
        for kind in ("jpg", "webp", "bmp", "gif"):
            save("size-%dx%d-%s.%s" % (width, height, kind, kind), base.resize((width, height)))


def prepared(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode.startswith("I"):
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    image = image.convert("RGB")
    width, height = image.size
    longest = int(56 * max(width, height) / min(width, height))
    clip = resize(image, (56, longest) if width <= height else (longest, 56), 3)
    left, top = (clip.size[0] - 56) // 2, (clip.size[1] - 56) // 2
    return {"size": [width, height], "rgb": sha(image), "squash48": sha(resize(image, (48, 48), 2)),
            "crop56": sha(clip.crop((left, top, left + 56, top + 56)))}


def main():
    smooth = formula(9, 6).resize((33, 21), 3)
    make_pngs()
    make_gifs(smooth)
    make_bmps(smooth)
    make_lossy(smooth)
    rnd = random.Random(7)
    sizes = [(1, 1, 5, 5), (1, 1, 1, 1), (224, 224, 224, 224), (300, 40, 7, 7), (40, 300, 7, 7), (40, 300, 50, 20), (5, 400, 3, 100),
             (64, 64, 64, 20), (64, 64, 20, 64), (100, 100, 99, 98), (448, 896, 224, 224), (180, 420, 110, 256)]
    sizes += [tuple(rnd.randrange(1, 120) for _ in range(4)) for _ in range(50)]
    table = []
    for w, h, ow, oh in sizes:
        image = formula(w, h)
        table.append([w, h, ow, oh] + [sha(resize(image, (ow, oh), resample)) for resample in (1, 2, 3)])
    lines = [json.dumps(name) + ": " + json.dumps(prepared(data)) for name, data in sorted(files.items())]
    golden = '{"pillow": "%s",\n"formats": {\n%s\n},\n"resized": [\n%s\n]}\n' % (
        Image.__version__, ",\n".join(lines), ",\n".join(json.dumps(row) for row in table))
    with zipfile.ZipFile(os.path.join(HERE, "formats.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo("pillow.json"), golden, zipfile.ZIP_DEFLATED)


main()
