using System.Text.Json;

namespace VlWorker.ModelKit.Configuration;

/// <summary>What a model folder's preprocessor_config.json asks for, in one shape for all image processors.</summary>
/// <param name="Resize">How the decoded image becomes the model's input size.</param>
/// <param name="Normalization">How 8-bit pixels become floats.</param>
public sealed record PreprocessorConfig(ResizePlan Resize, Normalization Normalization)
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "preprocessor_config.json";

    /// <summary>The file of a whole processor, which in transformers 5 holds what preprocessor_config.json did.</summary>
    public const string ProcessorFileName = "processor_config.json";

    /// <summary>The file of a folder that says how images are prepared: processor_config.json where it does, else preprocessor_config.json.</summary>
    public static string FileIn(string folder) => OfProcessor(folder) is null ? FileName : ProcessorFileName;

    /// <summary>
    /// Reads preprocessor_config.json of a model folder, or what processor_config.json has in its place; config.json names the processor where that
    /// does not.
    /// </summary>
    /// <exception cref="FileNotFoundException">The folder has neither.</exception>
    /// <exception cref="InvalidDataException">The file is malformed, or a value can't be.</exception>
    /// <exception cref="NotSupportedException">The file asks for something that is not implemented; the message says what.</exception>
    public static PreprocessorConfig Load(string folder)
    {
        var images = OfProcessor(folder);
        var path = Path.Combine(folder, images is null ? FileName : ProcessorFileName);
        if (!File.Exists(path))
            throw new FileNotFoundException($"The model folder {folder} has no {FileName}.", path);
        var modelConfig = Path.Combine(folder, "config.json");
        try
        {
            return Parse(images ?? File.ReadAllText(path), File.Exists(modelConfig) ? File.ReadAllText(modelConfig) : null);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
        catch (NotSupportedException e)
        {
            throw new NotSupportedException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Reads the text of a preprocessor_config.json.</summary>
    /// <param name="json">The text.</param>
    /// <param name="modelConfigJson">The text of config.json: its model_type decides where <paramref name="json"/> names no processor.</param>
    /// <exception cref="InvalidDataException">The text is malformed, or a value can't be.</exception>
    /// <exception cref="NotSupportedException">The text asks for something that is not implemented.</exception>
    public static PreprocessorConfig Parse(string json, string? modelConfigJson = null) => PreprocessorConfigReader.Read(json, modelConfigJson);

    // One that can't be read says nothing about images, and is read for nothing else.
    private static string? OfProcessor(string folder) =>
        JsonFile.Read(folder, ProcessorFileName, new List<string>())?.Find("image_processor") is { ValueKind: JsonValueKind.Object } images
            ? images.GetRawText()
            : null;
}

/// <summary>Resize and crop. Equal plans give equal bytes, so models can share them.</summary>
/// <param name="Width">Target width in pixels; with <paramref name="ShortestEdge"/> unused.</param>
/// <param name="Height">Target height in pixels; with <paramref name="ShortestEdge"/> unused.</param>
/// <param name="ShortestEdge">Length of the short side in pixels, the aspect kept; null squashes to width and height.</param>
/// <param name="CropWidth">Width of the centre crop in pixels; null keeps the resized image.</param>
/// <param name="CropHeight">Height of the centre crop in pixels; null keeps the resized image.</param>
/// <param name="Resample">Pillow's filter number: 1 Lanczos, 2 bilinear, 3 bicubic.</param>
public sealed record ResizePlan(int Width, int Height, int? ShortestEdge, int? CropWidth, int? CropHeight, int Resample)
{
    /// <summary>Several pictures of one image, each <see cref="Width"/> by <see cref="Height"/>; null makes one.</summary>
    public Tiling? Tiling { get; init; }

    /// <summary>
    /// Whole patches, the image's own aspect nearly kept; <see cref="Width"/> and <see cref="Height"/> are then those of a square. Null for one size.
    /// </summary>
    public PatchGrid? Grid { get; init; }
}

/// <summary>How SigLIP 2 NaFlex sees an image: scaled to as many patches as it may have, each side rounded up to whole ones.</summary>
/// <param name="PatchSize">Side of a patch in pixels.</param>
/// <param name="MaxPatches">Patches of an image at most.</param>
public sealed record PatchGrid(int PatchSize, int MaxPatches)
{
    /// <summary>Side in pixels of the largest square.</summary>
    public int Square => (int)Math.Sqrt(MaxPatches) * PatchSize;
}

/// <summary>
/// How Idefics3 and SmolVLM see an image: resized to a longest edge first, the aspect kept, then either squashed to the model's square, or
/// enlarged to whole multiples of it and cut into tiles, with the whole image at that size as the last.
/// </summary>
/// <param name="LongestEdge">Length of the long side in pixels before the image is cut or squashed.</param>
/// <param name="Split">Whether it is cut.</param>
public sealed record Tiling(int LongestEdge, bool Split);

/// <summary>value = (byte * RescaleFactor - Mean[c]) / Std[c], rounded as transformers' numpy code does.</summary>
/// <param name="RescaleFactor">1/255 where the file asks for rescaling, else 1.</param>
/// <param name="MeanR">Mean of the red channel; 0 where the file asks for no normalisation.</param>
/// <param name="MeanG">Mean of the green channel.</param>
/// <param name="MeanB">Mean of the blue channel.</param>
/// <param name="StdR">Deviation of the red channel; 1 where the file asks for no normalisation.</param>
/// <param name="StdG">Deviation of the green channel.</param>
/// <param name="StdB">Deviation of the blue channel.</param>
public sealed record Normalization(double RescaleFactor, float MeanR, float MeanG, float MeanB, float StdR, float StdG, float StdB);
