"""Makes the source folders of the fixtures siglip2 and siglip2-naflex: tiny models with random weights in the form of Google's SigLIP 2
checkpoints on the Hub, and what transformers gives for them.

    python tests/Fixtures/make/siglip2.py OUT [IMAGES]

OUT receives siglip2/ and siglip2-naflex/, which pack.cs packs; IMAGES is a folder with the six images of images.tar.br, which is read where it
is left out (needs the package brotli). Needs transformers, tokenizers, torch, Pillow and safetensors; runs on the CPU in seconds.
"""
import base64
import io
import json
import math
import os
import pathlib
import sys
import tarfile
import traceback

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import PIL.Image
import PIL.ImageOps
import tokenizers
import torch
import transformers
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModel, AutoTokenizer

EMBEDDED = {}
LENGTH = 64

SENTENCES = """
a photo of a cat. a photo of a dog. a photo of two cats and one dog. This is a photo of a red bicycle.
two people riding bicycles on the beach. the quick brown fox jumps over the lazy dog. an old man with a yellow umbrella in the rain.
a bowl of fruit on a wooden table, next to a cup of coffee. the city at night with many lights. It's sunny and warm, isn't it?
A Small House near the Lake. New York City, 2024. an aerial view of green fields and a river. the train stands in the station.
une photo d'un café à Paris. ein Foto von einem Hund. una foto de un gato negro. 25 degrees. 3 birds in 1 tree.
children playing football in the park. a close-up of a flower. a screenshot of a web page. the sky is blue. white clouds above the mountains.
a photo of a cat. a photo of a dog. This is a photo of a cat. This is a photo of a dog. a painting of a ship in a storm.
""".strip().split("\n")

TEXTS = [
    "a photo of a cat",
    "This is a photo of a dog.",
    "two people riding bicycles on the beach",
    "A PHOTO OF A CAT",
    "It's 25 degrees & SUNNY, isn't it?",
    "  two  spaces,   three\u00a0and some  ",
    "",
    " ",
    "a",
    "caf\u00e9 na\u00efve \u2014 \u00fcber \u0130stanbul \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
    "e\u0301 is not \u00e9",
    "\u65e5\u672c\u8a9e \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \ufdfa",
    "first line\nsecond\n\nfourth\ttab\r\n",
    "<eos>a photo<bos> of <pad> a <unk> cat<eos>",
    "<table> <start_of_turn>user<end_of_turn> <EOS> <0x41> <unused0> \u2581\u2581x\u2581y",
    "the quick brown fox jumps over the lazy dog.",
    "cats " * 200,
    "\ud55c\uad6d\uc5b4 \u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u0939\u093f\u0928\u094d\u0926\u0940",
]

# As Gemma's file has them: special ones, then runs of line feeds and of spaces, then HTML tags, then the bytes.
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<2mass>", "[@BOS@]", "<unused0>", "<start_of_turn>", "<end_of_turn>"]
RUNS = ["\n", "\n\n", "\n\n\n", "\u2581\u2581", "\u2581\u2581\u2581"]
TAGS = ["<table>", "<td>", "<h1>", "<blockquote>"]


def tokenizer_json():
    """A tokenizer.json with the pipeline of google/siglip2-base-patch16-224, its vocabulary trained on the sentences."""
    trained = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    trained.normalizer = normalizers.Replace(" ", "\u2581")
    trained.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    trained.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=220, special_tokens=["<unk>"], show_progress=False))
    model = json.loads(trained.to_str())["model"]
    merges = [merge if isinstance(merge, list) else merge.split(" ") for merge in model["merges"]]
    learned = [token for token, _ in sorted(model["vocab"].items(), key=lambda item: item[1]) if token != "<unk>"]
    runs = [["\n", "\n"], ["\n", "\n\n"], ["\n\n", "\n"], ["\u2581", "\u2581"], ["\u2581", "\u2581\u2581"], ["\u2581\u2581", "\u2581"]]
    # The tabulator stands where <0x09> should: so it does in Gemma's file.
    tokens = SPECIAL + RUNS + TAGS + ["\t" if value == 9 else f"<0x{value:02X}>" for value in range(256)]
    tokens += [token for token in learned if token not in tokens]
    vocab = {token: number for number, token in enumerate(tokens)}

    def added(token, special):
        return {"id": vocab[token], "content": token, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": special}

    ends = {"SpecialToken": {"id": "<eos>", "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": {"strategy": {"Fixed": LENGTH}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
                    "pad_token": "<pad>"},
        "added_tokens": [added(token, token in SPECIAL and not token.startswith(("<2", "[", "<unused"))) for token in SPECIAL + RUNS + TAGS],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, ends],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, ends, {"Sequence": {"id": "B", "type_id": 1}},
                     {"SpecialToken": {"id": "<eos>", "type_id": 1}}],
            "special_tokens": {"<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}},
        },
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                                                     {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": True, "byte_fallback": True, "ignore_merges": False, "vocab": vocab, "merges": runs + merges},
    }


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def write_tokenizer(folder, processor_class):
    file = tokenizer_json()
    write_json(folder / "tokenizer.json", file)
    decoder = {str(token["id"]): {name: token[name] for name in ("content", "lstrip", "normalized", "rstrip", "single_word", "special")}
               for token in file["added_tokens"]}
    write_json(folder / "tokenizer_config.json", {
        "add_bos_token": False, "add_eos_token": True, "added_tokens_decoder": decoder,
        "additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"], "bos_token": "<bos>", "clean_up_tokenization_spaces": False,
        "eos_token": "<eos>", "extra_special_tokens": {}, "model_input_names": ["input_ids"], "model_max_length": LENGTH,
        "pad_token": "<pad>", "padding_side": "right", "processor_class": processor_class, "sp_model_kwargs": {},
        "spaces_between_special_tokens": False, "tokenizer_class": "GemmaTokenizer", "unk_token": "<unk>",
        "use_default_system_prompt": False})
    named = {role: {"content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
             for role, token in (("bos_token", "<bos>"), ("eos_token", "<eos>"), ("pad_token", "<pad>"), ("unk_token", "<unk>"))}
    write_json(folder / "special_tokens_map.json", {"additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"], **named})


def images(given):
    """Name without its ending -> RGB image, turned as EXIF says, transparency dropped."""
    if given:
        files = {path.name: path.read_bytes() for path in pathlib.Path(given).iterdir()}
    elif EMBEDDED:
        files = {name: base64.b64decode(text) for name, text in EMBEDDED.items()}
    else:
        import brotli
        archive = pathlib.Path(__file__).resolve().parent.parent / "images.tar.br"
        with tarfile.open(fileobj=io.BytesIO(brotli.decompress(archive.read_bytes()))) as tar:
            files = {pathlib.Path(member.name).name: tar.extractfile(member).read() for member in tar.getmembers() if member.isfile()}
    assert len(files) == 6, sorted(files)
    return {name.split(".")[0]: PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(file))).convert("RGB")
            for name, file in sorted(files.items())}


def prepared(image, height, width):
    """Pixels as the Pillow backend of the image processors makes them with Pillow 13: [3, height, width]."""
    if height < image.height and image.height - height > 2 * (image.width - width):
        # Pillow 13 goes along columns first here, older ones along rows; what is rounded between the two differs.
        image = image.resize((image.width, height), resample=PIL.Image.Resampling.BILINEAR)
    resized = np.asarray(image.resize((width, height), resample=PIL.Image.Resampling.BILINEAR))
    values = (resized.astype(np.float64) * (1 / 255)).astype(np.float32)
    return np.ascontiguousarray(((values - np.float32(0.5)) / np.float32(0.5)).transpose(2, 0, 1))


def initialise(model, seed):
    """Weights that make different inputs clearly different, on a coarse grid so that they pack well."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in sorted(model.named_parameters()):
            if name == "logit_scale":
                tensor.fill_(math.log(24))
                continue
            if name == "logit_bias":
                tensor.fill_(-2.5)
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if "norm" in name and name.endswith("weight"):
                values, step = 1 + 0.2 * noise, 1 / 16
            elif name.endswith("bias"):
                values, step = 0.2 * noise, 1 / 16
            elif "embeddings.token" in name or "embeddings.position" in name or name.endswith("probe"):
                values, step = 0.7 * noise, 1 / 4
            else:
                deviation = 1.6 / math.sqrt(tensor[0].numel())
                values, step = deviation * noise, 2.0 ** round(math.log2(deviation / 3))
            tensor.copy_((values / step).round() * step)
    return model.eval()


def new_model(config_file, seed):
    try:
        config = transformers.AutoConfig.from_pretrained(config_file.parent)
    except Exception:
        # A newer transformers may insist that the default ids of special tokens are in the vocabulary, and here they are not.
        print(traceback.format_exc(limit=1))
        values = json.loads(config_file.read_text(encoding="utf-8"))
        values["text_config"] |= {"bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0}
        write_json(config_file, values)
        config = transformers.AutoConfig.from_pretrained(config_file.parent)
    return initialise(AutoModel.from_config(config, attn_implementation="eager"), seed)


def tokenized(folder):
    """Token ids of all texts by every way transformers has, padded to the context."""
    ways = {}
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    raw.enable_truncation(LENGTH)
    ways["tokenizers"] = [raw.encode(text).ids for text in TEXTS]

    def through(name, make):
        try:
            tokenizer = make()
            ids = [tokenizer(text, padding="max_length", max_length=LENGTH, truncation=True)["input_ids"] for text in TEXTS]
            ways[name] = [[int(value) for value in row] for row in ids]
            print(f"  {name}: {type(tokenizer).__name__}, {str(getattr(getattr(tokenizer, '_tokenizer', None), 'normalizer', None))[:160]}")
        except Exception:
            print(f"  {name}: failed\n{traceback.format_exc(limit=2)}")

    through("AutoTokenizer", lambda: AutoTokenizer.from_pretrained(folder))
    through("AutoProcessor", lambda: transformers.AutoProcessor.from_pretrained(folder).tokenizer)
    through("GemmaTokenizer", lambda: transformers.GemmaTokenizer.from_pretrained(folder))
    through("Siglip2Tokenizer", lambda: transformers.Siglip2Tokenizer.from_pretrained(folder))
    config = folder / "tokenizer_config.json"
    kept = config.read_text(encoding="utf-8")
    config.write_text(kept.replace("GemmaTokenizer", "Siglip2Tokenizer"), encoding="utf-8")
    through("AutoTokenizer of Siglip2Tokenizer", lambda: AutoTokenizer.from_pretrained(folder))
    config.write_text(kept, encoding="utf-8")
    ways.setdefault("AutoTokenizer", ways["tokenizers"])
    for name, ids in ways.items():
        different = [number for number, row in enumerate(ids) if row != ways["tokenizers"][number]]
        print(f"  {name}: differs from tokenizers alone in texts {different}")
        for number in different[:3]:
            print(f"    {TEXTS[number][:40]!r}\n      {ways['tokenizers'][number][:24]}\n      {ids[number][:24]}")
    return ways


def export(model, folder, pixels, ids):
    """The two towers as ONNX, as the public repositories have them, where torch can."""
    class Pooled(torch.nn.Module):
        def __init__(self, tower, name):
            super().__init__()
            self.tower, self.name = tower, name

        def forward(self, value):
            output = self.tower(**{self.name: value})
            return output.last_hidden_state, output.pooler_output

    # Without the package onnx only the functions of onnxscript can't be added, and there are none.
    for place in ("torch.onnx._internal.torchscript_exporter.onnx_proto_utils", "torch.onnx._internal.onnx_proto_utils"):
        try:
            module = __import__(place, fromlist=["x"])
            module._add_onnxscript_fn = lambda model_bytes, custom_opsets: model_bytes
        except ImportError:
            pass
    towers = [("vision_model", model.vision_model, "pixel_values", pixels, {0: "batch_size", 1: "num_channels", 2: "height", 3: "width"}),
              ("text_model", model.text_model, "input_ids", ids, {0: "batch_size", 1: "sequence_length"})]
    for name, tower, input_name, value, axes in towers:
        try:
            torch.onnx.export(
                Pooled(tower, input_name).eval(), (value,), str(folder / "onnx" / f"{name}.onnx"), input_names=[input_name],
                output_names=["last_hidden_state", "pooler_output"], opset_version=17, dynamo=False, do_constant_folding=True,
                dynamic_axes={input_name: axes, "last_hidden_state": {0: "batch_size"}, "pooler_output": {0: "batch_size"}})
            print(f"  {name}.onnx: {(folder / 'onnx' / f'{name}.onnx').stat().st_size} bytes")
        except Exception:
            print(f"  {name}.onnx: failed\n{traceback.format_exc(limit=6)}")
            (folder / "onnx" / f"{name}.onnx").unlink(missing_ok=True)


def save_weights(model, folder, expected):
    """Under the names that transformers stores."""
    kept = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    model.save_pretrained(folder)
    for path in folder.glob("*.json"):
        if path.name not in kept:
            path.unlink()
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    weights = load_file(folder / "model.safetensors")
    print("  weights:", sum(value.size for value in weights.values()), "numbers in", len(weights), "tensors")
    print("  names:", " ".join(name for name in sorted(weights) if ".layers.1." not in name))
    missing = [name for name in expected if name not in weights]
    assert not missing, missing
    assert all(value.dtype == np.float32 for value in weights.values())


def spread(name, vectors):
    unit = vectors / vectors.norm(dim=-1, keepdim=True)
    cosines = unit @ unit.T - 3 * torch.eye(len(unit))
    print(f"  {name}: cosines between different ones {cosines[cosines > -1.5].min():.3f} to {cosines.max():.3f}")
    return float(cosines.max())


def write_golden(folder, info, ways, embeddings, texts, logits, pixels):
    tensors = {f"pixel_values.{stem}": value for stem, value in pixels.items()}
    tensors |= {f"image_embeds.{stem}": row.numpy().copy() for stem, row in zip(pixels, embeddings)}
    tensors |= {f"text_embeds.{number}": row.numpy().copy() for number, row in enumerate(texts)}
    tensors["logits_per_image"] = logits.numpy().copy()
    (folder / "golden").mkdir(exist_ok=True)
    save_file(tensors, folder / "golden" / "golden.safetensors")
    rows = []
    for number, text in enumerate(TEXTS):
        row = {"k": number, "text": text, "input_ids": ways["AutoTokenizer"][number]}
        if ways.get("Siglip2Tokenizer", ways["AutoTokenizer"])[number] != row["input_ids"]:
            row["lowercased_ids"] = ways["Siglip2Tokenizer"][number]
        rows.append(row)
    write_json(folder / "golden" / "golden.json", {
        "family": folder.name,
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__, "torch": torch.__version__,
                     "numpy": np.__version__, "PIL": PIL.__version__, "python": sys.version.split()[0]},
        "info": info, "cases": [], "texts": rows,
        "scores": [[round(float(value), 6) for value in row] for row in torch.sigmoid(logits)],
        "stems": list(pixels)})
    scores = torch.sigmoid(logits)
    print(f"  scores {float(scores.min()):.4f} to {float(scores.max()):.4f}, scale {info['logit_scale_exp']:.3f}")


def fixed(out, pictures):
    print("siglip2")
    folder, size = out / "siglip2", 48
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", {
        "initializer_factor": 1.0, "model_type": "siglip",
        "text_config": {"hidden_size": 24, "intermediate_size": 48, "model_type": "siglip_text_model", "num_attention_heads": 2,
                        "num_hidden_layers": 2, "projection_size": 32, "vocab_size": len(tokenizer_json()["model"]["vocab"])},
        "transformers_version": "4.49.0.dev0",
        "vision_config": {"hidden_size": 32, "image_size": size, "intermediate_size": 64, "model_type": "siglip_vision_model",
                          "num_attention_heads": 2, "num_hidden_layers": 2, "patch_size": 8}})
    write_json(folder / "preprocessor_config.json", {
        "do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5],
        "image_processor_type": "SiglipImageProcessor", "image_std": [0.5, 0.5, 0.5], "processor_class": "SiglipProcessor",
        "resample": 2, "rescale_factor": 0.00392156862745098, "size": {"height": size, "width": size}})
    write_tokenizer(folder, "SiglipProcessor")
    save_weights(new_model(folder / "config.json", 7), folder, [
        "logit_scale", "logit_bias", "text_model.embeddings.token_embedding.weight", "text_model.embeddings.position_embedding.weight",
        "text_model.final_layer_norm.weight", "text_model.head.weight", "vision_model.embeddings.patch_embedding.weight",
        "vision_model.head.attention.in_proj_weight", "vision_model.head.probe", "vision_model.post_layernorm.weight",
        "vision_model.encoder.layers.0.self_attn.q_proj.weight", "text_model.encoder.layers.1.mlp.fc2.bias"])
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    print(" ", type(model).__name__, transformers.__version__)
    ways = tokenized(folder)
    assert ways["AutoTokenizer"] and all(len(row) == LENGTH for row in ways["AutoTokenizer"])
    pixels = {stem: prepared(image, size, size) for stem, image in pictures.items()}
    check_processor(folder, pictures, pixels)
    values, ids = torch.tensor(np.stack(list(pixels.values()))), torch.tensor(ways["AutoTokenizer"])
    with torch.no_grad():
        embeddings = model.vision_model(pixel_values=values).pooler_output
        texts = model.text_model(input_ids=ids).pooler_output
        logits = model(pixel_values=values, input_ids=ids).logits_per_image
        alone = torch.cat([model.vision_model(pixel_values=values[i:i + 1]).pooler_output for i in range(len(values))])
        doubled = model.double().vision_model(pixel_values=values.double()).pooler_output
        model.float()
    print(f"  alone against together {float((alone - embeddings).abs().max()):.2e}, fp64 {float((doubled - embeddings).abs().max()):.2e}")
    assert spread("images", embeddings) < 0.998
    spread("texts", texts)
    write_golden(folder, info_of(model, 7), ways, embeddings, texts, logits, pixels)
    with torch.no_grad():
        export(model, folder, values[:2], ids[:2])


def info_of(model, seed):
    return {"seed": seed, "logit_scale_exp": float(model.logit_scale.detach().exp()), "logit_bias": float(model.logit_bias.detach())}


def check_processor(folder, pictures, pixels):
    """Says how far transformers' own processors are from Pillow's pixels, patches put together again."""
    for name in ("SiglipImageProcessorPil", "SiglipImageProcessor", "Siglip2ImageProcessorPil", "Siglip2ImageProcessor"):
        try:
            if ("Siglip2" in name) != ("naflex" in folder.name):
                continue
            processor = getattr(transformers, name).from_pretrained(folder)
            far = 0.0
            for stem, image in pictures.items():
                batch = processor(images=[image], return_tensors="np")
                got, expected = np.asarray(batch["pixel_values"][0]), pixels[stem]
                if "naflex" in folder.name:
                    height, width = (int(value) for value in np.asarray(batch["spatial_shapes"][0]))
                    expected, got = patches(expected, 8), got[:height * width]
                far = max(far, float(np.abs(got - expected).max()))
            print(f"  {name}: {far * 127.5:.2f} steps of 255 from Pillow's at most")
        except Exception:
            print(f"  {name}: failed: {traceback.format_exc(limit=1).splitlines()[-1]}")


def patches(image, size):
    channels, height, width = image.shape
    parts = image.reshape(channels, height // size, size, width // size, size)
    return np.ascontiguousarray(parts.transpose(1, 3, 2, 4, 0).reshape(-1, channels * size * size))


def naflex(out, pictures):
    print("siglip2-naflex")
    from transformers.models.siglip2.image_processing_siglip2 import get_image_size_for_max_num_patches
    folder, most, patch = out / "siglip2-naflex", 40, 8
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", {
        "architectures": ["Siglip2Model"], "initializer_factor": 1.0, "model_type": "siglip2",
        "text_config": {"hidden_size": 24, "intermediate_size": 48, "model_type": "siglip2_text_model", "num_attention_heads": 2,
                        "num_hidden_layers": 1, "projection_size": 32, "vocab_size": len(tokenizer_json()["model"]["vocab"])},
        "torch_dtype": "float32", "transformers_version": "4.49.0.dev0",
        "vision_config": {"hidden_size": 32, "intermediate_size": 64, "model_type": "siglip2_vision_model", "num_attention_heads": 2,
                          "num_hidden_layers": 2, "num_patches": 16, "patch_size": patch}})
    write_json(folder / "preprocessor_config.json", {
        "do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5],
        "image_processor_type": "Siglip2ImageProcessorFast", "image_std": [0.5, 0.5, 0.5], "max_num_patches": most, "patch_size": patch,
        "processor_class": "Siglip2Processor", "resample": 2, "rescale_factor": 0.00392156862745098})
    write_tokenizer(folder, "Siglip2Processor")
    save_weights(new_model(folder / "config.json", 8), folder, [
        "logit_scale", "logit_bias", "text_model.head.weight", "vision_model.embeddings.patch_embedding.weight",
        "vision_model.embeddings.position_embedding.weight", "vision_model.head.attention.in_proj_weight"])
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    print(" ", type(model).__name__)
    ways = tokenized(folder)
    shapes = {stem: get_image_size_for_max_num_patches(image.height, image.width, patch, most) for stem, image in pictures.items()}
    print("  sizes:", {stem: (image.size[::-1], shapes[stem]) for stem, image in pictures.items()})
    pixels = {stem: prepared(image, *shapes[stem]) for stem, image in pictures.items()}
    check_processor(folder, pictures, pixels)
    values, mask, grid = [], [], []
    for stem, image in pixels.items():
        rows = patches(image, patch)
        values.append(np.pad(rows, ((0, most - len(rows)), (0, 0))))
        mask.append([1] * len(rows) + [0] * (most - len(rows)))
        grid.append([image.shape[1] // patch, image.shape[2] // patch])
    batch = {"pixel_values": torch.tensor(np.stack(values)), "spatial_shapes": torch.tensor(grid)}
    mask, ids = torch.tensor(mask), torch.tensor(ways["AutoTokenizer"])
    with torch.no_grad():
        logits = model(input_ids=ids, pixel_attention_mask=mask, **batch)
        embeddings, texts = logits.vision_model_output.pooler_output, logits.text_model_output.pooler_output
        far = 0.0
        for number, (height, width) in enumerate(grid):
            one = model(input_ids=ids[:1], pixel_values=batch["pixel_values"][number:number + 1, :height * width],
                        pixel_attention_mask=mask[number:number + 1, :height * width], spatial_shapes=batch["spatial_shapes"][number:number + 1])
            far = max(far, float((one.vision_model_output.pooler_output[0] - embeddings[number]).abs().max()))
    print(f"  without padding against padded: {far:.2e}")
    assert spread("images", embeddings) < 0.998
    spread("texts", texts)
    write_golden(folder, info_of(model, 8) | {"grids": dict(zip(pixels, grid))}, ways, embeddings, texts, logits.logits_per_image, pixels)


def main():
    out = pathlib.Path(sys.argv[1])
    pictures = images(sys.argv[2] if len(sys.argv) > 2 else None)
    print({stem: image.size for stem, image in pictures.items()})
    fixed(out, pictures)
    try:
        naflex(out, pictures)
    except Exception:
        print(f"siglip2-naflex failed\n{traceback.format_exc()}")
    for path in sorted(out.rglob("*")):
        if path.is_file():
            print(path.relative_to(out), path.stat().st_size)


if __name__ == "__main__":
    main()
