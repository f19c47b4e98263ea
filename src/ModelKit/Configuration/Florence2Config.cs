namespace VlWorker.ModelKit.Configuration;

/// <summary>Sizes of Florence-2's two models.</summary>
/// <param name="Vision">The image tower.</param>
/// <param name="Text">The text model, which takes the tower's tokens.</param>
internal sealed record Florence2Config(DavitConfig Vision, BartConfig Text)
{
    /// <summary>Reads both.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="images">How images are resized.</param>
    /// <exception cref="InvalidDataException">A value can't be, or the two don't fit each other or the images.</exception>
    /// <exception cref="NotSupportedException">It asks for something that is not implemented.</exception>
    public static Florence2Config Read(JsonFile config, ResizePlan images)
    {
        var (vision, text) = (DavitConfig.Read(config, images), BartConfig.ReadFlorence2(config));
        if (vision.Projection != text.HiddenSize)
            throw new InvalidDataException($"config.json: images become tokens of {vision.Projection} values, the text model takes {text.HiddenSize}");
        var (width, height) = vision.Grid;
        if (Math.Max(width, height) > vision.MaxPlaces)
            throw new InvalidDataException($"images of {width} x {height} tokens are larger than the {vision.MaxPlaces} places that have embeddings");
        return new Florence2Config(vision, text);
    }
}
