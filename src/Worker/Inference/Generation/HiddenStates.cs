namespace VlWorker.Inference.Generation;

/// <summary>What a family has written for a decoding batch: the encoder's states, the prompts' embeddings, or both.</summary>
/// <param name="Images">Images, or other things to attend to: one a row.</param>
/// <param name="Positions">Positions of each, those of shorter ones padded on the right; 0 for a decoder without cross attention.</param>
/// <param name="Size">Floats a position.</param>
/// <param name="First">The first image's place in the memory.</param>
/// <param name="Shared">One image, shared by all rows of the batch.</param>
internal readonly record struct HiddenStates(int Images, int Positions, int Size, int First = 0, bool Shared = false)
{
    /// <summary>Positions of each image that count, for a decoder that is told so; null where all do.</summary>
    public IReadOnlyList<int>? Lengths { get; init; }

    /// <summary>
    /// Whether the family has embedded the prompts, image features among them, into <see cref="DecoderRun.Embeddings"/>:
    /// [rows, longest prompt, width], the shorter ones padded on the left with anything finite.
    /// </summary>
    public bool PromptsEmbedded { get; init; }

    /// <summary>What rows' prompts have in common with earlier ones, a row each; null where that is not known. Decoders may make use of it.</summary>
    public IReadOnlyList<SharedPrefix>? Prefixes { get; init; }

    /// <summary>Embedded prompts of a decoder without cross attention.</summary>
    public static HiddenStates OfPrompts(int rows) => new(rows, 0, 0) { PromptsEmbedded = true };

    /// <summary>Bytes an image.</summary>
    public long ImageBytes => (long)Positions * Size * sizeof(float);

    /// <summary>One of the images, for all rows of a batch.</summary>
    public HiddenStates Single(int index) => this with { Images = 1, First = First + index, Shared = true, Prefixes = null };
}
