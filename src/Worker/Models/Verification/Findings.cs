namespace VlWorker.Models.Verification;

/// <summary>Everything that a comparison of two models found.</summary>
/// <param name="Original">The model that is right.</param>
/// <param name="Candidate">The model that is to replace it.</param>
/// <param name="ImageCount">Images that both models saw.</param>
/// <param name="LeftOut">Images that could not be decoded, or that the original failed on.</param>
/// <param name="Failed">Images and texts that the candidate failed on: they count as different.</param>
internal sealed record Findings(
    ModelFacts Original, ModelFacts Candidate, int ImageCount, IReadOnlyList<ImageProblem> LeftOut, IReadOnlyList<ImageProblem> Failed)
{
    /// <summary>What both were asked of each image; null where they were asked nothing.</summary>
    public string? Question { get; init; }

    /// <summary>Captions, or answers; null for models that embed.</summary>
    public CaptionComparison? Captions { get; init; }

    /// <summary>Embeddings of images; null for models that caption.</summary>
    public EmbeddingComparison? Images { get; init; }

    /// <summary>Embeddings of texts; null where there are no texts.</summary>
    public EmbeddingComparison? Texts { get; init; }

    /// <summary>Recall of both models; null without truth.json.</summary>
    public RecallComparison? Recall { get; init; }

    /// <summary>Images a second; null where it was not measured.</summary>
    public SpeedComparison? Speed { get; init; }
}

/// <summary>A model in a report.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="Family">The family's name.</param>
/// <param name="Precision">The precision of its graphs.</param>
/// <param name="Revision">SHA-256 over its files.</param>
/// <param name="WeightBytes">Bytes of its graphs and their external data on disk.</param>
internal sealed record ModelFacts(string Folder, string Family, string Precision, string Revision, long WeightBytes)
{
    /// <summary>Bytes by which the process grew when it loaded the model and ran a batch on every stream; null where not measured.</summary>
    public long? ResidentBytes { get; init; }
}

/// <summary>An image or a text without a result.</summary>
/// <param name="Name">The image's path below the folder, or the text.</param>
/// <param name="Reason">Why.</param>
internal sealed record ImageProblem(string Name, string Reason);
