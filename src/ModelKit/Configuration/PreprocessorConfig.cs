namespace VlWorker.ModelKit.Configuration;

/// <summary>What a model folder's preprocessor_config.json asks for, in one shape for all image processors.</summary>
/// <param name="Resize">How the decoded image becomes the model's input size.</param>
/// <param name="Normalization">How 8-bit pixels become floats.</param>
public sealed record PreprocessorConfig(ResizePlan Resize, Normalization Normalization)
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "preprocessor_config.json";

    /// <summary>Reads preprocessor_config.json of a model folder; config.json names the processor where that file does not.</summary>
    /// <exception cref="FileNotFoundException">The folder has no preprocessor_config.json.</exception>
    /// <exception cref="InvalidDataException">The file is malformed, or a value can't be.</exception>
    /// <exception cref="NotSupportedException">The file asks for something that is not implemented; the message says what.</exception>
    public static PreprocessorConfig Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new FileNotFoundException($"The model folder {folder} has no {FileName}.", path);
        var modelConfig = Path.Combine(folder, "config.json");
        try
        {
            return Parse(File.ReadAllText(path), File.Exists(modelConfig) ? File.ReadAllText(modelConfig) : null);
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
