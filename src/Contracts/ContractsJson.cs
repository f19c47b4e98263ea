using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace VlWorker.Contracts;

/// <summary>How messages become JSON and back: <see cref="Write{T}"/> and <see cref="Read{T}"/>.</summary>
/// <remarks>
/// Written: UTF-8 without a byte order mark, camelCase names, fields that are null left out, times in UTC, and text as it is (a Japanese
/// key stays readable: the JSON is never put into HTML). Read: names in any case, unknown fields ignored, numbers as numbers only, a byte
/// order mark skipped, a time without an offset taken as UTC, at most 32 levels deep.
/// </remarks>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.Strict,
    AllowDuplicateProperties = true,
    RespectNullableAnnotations = true,
    MaxDepth = 32,
    Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(DescribeImage))]
[JsonSerializable(typeof(DescribeText))]
[JsonSerializable(typeof(ImageDescribed))]
[JsonSerializable(typeof(TextDescribed))]
[JsonSerializable(typeof(ImageRejected))]
[JsonSerializable(typeof(CancelJob))]
public sealed partial class ContractsJson : JsonSerializerContext
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>A message as UTF-8 JSON, ready to be the body of an AMQP message.</summary>
    /// <typeparam name="T">One of the message types of this assembly.</typeparam>
    /// <param name="message">The message.</param>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is not one of the message types.</exception>
    /// <exception cref="ArgumentException">A number is NaN or infinite: JSON has no such numbers.</exception>
    public static byte[] Write<T>(T message)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(message);
        return JsonSerializer.SerializeToUtf8Bytes(message, TypeInfo<T>());
    }

    /// <summary>Reads a message from UTF-8 JSON. What it says is not checked: see <see cref="DescribeImage.Validate"/>.</summary>
    /// <typeparam name="T">One of the message types of this assembly.</typeparam>
    /// <param name="utf8Json">The body of an AMQP message.</param>
    /// <exception cref="JsonException">
    /// The bytes are not JSON, or a field is of the wrong kind. The message is a sentence for whoever sent the bytes; it holds none of
    /// their values.
    /// </exception>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is not one of the message types.</exception>
    public static T Read<T>(ReadOnlySpan<byte> utf8Json)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(WithoutMark(utf8Json), TypeInfo<T>()) ?? throw new JsonException("the message is null");
        }
        catch (JsonException error) when (error.Path is not null || error.InnerException is not null)
        {
            throw new JsonException(JsonFault.Describe(error), error.Path, error.LineNumber, error.BytePositionInLine, error);
        }
    }

    internal static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> utf8Json) =>
        utf8Json.StartsWith(ByteOrderMark) ? utf8Json[ByteOrderMark.Length..] : utf8Json;

    private static JsonTypeInfo<T> TypeInfo<T>() => Readable.Context.GetTypeInfo(typeof(T)) as JsonTypeInfo<T>
        ?? throw new NotSupportedException($"{typeof(T)} is not a message of {nameof(VlWorker)}");

    // The generator has no setting for the encoder, so the context that reads and writes is a second one. It has a class of its own
    // because the order in which the static fields of two parts of one class come to be is not defined.
    private static class Readable
    {
        public static readonly ContractsJson Context =
            new(new JsonSerializerOptions(Default.Options!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}
