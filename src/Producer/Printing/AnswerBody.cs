using System.Text.Json;
using VlWorker.Contracts;

namespace VlWorker.Producer.Printing;

/// <summary>Reads answers from whatever stands in a queue.</summary>
internal static class AnswerBody
{
    /// <summary>The answer in a message's body.</summary>
    /// <exception cref="JsonException">It is no answer.</exception>
    public static Answer Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return Answer.Read(body);
        }
        catch (InvalidOperationException error)
        {
            throw new JsonException("it holds half of a character", error);
        }
    }
}
