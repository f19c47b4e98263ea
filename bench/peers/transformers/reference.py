"""Hugging Face transformers on the GPU, for `bench gpu`: reads a request a line from standard input, answers a line of JSON each.

Weights are made from seeds (map.json of each model's folder), so both sides run the same model. Needs torch, transformers, numpy.
"""
import copy
import json
import os
import re
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy
import torch
import transformers

torch.set_grad_enabled(False)

def candidates(name):
    """The names that a parameter has in other versions: transformers 5 renamed ViT's parts."""
    yield name
    plain = name
    for old, new in (
        (".attention.attention.query.", ".attention.q_proj."), (".attention.attention.key.", ".attention.k_proj."),
        (".attention.attention.value.", ".attention.v_proj."), (".attention.output.dense.", ".attention.o_proj."),
        (".intermediate.dense.", ".mlp.fc1."), (".output.dense.", ".mlp.fc2."),
    ):
        plain = plain.replace(old, new)
    for prefix in ("encoder.encoder.layer.", "encoder.layers.", "encoder.encoder.layers."):
        yield re.sub(r"^encoder\.encoder\.layer\.", prefix, plain)
        yield re.sub(r"^encoder\.encoder\.layer\.", prefix, name)
    yield name.replace("vision_model.", "", 1)
    yield name.replace("text_model.", "", 1)


def seeded(folder, model):
    """Fills a model's parameters; gives the names that found no place."""
    with open(os.path.join(folder, "map.json")) as file:
        parameters = json.load(file)["params"]
    state = model.state_dict()
    lost = []

    def fill(name):
        entry = parameters[name]
        place = next((other for other in candidates(name) if other in state and list(state[other].shape) == entry["shape"]), None)
        if place is None:
            lost.append(name)
            return
        normals = numpy.random.Generator(numpy.random.PCG64(zlib.crc32(entry.get("seed_name", name).encode())))
        values = normals.standard_normal(size=tuple(entry["shape"]), dtype=numpy.float32) * numpy.float32(entry["std"])
        if entry["mean"]:
            values += numpy.float32(entry["mean"])
        state[place].copy_(torch.from_numpy(values))

    names = list(parameters)
    if isinstance(model, transformers.CLIPVisionModelWithProjection):
        names = [name for name in names if name.startswith("vis")]
    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, names))
    if hasattr(model, "tie_weights"):
        model.tie_weights()
    return lost


def load(folder):
    """The models of a folder, 32-bit, on the processor."""
    with open(os.path.join(folder, "config.json")) as file:
        kind = json.load(file)["model_type"]
    if kind == "vision-encoder-decoder":
        model = transformers.VisionEncoderDecoderModel(transformers.VisionEncoderDecoderConfig.from_pretrained(folder))
        for name in ("decoder_start_token_id", "pad_token_id", "eos_token_id", "bos_token_id"):
            setattr(model.generation_config, name, 50256)
    else:
        model = transformers.CLIPVisionModelWithProjection(transformers.CLIPConfig.from_pretrained(folder).vision_config)
    model.eval()
    return model, seeded(folder, model)


def pixels(request, preprocessor, dtype):
    """Images of 8 bits in a file, normalised as the folder says; [count, 3, height, width]."""
    bytes_ = numpy.fromfile(request["pixels"], dtype=numpy.uint8).reshape(-1, 224, 224, 3)[: request["count"]]
    scale = preprocessor.get("rescale_factor", 1 / 255)
    mean, deviation = numpy.float32(preprocessor["image_mean"]), numpy.float32(preprocessor["image_std"])
    values = ((bytes_ * scale).astype(numpy.float32) - mean) / deviation
    return torch.from_numpy(values).permute(0, 3, 1, 2).contiguous().to("cuda", dtype)


def timed(run, count):
    """Milliseconds of each of some runs, after one that does not count."""
    run()
    torch.cuda.synchronize()
    times = []
    for _ in range(count):
        started = time.perf_counter()
        run()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - started) * 1e3)
    return times


class Peer:
    def __init__(self, root):
        self.root, self.models = root, {}

    def get(self, name, dtype):
        key = (name, dtype)
        if key not in self.models:
            if name not in self.models:
                self.models[name] = load(os.path.join(self.root, name))
            self.models[key] = copy.deepcopy(self.models[name][0]).to("cuda", dtype)
        return self.models[key]

    def answer(self, request):
        name = request["model"]
        dtype = torch.float16 if request.get("precision", "fp16") == "fp16" else torch.float32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        model = self.get(name, dtype)
        with open(os.path.join(self.root, name, "preprocessor_config.json")) as file:
            preprocessor = json.load(file)
        images = pixels(request, preprocessor, dtype)
        if request["batch"] > len(images):
            images = images.repeat((request["batch"] + len(images) - 1) // len(images), 1, 1, 1)
        images = images[: request["batch"]].contiguous()
        if isinstance(model, transformers.VisionEncoderDecoderModel):
            options = dict(max_new_tokens=request["tokens"], do_sample=False, num_beams=request.get("beams", 1))
            if not request.get("result"):
                options["min_new_tokens"] = request["tokens"]
            run = lambda: model.generate(pixel_values=images, **options)
        else:
            run = lambda: model(pixel_values=images).image_embeds
        if request.get("result"):
            return dict(result=run().float().cpu().numpy().tolist(), lost=len(self.models[name][1]))
        return dict(milliseconds=timed(run, request["runs"]), lost=len(self.models[name][1]))


def serve(peer):
    """Answers requests until there are no more."""
    print(json.dumps(dict(torch=torch.__version__, transformers=transformers.__version__, gpu=torch.cuda.get_device_name(0))), flush=True)
    for line in sys.stdin:
        try:
            answer = peer.answer(json.loads(line))
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            answer = dict(error="out of memory")
        except Exception as error:  # the other side decides what to do without this figure
            answer = dict(error=f"{type(error).__name__}: {error}"[:500])
        torch.cuda.empty_cache()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(Peer(sys.argv[1]))
