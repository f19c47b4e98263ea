using VlWorker.Contracts;

namespace VlWorker.Producer.Requests;

/// <summary>Makes requests from texts.</summary>
/// <param name="template">Everything but the id and the text.</param>
/// <param name="ids">Ids for requests without one.</param>
internal sealed class TextRequests(DescribeText template, RequestIds ids)
{
    /// <summary>A text's request.</summary>
    /// <exception cref="InvalidRequestException">It makes no valid request.</exception>
    public OutgoingRequest FromText(long number, string text)
    {
        var request = template with { Id = template.Id ?? ids.For(number), Text = text };
        return request.Validate() is { Count: > 0 } errors
            ? throw new InvalidRequestException(number, errors)
            : new OutgoingRequest(number, request.Id, Topology.TextRoutingKey, ContractsJson.Write(request));
    }
}
