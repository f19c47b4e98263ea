using VlWorker.Contracts;

namespace VlWorker.Demo.Gallery;

/// <summary>Everything the page shows. Images are in the order of their keys.</summary>
/// <param name="Folder">The folder's name, for the title.</param>
/// <param name="Images">Described images.</param>
/// <param name="Rejected">Rejected images.</param>
/// <param name="Skipped">Files that were not submitted because they are not images.</param>
/// <param name="Texts">Texts that can be searched by meaning; the queries come first.</param>
/// <param name="Suggestions">Texts offered as buttons.</param>
/// <param name="Facts">Short facts about the run, for the header.</param>
/// <param name="Models">The models that answered.</param>
/// <param name="Left">Described images that are in results.jsonl but not in the page because of its size limit.</param>
internal sealed record GalleryContent(
    string Folder,
    IReadOnlyList<GalleryImage> Images,
    IReadOnlyList<GalleryNote> Rejected,
    IReadOnlyList<GalleryNote> Skipped,
    IReadOnlyList<GalleryText> Texts,
    IReadOnlyList<string> Suggestions,
    IReadOnlyList<GalleryFact> Facts,
    IReadOnlyList<GalleryModel> Models,
    int Left)
{
    /// <summary>The question that all images were asked; null where there was none.</summary>
    public string? Question { get; init; }
}

/// <summary>A described image.</summary>
/// <param name="Key">Path below the images' folder.</param>
/// <param name="Caption">The caption; null where no captioner ran.</param>
/// <param name="Width">Pixels, after the EXIF orientation is applied.</param>
/// <param name="Height">Pixels, after the EXIF orientation is applied.</param>
/// <param name="Format">jpeg, png, ...</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Embedding">L2-normalised; null where no embedding model ran.</param>
internal sealed record GalleryImage(string Key, string? Caption, int Width, int Height, string Format, long Bytes, float[]? Embedding)
{
    /// <summary>What the model answered; null where nothing was asked.</summary>
    public string? Answer { get; init; }

    /// <summary>What was detected, in pixels.</summary>
    public IReadOnlyList<Detection> Detections { get; init; } = [];
}

/// <summary>A file without a description.</summary>
/// <param name="Key">Path below the images' folder.</param>
/// <param name="Reason">A word of a closed list.</param>
/// <param name="Detail">What exactly.</param>
internal sealed record GalleryNote(string Key, string Reason, string Detail);

/// <summary>A text with its embedding.</summary>
/// <param name="Text">The text.</param>
/// <param name="Embedding">L2-normalised, in the space of the images' embeddings.</param>
/// <param name="IsQuery">Whether the user asked for it: the page opens with the first of them.</param>
internal sealed record GalleryText(string Text, float[] Embedding, bool IsQuery);

/// <summary>A number and what it counts.</summary>
internal sealed record GalleryFact(string Value, string Label);

/// <summary>A model by task, alias and revision.</summary>
internal sealed record GalleryModel(string Task, string Alias, string Revision);
