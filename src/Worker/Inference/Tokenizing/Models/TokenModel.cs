namespace VlWorker.Inference.Tokenizing.Models;

/// <summary>The "model" of tokenizer.json: makes ids of the pieces that the pre-tokenizer left. Thread-safe.</summary>
internal abstract class TokenModel
{
    /// <summary>Builds the model that a tokenizer file describes.</summary>
    /// <exception cref="InvalidDataException">A part is missing or does not fit the others.</exception>
    /// <exception cref="NotSupportedException">A type or setting that is not known here.</exception>
    public static TokenModel Create(TokenizerJson json) => (json.OptionalText("type") ?? "BPE") switch
    {
        "BPE" => new BytePairModel(json),
        "Unigram" => new UnigramModel(json),
        "WordPiece" => new WordPieceModel(json),
        var type => throw json.Unsupported($"model {type}"),
    };

    /// <summary>Its tokens.</summary>
    public abstract Vocabulary Vocabulary { get; }

    /// <summary>The work space of one call on one thread.</summary>
    public abstract PieceEncoder CreateEncoder();
}

/// <summary>Encodes the pieces of one call. Not thread-safe.</summary>
internal abstract class PieceEncoder : IDisposable
{
    /// <summary>Appends the ids of one piece.</summary>
    public abstract void Encode(ReadOnlySpan<char> piece, RentedList<int> ids);

    /// <inheritdoc/>
    public abstract void Dispose();
}
