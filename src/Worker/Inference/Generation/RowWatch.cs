using VlWorker.Inference.Tokenizing;

namespace VlWorker.Inference.Generation;

/// <summary>Shows what a row has generated so far, and ends the row when nobody looks any more.</summary>
/// <param name="stream">Where the text goes.</param>
/// <param name="tokenizer">Decodes.</param>
/// <param name="stop">Texts that end the row: no part of them is shown.</param>
internal sealed class RowWatch(TextStream stream, HubTokenizer tokenizer, IReadOnlyList<string> stop)
{
    // What an unfinished character decodes to.
    private const char Unfinished = '\uFFFD';

    /// <summary>Whether nobody looks any more.</summary>
    public bool IsAbandoned => stream.IsAbandoned;

    /// <summary>A row's watch; null where nobody looks.</summary>
    public static RowWatch? Of(TextStream? stream, HubTokenizer tokenizer, IReadOnlyList<string> stop) =>
        stream is null ? null : new RowWatch(stream, tokenizer, stop);

    /// <summary>Shows the tokens generated so far, as far as later ones can't change what they mean.</summary>
    public void Show(ReadOnlySpan<int> generated)
    {
        var text = tokenizer.Decode(generated, true);
        stream.Write(text[..Settled(text)]);
    }

    private int Settled(string text)
    {
        var end = text.AsSpan().TrimEnd(Unfinished).Length;
        foreach (var ending in stop)
        {
            if (text.AsSpan(0, end).IndexOf(ending, StringComparison.Ordinal) is >= 0 and var found)
                end = found;
            for (var part = Math.Min(ending.Length - 1, end); part > 0; part--)
            {
                if (text.AsSpan(0, end).EndsWith(ending.AsSpan(0, part), StringComparison.Ordinal))
                {
                    end -= part;
                    break;
                }
            }
        }

        return end;
    }
}
