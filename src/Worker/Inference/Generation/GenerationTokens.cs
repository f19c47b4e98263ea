namespace VlWorker.Inference.Generation;

/// <summary>A model's tokens with a meaning for generation.</summary>
/// <param name="Prompt">What a sequence starts with where its row has no prompt of its own.</param>
/// <param name="End">Each of them ends a sequence.</param>
/// <param name="ForcedFirst">Always generated after a prompt of one token.</param>
/// <param name="ForcedLast">Always generated at the maximum length.</param>
internal sealed record GenerationTokens(IReadOnlyList<int> Prompt, IReadOnlyList<int> End, int? ForcedFirst, int? ForcedLast)
{
    /// <summary>All of them.</summary>
    public IEnumerable<int> All => [.. Prompt, .. End, .. new[] { ForcedFirst, ForcedLast }.OfType<int>()];

    /// <summary>Checks that a decoder has all of them: what does not fit together is found at start-up, not by the first image.</summary>
    /// <exception cref="InvalidDataException">It has not.</exception>
    public void CheckVocabulary(int size)
    {
        var strange = All.Where(token => token < 0 || token >= size).ToList();
        if (strange.Count > 0)
            throw new InvalidDataException($"tokens {string.Join(", ", strange)} of the generation settings are outside the vocabulary of {size}");
    }

    /// <summary>Whether a token ends a sequence.</summary>
    public bool Ends(int token)
    {
        foreach (var end in End)
        {
            if (end == token)
                return true;
        }

        return false;
    }
}
