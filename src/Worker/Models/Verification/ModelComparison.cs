using VlWorker.Inference;

namespace VlWorker.Models.Verification;

/// <summary>Runs both models over the images and the texts and gathers what differs.</summary>
internal sealed class ModelComparison(ComparedModel original, ComparedModel candidate, ImageSet set, int batch)
{
    private readonly List<ImageProblem> _originalFailed = [];
    private readonly List<ImageProblem> _failed = [];
    private readonly List<CaptionPair> _captions = [];
    private readonly List<EmbeddingPair> _images = [];

    /// <summary>Runs everything; speed is measured elsewhere.</summary>
    /// <param name="feed">The decoded images.</param>
    /// <param name="progress">Called with the number of images seen so far.</param>
    /// <param name="cancellation">Ends it between batches.</param>
    /// <exception cref="ModelCommandException">No image is left to compare, or the models don't fit together.</exception>
    public async Task<Findings> RunAsync(ImageFeed feed, Action<int> progress, CancellationToken cancellation)
    {
        var seen = 0;
        await foreach (var window in feed.WindowsAsync(cancellation))
        {
            foreach (var part in window.Chunk(batch))
                Add(part, cancellation);
            progress(seen += window.Count);
        }

        var count = _captions.Count + _images.Count;
        if (count == 0)
            throw new ModelCommandException($"none of the images in '{set.Folder}' could be compared: {FirstProblem(feed)}");
        var (texts, recall) = original.EmbedsTexts ? CompareTexts(cancellation) : (null, null);
        return new Findings(original.Facts, candidate.Facts, count, [.. feed.Undecodable, .. _originalFailed], _failed)
        {
            Question = original.Question,
            Captions = original.Captions ? CaptionComparison.Of(_captions) : null,
            Images = EmbeddingComparison.Of("images", _images),
            Texts = texts,
            Recall = recall,
        };
    }

    private string FirstProblem(ImageFeed feed) =>
        feed.Undecodable.Concat(_originalFailed).First() is var first ? $"{first.Name}: {first.Reason}" : string.Empty;

    private void Add(DecodedPair[] part, CancellationToken cancellation)
    {
        var expected = original.RunImages(part.Select(pair => pair.Original), cancellation);
        var found = candidate.RunImages(part.Select(pair => pair.Candidate), cancellation);
        for (var i = 0; i < part.Length; i++)
        {
            Note(part[i].Name, expected[i], found[i]);
            switch (expected[i])
            {
                case CaptionOutcome caption:
                    _captions.Add(new CaptionPair(part[i].Name, caption.Sequences[0], (found[i] as CaptionOutcome)?.Sequences[0],
                        set.TruthOf(part[i].Name)));
                    break;
                case EmbeddingOutcome embedding:
                    _images.Add(new EmbeddingPair(part[i].Name, embedding.Values, (found[i] as EmbeddingOutcome)?.Values));
                    break;
            }
        }
    }

    private void Note(string name, InferenceOutcome expected, InferenceOutcome found)
    {
        if (expected is FailedOutcome left)
            _originalFailed.Add(new ImageProblem(name, $"the original failed: {left.Error.Message}"));
        else if (found is FailedOutcome right)
            _failed.Add(new ImageProblem(name, right.Error.Message));
    }

    private (EmbeddingComparison? Texts, RecallComparison? Recall) CompareTexts(CancellationToken cancellation)
    {
        var captioned = _images.Where(image => set.TruthOf(image.Name) is not null).ToList();
        string[] captions = [.. captioned.Select(image => set.TruthOf(image.Name)!).Distinct(StringComparer.Ordinal)];
        string[] texts = [.. captions.Concat(set.ExtraTexts).Distinct(StringComparer.Ordinal)];
        if (texts.FirstOrDefault(text => !original.Tokenize(text).SequenceEqual(candidate.Tokenize(text))) is { } text)
            throw new ModelCommandException($"the two models' tokenizers differ, such as in \"{text}\": they are not the same model");
        var pairs = new List<EmbeddingPair>();
        foreach (var part in texts.Chunk(batch))
        {
            var (expected, found) = (original.RunTexts(part, cancellation), candidate.RunTexts(part, cancellation));
            for (var i = 0; i < part.Length; i++)
            {
                Note(part[i], expected[i], found[i]);
                if (expected[i] is EmbeddingOutcome embedding)
                    pairs.Add(new EmbeddingPair(part[i], embedding.Values, (found[i] as EmbeddingOutcome)?.Values));
            }
        }

        return (EmbeddingComparison.Of("texts", pairs), Recall(captioned, captions, pairs));
    }

    private RecallComparison? Recall(List<EmbeddingPair> images, string[] captions, List<EmbeddingPair> texts)
    {
        if (captions.Length == 0)
            return null;
        var byText = texts.ToDictionary(pair => pair.Name, StringComparer.Ordinal);
        var index = captions.Select((caption, i) => (caption, i)).ToDictionary(entry => entry.caption, entry => entry.i, StringComparer.Ordinal);
        var textOf = images.ConvertAll(image => index[set.TruthOf(image.Name)!]);
        return new RecallComparison(
            images.Count,
            captions.Length,
            RecallFigures.Of([.. images.Select(image => image.Original)],
                [.. captions.Select(caption => byText.GetValueOrDefault(caption)?.Original)], textOf),
            RecallFigures.Of([.. images.Select(image => image.Candidate)],
                [.. captions.Select(caption => byText.GetValueOrDefault(caption)?.Candidate)], textOf));
    }
}
