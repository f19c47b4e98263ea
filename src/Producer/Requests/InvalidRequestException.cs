namespace VlWorker.Producer.Requests;

/// <summary>One request of the input is wrong; the others may be right.</summary>
/// <param name="number">Its place in the input, from 1.</param>
/// <param name="errors">Everything that is wrong with it.</param>
internal sealed class InvalidRequestException(long number, IReadOnlyList<string> errors) : Exception(string.Join("; ", errors))
{
    /// <summary>Place in the input, from 1.</summary>
    public long Number { get; } = number;
}
