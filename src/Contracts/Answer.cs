using System.Text.Json;

namespace VlWorker.Contracts;

/// <summary>What came back for a request: exactly one of <see cref="Image"/>, <see cref="Text"/> and <see cref="Rejection"/> is set.</summary>
public sealed record Answer
{
    private Answer()
    {
    }

    /// <summary>The result for an image.</summary>
    public ImageDescribed? Image { get; private init; }

    /// <summary>The result for a text.</summary>
    public TextDescribed? Text { get; private init; }

    /// <summary>The rejection of an image or a text.</summary>
    public ImageRejected? Rejection { get; private init; }

    /// <summary>The request's id.</summary>
    public string Id => Image?.Id ?? Text?.Id ?? Rejection!.Id;

    /// <summary>The request's job, if any.</summary>
    public string? JobId => Image?.JobId ?? Text?.JobId ?? Rejection?.JobId;

    /// <summary>Reads whatever arrives from <see cref="Topology.ResultsExchange"/> or at a reply-to queue; the fields tell the kinds apart.</summary>
    /// <param name="utf8Json">The body of an AMQP message.</param>
    /// <exception cref="JsonException">The bytes are not JSON, or not an answer.</exception>
    public static Answer Read(ReadOnlySpan<byte> utf8Json) => KindOf(utf8Json) switch
    {
        "reason" => new Answer { Rejection = ContractsJson.Read<ImageRejected>(utf8Json) },
        "outputs" => new Answer { Image = Whole(ContractsJson.Read<ImageDescribed>(utf8Json)) },
        "embedding" => new Answer { Text = ContractsJson.Read<TextDescribed>(utf8Json) },
        _ => throw new JsonException("not an answer: it has none of outputs, embedding and reason"),
    };

    // Lists come from JSON of any origin: they may hold nulls whatever their type says.
    private static ImageDescribed Whole(ImageDescribed image) => image.Outputs.Any(output =>
            output is null || output.Detections?.Any(detection => detection is null) is true || output.Classification?.Labels.Any(label => label is null) is true)
        ? throw new JsonException("not an answer: outputs holds a null")
        : image;

    private static string? KindOf(ReadOnlySpan<byte> utf8Json)
    {
        try
        {
            var reader = new Utf8JsonReader(ContractsJson.WithoutMark(utf8Json), new JsonReaderOptions { MaxDepth = 32 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                foreach (var mark in (ReadOnlySpan<string>)["reason", "outputs", "embedding"])
                {
                    if (reader.ValueTextEquals(mark))
                        return mark;
                }

                reader.Skip();
            }

            return null;
        }
        catch (InvalidOperationException error)
        {
            throw new JsonException("not an answer: a name in it is no Unicode", error);
        }
        catch (JsonException error)
        {
            throw new JsonException(
                JsonFault.Describe(new JsonException(null, error.Path, error.LineNumber, error.BytePositionInLine, error)), error);
        }
    }
}
