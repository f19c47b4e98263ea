namespace VlWorker.Contracts;

/// <summary>Something that was found in an image. Pixels are those of the image in <see cref="DescribedImage.Width"/> and Height: upright.</summary>
public sealed record Detection
{
    /// <summary>What it is, or the text that was read there; empty where the model does not say.</summary>
    public required string Label { get; init; }

    /// <summary>How sure the model is, where it says so.</summary>
    public double? Score { get; init; }

    /// <summary>The smallest upright box around it.</summary>
    public required Box Box { get; init; }

    /// <summary>
    /// Its outlines where the model gives more than a box: each x and y in turn, in pixels. Read text has one with four corners, clockwise from
    /// the top left of the text.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<double>>? Polygons { get; init; }
}

/// <summary>A box in pixels from the upper left corner of the image; right and bottom are not below left and top.</summary>
public sealed record Box
{
    /// <summary>Its left side.</summary>
    public required double Left { get; init; }

    /// <summary>Its upper side.</summary>
    public required double Top { get; init; }

    /// <summary>Its right side.</summary>
    public required double Right { get; init; }

    /// <summary>Its lower side.</summary>
    public required double Bottom { get; init; }
}
