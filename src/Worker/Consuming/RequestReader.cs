using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using VlWorker.Contracts;
using VlWorker.Failures;

namespace VlWorker.Consuming;

/// <summary>Reads requests from raw bytes. What can't be read still gives a request, with all that can be salvaged for the answer.</summary>
internal static class RequestReader
{
    /// <summary>Reads a <see cref="DescribeImage"/>; sets <see cref="Delivery.Unreadable"/> if it can't.</summary>
    public static DescribeImage ReadImage(Delivery delivery) => Read(delivery, root => new DescribeImage
    {
        Id = Salvage(root, "id", ContractsJson.Default.String),
        JobId = Salvage(root, "jobId", ContractsJson.Default.String),
        Image = Salvage(root, "image", ContractsJson.Default.ImageReference),
        Context = Salvage(root, "context", ContractsJson.Default.IReadOnlyDictionaryStringString),
    });

    /// <summary>Reads a <see cref="DescribeText"/>; sets <see cref="Delivery.Unreadable"/> if it can't.</summary>
    public static DescribeText ReadText(Delivery delivery) => Read(delivery, root => new DescribeText
    {
        Id = Salvage(root, "id", ContractsJson.Default.String),
        JobId = Salvage(root, "jobId", ContractsJson.Default.String),
        Context = Salvage(root, "context", ContractsJson.Default.IReadOnlyDictionaryStringString),
    });

    private static T Read<T>(Delivery delivery, Func<JsonElement, T> salvage)
        where T : class, new()
    {
        if (delivery.Body.Length > RequestLimits.MessageBytes)
        {
            delivery.Unreadable = new RejectedException(RejectionReason.BadRequest, "the message is larger than 1 MiB");
            return salvage(UnreadMessage.Essentials(delivery.Body));
        }

        try
        {
            return ContractsJson.Read<T>(delivery.Body);
        }
        catch (JsonException error)
        {
            return Explain(delivery, error, salvage);
        }
    }

    /// <summary>A JSON object of the wrong shape is the sender's mistake, and the sender gets an answer; anything else is a dead letter.</summary>
    private static T Explain<T>(Delivery delivery, JsonException error, Func<JsonElement, T> salvage)
        where T : new()
    {
        if (UnreadMessage.IsObject(delivery.Body))
        {
            delivery.Unreadable = new RejectedException(RejectionReason.BadRequest, error.Message, error);
            return salvage(UnreadMessage.Essentials(delivery.Body));
        }

        delivery.Unreadable = new MalformedException(delivery.Body.Length == 0 ? "the body is empty" : error.Message, error);
        return new T();
    }

    private static T? Salvage<T>(JsonElement root, string name, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return root.TryGetProperty(name, out var value) ? value.Deserialize(type) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
