"""Hugging Face transformers on the GPU, for `bench gpu-families`: full-size models of random weights, one at a time.

families.py make FOLDER NAME...   writes checkpoints (config.json, model.safetensors in 32 bits) of which both sides read the same weights
families.py serve FOLDER          reads a request a line from standard input, answers a line of JSON each
families.py names FOLDER NAME...  prints the checkpoints' tensors and their shapes

Needs torch, transformers, numpy, safetensors.
"""
import json
import os
import sys

import numpy
import torch
import transformers
from safetensors.torch import load_file

from reference import serve, timed

torch.set_grad_enabled(False)

MEAN, DEVIATION = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


def blip():
    """BLIP-base: ViT-B/16 at 384 pixels, a BERT of 12 layers."""
    text = dict(vocab_size=30524, hidden_size=768, encoder_hidden_size=768, intermediate_size=3072, projection_dim=768,
                num_hidden_layers=12, num_attention_heads=12, max_position_embeddings=512, bos_token_id=30522, eos_token_id=2,
                pad_token_id=0, sep_token_id=102)
    vision = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, image_size=384, patch_size=16)
    return transformers.BlipForConditionalGeneration(transformers.BlipConfig(text_config=text, vision_config=vision))


def florence():
    """Florence-2-base: DaViT-B at 768 pixels, a BART of 6 and 6 layers."""
    text = dict(model_type="bart", vocab_size=51289, d_model=768, encoder_layers=6, decoder_layers=6, encoder_attention_heads=12,
                decoder_attention_heads=12, encoder_ffn_dim=3072, decoder_ffn_dim=3072, max_position_embeddings=1024,
                activation_function="gelu", scale_embedding=False, tie_word_embeddings=False, bos_token_id=0, eos_token_id=2,
                pad_token_id=1, decoder_start_token_id=2, forced_bos_token_id=0, num_hidden_layers=6, is_encoder_decoder=True)
    vision = dict(embed_dim=[128, 256, 512, 1024], depths=[1, 1, 9, 1], num_heads=[4, 8, 16, 32], num_groups=[4, 8, 16, 32],
                  window_size=12, projection_dim=768, patch_size=[7, 3, 3, 3], patch_stride=[4, 2, 2, 2], patch_padding=[3, 1, 1, 1],
                  patch_prenorm=[False, True, True, True])
    return transformers.Florence2ForConditionalGeneration(
        transformers.Florence2Config(text_config=text, vision_config=vision, image_token_id=51288, tie_word_embeddings=False))


def smolvlm():
    """SmolVLM-256M: SigLIP-B/16 at 512 pixels, a Llama of 30 layers with 3 heads of keys."""
    text = dict(model_type="llama", vocab_size=49280, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                num_key_value_heads=3, head_dim=64, max_position_embeddings=8192, rms_norm_eps=1e-5, rope_theta=100000.0,
                tie_word_embeddings=False, bos_token_id=1, eos_token_id=49279, pad_token_id=2)
    vision = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, image_size=512, patch_size=16)
    return transformers.Idefics3ForConditionalGeneration(
        transformers.Idefics3Config(text_config=text, vision_config=vision, scale_factor=4, image_token_id=49190, tie_word_embeddings=False))


MAKERS = {"blip-base": (blip, 384), "florence-2-base": (florence, 768), "smolvlm-256m": (smolvlm, 512)}
PROCESSORS = {"blip-base": "BlipImageProcessor", "florence-2-base": "CLIPImageProcessor", "smolvlm-256m": "Idefics3ImageProcessor"}

# Which spread a parameter gets, so that outputs depend on images: the first part that its name has.
SPREAD = (("position", 0.1), ("wpe", 0.1), ("patch_embedding", 0.04), ("convs.0", 0.04), ("query", 0.05), ("key", 0.05),
          ("q_proj", 0.05), ("k_proj", 0.05), ("", 0.02))


def fill(model, seed):
    """Random weights: norms near 1, biases near 0, the rest by SPREAD."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        normal = torch.randn(parameter.shape, generator=generator)
        if "norm" in name.lower() and name.endswith("weight"):
            parameter.copy_(1 + 0.05 * normal)
        else:
            parameter.copy_(normal * (0.02 if name.endswith("bias") else next(spread for part, spread in SPREAD if part in name.lower())))
    if hasattr(model, "tie_weights"):
        model.tie_weights()


def make(root, name):
    maker, side = MAKERS[name]
    folder = os.path.join(root, name)
    model = maker()
    fill(model, 7)
    model.save_pretrained(folder)
    with open(os.path.join(folder, "preprocessor_config.json"), "w") as file:
        json.dump(dict(image_processor_type=PROCESSORS[name], do_resize=True, do_center_crop=False, do_rescale=True, do_normalize=True, do_convert_rgb=True, rescale_factor=1 / 255, resample=3, image_mean=MEAN,
                       image_std=DEVIATION, size=dict(longest_edge=side) if name == "smolvlm-256m" else dict(height=side, width=side),
                       **(dict(do_image_splitting=False, max_image_size=dict(longest_edge=side)) if name == "smolvlm-256m" else {})), file)


class Peer:
    def __init__(self, root):
        self.root, self.name, self.model = root, None, None

    def get(self, name, dtype):
        if self.name != (name, dtype):
            self.model = None
            torch.cuda.empty_cache()
            maker, _ = MAKERS[name]
            model = maker()
            state = load_file(os.path.join(self.root, name, "model.safetensors"))
            missing, unexpected = model.load_state_dict(state, strict=False)
            if hasattr(model, "tie_weights"):
                model.tie_weights()
            # What is tied to a parameter that was there is not lost.
            places = dict(model.named_parameters(remove_duplicate=False))
            filled = {places[name].data_ptr() for name in state if name in places}
            self.lost = len(unexpected) + len([name for name in missing if name in places and places[name].data_ptr() not in filled])
            self.model, self.name = model.eval().to("cuda", dtype), (name, dtype)
        return self.model

    def pixels(self, request, side, dtype):
        """Images of 8 bits in a file, normalised; [batch, 3, side, side]."""
        values = numpy.fromfile(request["pixels"], dtype=numpy.uint8).reshape(-1, side, side, 3)[: request["count"]]
        images = (torch.from_numpy(values).to("cuda", torch.float32) / 255 - MEAN[0]) / DEVIATION[0]
        images = images.permute(0, 3, 1, 2).contiguous().to(dtype)
        batch = request["batch"] * request.get("frames", 1)
        if batch > len(images):
            images = images.repeat((batch + len(images) - 1) // len(images), 1, 1, 1)
        return images[:batch].contiguous()

    def answer(self, request):
        name = request["model"]
        dtype = torch.float16 if request.get("precision", "fp16") == "fp16" else torch.float32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        model = self.get(name, dtype)
        images = self.pixels(request, MAKERS[name][1], dtype)
        options = dict(max_new_tokens=request["tokens"], do_sample=False, num_beams=request.get("beams", 1))
        if request.get("ngram"):
            options.update(no_repeat_ngram_size=request["ngram"])
        if not request.get("result"):
            options["min_new_tokens"] = request["tokens"]
        if request.get("beams", 1) > 1:
            options["early_stopping"] = True
        prompt = request.get("prompt")
        ids = None if prompt is None else torch.tensor([prompt] * request["batch"], device="cuda")
        if name.startswith("smolvlm"):
            images = images.view(request["batch"], request.get("frames", 1), *images.shape[1:])
            options.update(attention_mask=torch.ones_like(ids), pad_token_id=2)
        if name.startswith("florence"):
            options.update(attention_mask=torch.ones_like(ids), forced_bos_token_id=0, forced_eos_token_id=2, decoder_start_token_id=2)
        if ids is not None:
            options["input_ids"] = ids
        run = lambda: model.generate(pixel_values=images, **options)
        if request.get("result"):
            return dict(result=run().cpu().numpy().tolist(), lost=self.lost)
        return dict(milliseconds=timed(run, request["runs"]), lost=self.lost)


def main():
    verb, root, *names = sys.argv[1:]
    if verb == "serve":
        serve(Peer(root))
    elif verb == "make":
        for name in names:
            make(root, name)
    else:
        for name in names:
            for key, tensor in sorted(load_file(os.path.join(root, name, "model.safetensors")).items()):
                print(name, key, list(tensor.shape))


if __name__ == "__main__":
    main()
