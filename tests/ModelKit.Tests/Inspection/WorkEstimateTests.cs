using System.Text;
using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Inspection;

namespace VlWorker.ModelKit.Tests.Inspection;

/// <summary>Parameter counts that are known of public models, from their published configurations.</summary>
public sealed class WorkEstimateTests
{
    private const long Gpt2 = 124_439_808;

    [Fact]
    public void ViT_base_has_85_8_million_parameters_and_takes_35_gigaflops()
    {
        var (parameters, flops) = WorkEstimate.Vision(VisionConfig.ReadVit(Config("""{ "encoder": { "model_type": "vit" } }""")), false);
        Assert.Equal(85_798_656, parameters); // google/vit-base-patch16-224 without its pooler and classifier
        Assert.InRange(flops, 35.0e9, 35.3e9);
    }

    [Fact]
    public void GPT_2_with_cross_attention_has_124_million_parameters_and_28_more()
    {
        var config = Config("""{ "encoder": { "model_type": "vit" }, "decoder": { "model_type": "gpt2" } }""");
        var (parameters, _) = WorkEstimate.Decoder(TextConfig.ReadGpt2(config), VisionConfig.ReadVit(config), 16);
        const long CrossAttention = 12 * ((4 * 768 * 768) + (4 * 768) + (2 * 768));
        Assert.Equal(Gpt2 + CrossAttention, parameters);
    }

    [Fact]
    public void CLIP_B_32_has_151_million_parameters()
    {
        var config = Config("""{ "projection_dim": 512, "vision_config": {}, "text_config": {} }""");
        var (vision, text) = (WorkEstimate.Vision(VisionConfig.ReadClip(config), true), WorkEstimate.Text(TextConfig.ReadClip(config)));
        Assert.Equal(151_277_313 - 1, vision.Parameters + text.Parameters); // openai/clip-vit-base-patch32 without logit_scale
        Assert.InRange(vision.Flops, 8.7e9, 8.9e9);
    }

    [Fact]
    public void BLIP_s_question_answering_has_385_million_parameters()
    {
        var config = Config("""{ "text_config": { "num_attention_heads": 12 }, "vision_config": {} }""");
        var (vision, text) = (VisionConfig.ReadBlip(config), TextConfig.ReadBlip(config));
        Assert.Equal(
            384_672_572, // Salesforce/blip-vqa-base
            WorkEstimate.Vision(vision, false).Parameters + WorkEstimate.Question(text, vision, 16).Parameters + WorkEstimate.Bert(text, 16, text.HiddenSize, 4).Parameters);
    }

    [Fact]
    public void A_longer_caption_is_more_work_by_its_steps()
    {
        var config = Config("""{ "encoder": { "model_type": "vit" }, "decoder": { "model_type": "gpt2" } }""");
        long Flops(int tokens) => WorkEstimate.Decoder(TextConfig.ReadGpt2(config), VisionConfig.ReadVit(config), tokens).Flops;
        var (first, step, later) = (Flops(1), Flops(2) - Flops(1), Flops(17) - Flops(16));
        Assert.InRange(step, 0.28e9, 0.285e9); // two operations for each weight of a step, and the attention to 197 states
        Assert.Equal(step + (4 * 768 * 12 * 15), later);
        Assert.InRange(first - step, 5.5e9, 5.7e9); // keys and values of the image, once
    }

    private static JsonFile Config(string json) => JsonFile.Parse("config.json", Encoding.UTF8.GetBytes(json));
}
