using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace VlWorker.Producer.Printing;

/// <summary>One JSON document a line, with every field that came, known here or not.</summary>
internal sealed class JsonLinesWriter(Stream output) : IAnswerWriter
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _line = new();

    /// <inheritdoc/>
    public void Write(ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body);
        _line.ResetWrittenCount();
        try
        {
            using var writer = new Utf8JsonWriter(_line, Readable);
            document.WriteTo(writer);
        }
        catch (InvalidOperationException error)
        {
            throw new JsonException("it holds half of a character", error);
        }

        _line.Write("\n"u8);
        output.Write(_line.WrittenSpan);
        output.Flush();
    }
}
