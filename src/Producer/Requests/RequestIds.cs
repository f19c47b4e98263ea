namespace VlWorker.Producer.Requests;

/// <summary>Ids for requests that bring none.</summary>
/// <param name="prefix">With a prefix the id is <c>prefix-number</c>: the same input gives the same ids. Without, it is a time-ordered GUID.</param>
/// <param name="time">The clock.</param>
internal sealed class RequestIds(string? prefix, TimeProvider time)
{
    /// <summary>The id of the request at a place in the input.</summary>
    public string For(long number) => prefix is null
        ? Guid.CreateVersion7(time.GetUtcNow()).ToString()
        : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{prefix}-{number}");
}
