using System.Text.Json;

namespace VlWorker.ModelKit.Configuration;

/// <summary>Reads preprocessor_config.json as transformers 4.57 does, old forms of it included.</summary>
internal sealed class PreprocessorConfigReader
{
    private const double DefaultRescaleFactor = 1 / 255.0;

    // Inputs of image models are hundreds of pixels wide; a larger number is a mistake that would only show as exhausted memory.
    private const int LargestSide = 16384;

    // transformers' bound on images that are to be cut into tiles.
    private const int LargestTiled = 4096;

    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    private readonly JsonElement _root;
    private readonly PreprocessorDefaults _defaults;

    private PreprocessorConfigReader(JsonElement root, PreprocessorDefaults defaults)
    {
        _root = root;
        _defaults = defaults;
    }

    public static PreprocessorConfig Read(string json, string? modelConfigJson)
    {
        using var document = Open(json, PreprocessorConfig.FileName);
        var reader = new PreprocessorConfigReader(document.RootElement, FindDefaults(document.RootElement, modelConfigJson));
        return new PreprocessorConfig(reader.Resize(), reader.Normalization());
    }

    private static JsonDocument Open(string json, string what)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, Lenient);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{what} is not JSON: {e.Message}", e);
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object)
            return document;
        document.Dispose();
        throw new InvalidDataException($"{what} is not a JSON object.");
    }

    private static PreprocessorDefaults FindDefaults(JsonElement root, string? modelConfigJson)
    {
        if ((Text(root, "image_processor_type") ?? Text(root, "feature_extractor_type")) is { } name)
            return PreprocessorDefaults.OfProcessor(name);
        if (modelConfigJson is null)
            throw new InvalidDataException("Neither image_processor_type nor feature_extractor_type is given, and there is no config.json.");
        using var config = Open(modelConfigJson, "config.json");

        // A model of two towers has its images prepared by the encoder's processor.
        var model = config.RootElement.TryGetProperty("encoder", out var encoder) && encoder.ValueKind == JsonValueKind.Object
            ? encoder
            : config.RootElement;
        return PreprocessorDefaults.OfModelType(Text(model, "model_type")
            ?? throw new InvalidDataException("No image processor is named, and config.json has no model_type."));
    }

    private ResizePlan Resize()
    {
        if (!Flag("do_resize", true))
            throw new NotSupportedException("do_resize is false: images would keep their own sizes, and the model needs one size.");
        var resample = Field("resample") is { } number ? Whole(number, "resample", 0, 5) : _defaults.Resample;
        if (resample is not (1 or 2 or 3))
            throw new NotSupportedException($"resample {resample} is not supported; supported are 1 (Lanczos), 2 (bilinear) and 3 (bicubic).");
        if (_defaults.Tile is { } tile)
            return Tiles(tile, resample);
        if (_defaults.Grid is { } grid)
            return Patches(grid, resample);
        if (Flag("do_pad", false))
            throw new NotSupportedException("do_pad is true: padding is not supported.");
        var (width, height, shortest) = Size();
        if (_defaults.Crop is null || !Flag("do_center_crop", true))
            return shortest is null
                ? new ResizePlan(width, height, null, null, null, resample)
                : throw new NotSupportedException("size.shortest_edge without a centre crop gives every image another size; the model needs one.");
        var (cropWidth, cropHeight) = Crop(_defaults.Crop.Value);
        if (cropWidth > (shortest ?? width) || cropHeight > (shortest ?? height))
            throw new NotSupportedException($"The centre crop ({cropWidth} x {cropHeight}) is larger than the resized image: padding is not supported.");
        return new ResizePlan(width, height, shortest, cropWidth, cropHeight, resample);
    }

    // Here do_pad means that rows of a batch get as many tiles, which is the engine's concern.
    private ResizePlan Tiles(int byDefault, int resample)
    {
        var side = LongestEdge("max_image_size", byDefault);
        var longest = LongestEdge("size", _defaults.Size);
        if (longest > LargestTiled)
            throw new NotSupportedException($"size.longest_edge is {longest}: the processor makes no image larger than {LargestTiled}.");
        return new ResizePlan(side, side, null, null, null, resample) { Tiling = new Tiling(longest, Flag("do_image_splitting", true)) };
    }

    private ResizePlan Patches(PatchGrid byDefault, int resample)
    {
        var grid = new PatchGrid(
            Field("patch_size") is { } size ? Side(size, "patch_size") : byDefault.PatchSize,
            Field("max_num_patches") is { } most ? Whole(most, "max_num_patches", 1, LargestSide) : byDefault.MaxPatches);
        if ((long)grid.MaxPatches * grid.PatchSize * grid.PatchSize > LargestTiled * LargestTiled)
            throw new NotSupportedException($"max_num_patches {grid.MaxPatches} of {grid.PatchSize} pixels is beyond {LargestTiled} x {LargestTiled} pixels.");
        return new ResizePlan(grid.Square, grid.Square, null, null, null, resample) { Grid = grid };
    }

    private int LongestEdge(string name, int byDefault)
    {
        if (Field(name) is not { } size)
            return byDefault;
        return size.ValueKind == JsonValueKind.Object && size.TryGetProperty("longest_edge", out var edge)
            ? Side(edge, $"{name}.longest_edge")
            : throw new NotSupportedException($"{name} is {size.GetRawText()}; this image processor needs {name}.longest_edge.");
    }

    private (int Width, int Height, int? Shortest) Size()
    {
        if (Field("size") is not { } size)
            return _defaults.BareSizeIsShortestEdge ? (0, 0, _defaults.Size) : (_defaults.Size, _defaults.Size, null);
        if (size.ValueKind == JsonValueKind.Number)
        {
            var side = Side(size, "size");
            return _defaults.BareSizeIsShortestEdge ? (0, 0, side) : (side, side, null);
        }

        if (size.ValueKind == JsonValueKind.Object && size.TryGetProperty("shortest_edge", out var edge))
        {
            if (size.TryGetProperty("longest_edge", out _))
                throw new NotSupportedException("size with both shortest_edge and longest_edge is not supported.");
            if (!_defaults.TakesShortestEdge)
                throw new InvalidDataException("This image processor needs size.height and size.width, not size.shortest_edge.");
            return (0, 0, Side(edge, "size.shortest_edge"));
        }

        var (width, height) = Rectangle(size, "size");
        return (width, height, null);
    }

    private (int Width, int Height) Crop(int byDefault)
    {
        if (Field("crop_size") is not { } crop)
            return (byDefault, byDefault);
        if (crop.ValueKind != JsonValueKind.Number)
            return Rectangle(crop, "crop_size");
        var side = Side(crop, "crop_size");
        return (side, side);
    }

    // {"height": h, "width": w}, or the older [h, w].
    private static (int Width, int Height) Rectangle(JsonElement value, string name)
    {
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2)
            return (Side(value[1], $"{name}[1]"), Side(value[0], $"{name}[0]"));
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("height", out var height) && value.TryGetProperty("width", out var width))
            return (Side(width, $"{name}.width"), Side(height, $"{name}.height"));
        throw new NotSupportedException($"{name} is {value.GetRawText()}; supported are a number, height with width, and for size shortest_edge.");
    }

    private Normalization Normalization()
    {
        var factor = !Flag("do_rescale", true) ? 1 : Field("rescale_factor") is { } given ? Real(given, "rescale_factor") : DefaultRescaleFactor;
        if (!Flag("do_normalize", true))
            return new Normalization(factor, 0, 0, 0, 1, 1, 1);
        var mean = Channels("image_mean", _defaults.Mean);
        var std = Channels("image_std", _defaults.Std);
        if (std.Contains(0f))
            throw new InvalidDataException("image_std has a zero: pixels can't be divided by it.");
        return new Normalization(factor, mean[0], mean[1], mean[2], std[0], std[1], std[2]);
    }

    private float[] Channels(string name, float[] byDefault)
    {
        if (Field(name) is not { } value)
            return byDefault;
        if (value.ValueKind == JsonValueKind.Number)
            return [.. Enumerable.Repeat((float)Real(value, name), 3)];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != 3)
            throw new InvalidDataException($"{name} is {value.GetRawText()}; it must be a number or three.");
        return [.. value.EnumerateArray().Select(channel => (float)Real(channel, name))];
    }

    private bool Flag(string name, bool byDefault) => Field(name) is not { } value ? byDefault : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new InvalidDataException($"{name} is {value.GetRawText()}; it must be true or false."),
    };

    // A null stands for a field left out, as in transformers.
    private JsonElement? Field(string name) =>
        _root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int Side(JsonElement value, string name) => Whole(value, name, 1, LargestSide);

    private static int Whole(JsonElement value, string name, int least, int most) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= most
            ? number
            : throw new InvalidDataException($"{name} is {value.GetRawText()}; it must be a whole number from {least} to {most}.");

    private static double Real(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw new InvalidDataException($"{name} has {value.GetRawText()}; it must be a number.");
}
