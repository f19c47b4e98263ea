namespace VlWorker.Producer.Printing;

/// <summary>Shows answers, one at a time, and does not return before they are out: what is shown is acknowledged next.</summary>
internal interface IAnswerWriter
{
    /// <summary>Shows one message.</summary>
    /// <param name="body">Its bytes.</param>
    /// <exception cref="System.Text.Json.JsonException">They are not JSON; nothing was shown.</exception>
    /// <exception cref="IOException">Nobody reads the output any more.</exception>
    void Write(ReadOnlyMemory<byte> body);
}
