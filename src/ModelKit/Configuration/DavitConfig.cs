using System.Text.Json;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Configuration;

/// <summary>Sizes of Florence-2's image tower: <c>vision_config</c>, under the names of the published models or of transformers 4.57.</summary>
/// <param name="ImageWidth">Pixels, from preprocessor_config.json: config.json does not tell.</param>
/// <param name="ImageHeight">Pixels.</param>
/// <param name="WindowSize">Side of a window in tokens.</param>
/// <param name="Projection">Width of the tokens that come out.</param>
/// <param name="InnerFactor">Width of a block's feed-forward part by its own width.</param>
/// <param name="MaxPlaces">Columns and rows that have embeddings.</param>
/// <param name="MaxTimes">Frames that have embeddings.</param>
/// <param name="QkvBias">Whether query, key and value have biases.</param>
/// <param name="Activation">Of the blocks.</param>
/// <param name="Stages">The stages.</param>
internal sealed record DavitConfig(
    int ImageWidth,
    int ImageHeight,
    int WindowSize,
    int Projection,
    double InnerFactor,
    int MaxPlaces,
    int MaxTimes,
    bool QkvBias,
    Activation Activation,
    IReadOnlyList<DavitStageConfig> Stages)
{
    private const string Section = "vision_config";

    /// <summary>Of all norms; no config names it.</summary>
    public const float Epsilon = 1e-5f;

    /// <summary>Tokens across and down behind the last stage.</summary>
    public (int Width, int Height) Grid => (Sides(ImageWidth), Sides(ImageHeight));

    /// <summary>Tokens of an image: the mean and the grid.</summary>
    public int Tokens => 1 + (Grid.Width * Grid.Height);

    /// <summary>Reads it.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="images">How images are resized.</param>
    /// <exception cref="InvalidDataException">A value can't be.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static DavitConfig Read(JsonFile config, ResizePlan images)
    {
        var section = new ConfigSection(config, Section);
        if (images.ShortestEdge is not null || images.CropWidth is not null)
            throw new NotSupportedException("preprocessor_config.json crops the image: Florence-2 is supported with images that are resized to one size");
        if (config.Find(Section, "image_feature_source") is { } sources && Words(sources) is not ["spatial_avg_pool", "temporal_avg_pool"])
            throw new NotSupportedException("vision_config.image_feature_source in config.json is supported as spatial_avg_pool, temporal_avg_pool alone");
        return new DavitConfig(
            images.Width, images.Height, section.Size("window_size", 12), section.Size("projection_dim", 1024), section.Positive("mlp_ratio", 4),
            config.Int32(Section, "image_pos_embed", "max_pos_embeddings") ?? section.Size("max_position_embeddings", 50),
            config.Int32(Section, "visual_temporal_embedding", "max_temporal_embeddings") ?? section.Size("max_temporal_embeddings", 100),
            section.Flag("qkv_bias", true), ActivationName.Read(section, "activation_function", "gelu"), ReadStages(config, section));
    }

    private static List<DavitStageConfig> ReadStages(JsonFile config, ConfigSection section)
    {
        var widths = config.Int32OrList(Section, "dim_embed") ?? config.Int32OrList(Section, "embed_dim") ?? throw section.Wrong("embed_dim", "a list");
        var stages = new List<DavitStageConfig>(widths.Count);
        for (var i = 0; i < widths.Count; i++)
        {
            var stage = new DavitStageConfig(
                i == 0 ? 3 : widths[i - 1], widths[i], Of("patch_size", i), Of("patch_stride", i), Of("patch_padding", i), Prenorm(i),
                Of("depths", i), Of("num_heads", i), Of("num_groups", i));
            if (stage.Width % stage.Heads != 0 || stage.Width % stage.Groups != 0)
                throw section.Wrong("embed_dim", "a list of multiples of num_heads and num_groups");
            stages.Add(stage);
        }

        return stages;

        int Of(string name, int index) => config.Int32OrList(Section, name) is { } list && list.Count == widths.Count
            && list[index] >= (name == "patch_padding" ? 0 : 1) ? list[index] : throw section.Wrong(name, $"a list of {widths.Count} sizes");

        bool Prenorm(int index) => config.Find(Section, "patch_prenorm") is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() == widths.Count
            ? list[index].ValueKind == JsonValueKind.True : throw section.Wrong("patch_prenorm", $"a list of {widths.Count}");
    }

    private int Sides(int side) => Stages.Aggregate(side, static (left, stage) => stage.Side(left));

    private static string?[] Words(JsonElement list) => list.ValueKind == JsonValueKind.Array
        ? [.. list.EnumerateArray().Select(static word => word.ValueKind == JsonValueKind.String ? word.GetString() : null)] : [];
}

/// <summary>Sizes of a stage.</summary>
/// <param name="Inputs">Channels that go in.</param>
/// <param name="Width">Channels of its tokens.</param>
/// <param name="PatchSize">Side of the convolution that makes them.</param>
/// <param name="Stride">Its step.</param>
/// <param name="Padding">Zeros around.</param>
/// <param name="NormInFront">Whether the norm stands in front of it.</param>
/// <param name="Depth">Pairs of blocks.</param>
/// <param name="Heads">Heads of the attention within windows.</param>
/// <param name="Groups">Groups of the attention among channels.</param>
internal sealed record DavitStageConfig(
    int Inputs, int Width, int PatchSize, int Stride, int Padding, bool NormInFront, int Depth, int Heads, int Groups)
{
    /// <summary>Tokens of a side behind the convolution.</summary>
    public int Side(int side) => Convolution.Side(side, PatchSize, Stride, Padding);
}
