using VlWorker.Failures;
using VlWorker.Inference.Tokenizing;

namespace VlWorker.Inference.Generation;

/// <summary>Shows what a row has generated so far, and ends the row when nobody looks any more.</summary>
/// <param name="stream">Where the text goes.</param>
/// <param name="tokenizer">Decodes.</param>
/// <param name="stop">Texts that end the row: no part of them is shown. Null where there are none.</param>
internal sealed class RowWatch(TextStream stream, HubTokenizer tokenizer, StopStrings? stop)
{
    // What an unfinished character decodes to.
    private const char Unfinished = '\uFFFD';

    /// <summary>Whether nobody looks any more.</summary>
    public bool IsAbandoned => stream.IsAbandoned;

    /// <summary>Ends the row where nobody looks any more.</summary>
    /// <exception cref="TransientException">Nobody does.</exception>
    public void EndIfAbandoned()
    {
        if (IsAbandoned)
            throw new TransientException("nobody waits for this row any more");
    }

    /// <summary>A row's watch; null where nobody looks.</summary>
    public static RowWatch? Of(TextStream? stream, HubTokenizer tokenizer, StopStrings? stop) =>
        stream is null ? null : new RowWatch(stream, tokenizer, stop);

    /// <summary>Shows the tokens generated so far, as far as later ones can't change what they mean.</summary>
    public void Show(ReadOnlySpan<int> generated)
    {
        var text = tokenizer.Decode(generated, true).TrimEnd(Unfinished);
        stream.Write(text[..(stop?.Settled(text) ?? text.Length)]);
    }
}
