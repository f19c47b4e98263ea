using System.Text.Json;
using Microsoft.AspNetCore.Http;
using VlWorker.Contracts;
using VlWorker.Describing;
using VlWorker.Failures;
using VlWorker.Inference;

namespace VlWorker.Serving.Predict;

/// <summary>Sends an answer while it is generated: events <c>text</c> with its parts, then <c>result</c> with what a request without them gets.</summary>
/// <remarks>Until the first part is there, a failure is a problem like any other; from then on it is an event <c>error</c>.</remarks>
internal static class AnswerStream
{
    /// <summary>Whether a request asks for it.</summary>
    public static bool IsWanted(HttpRequest request) => request.GetTypedHeaders().Accept.Any(
        static type => type.MediaType.Equals(ServerEvents.ContentType, StringComparison.OrdinalIgnoreCase));

    /// <summary>Runs a request and sends its events.</summary>
    /// <param name="context">Where they go.</param>
    /// <param name="request">The request.</param>
    /// <param name="describe">Runs it.</param>
    /// <param name="answer">Makes the last event of what it gives.</param>
    /// <param name="cancellation">Nobody waits any more: the row leaves its batch at the next token.</param>
    /// <exception cref="RejectedException">bad-request: no answer is asked for.</exception>
    public static async Task SendAsync(
        HttpContext context, DescribeImage request, Func<TextStream, Task<Description>> describe, Func<Description, Prediction> answer,
        CancellationToken cancellation)
    {
        if (request.Tasks?.Contains(Tasks.Answer) is not true)
            throw new RejectedException(RejectionReason.BadRequest, "answers are streamed and nothing else: tasks must name answer");
        var stream = new TextStream(cancellation);
        var work = FinishAsync(describe, stream);
        try
        {
            await foreach (var part in stream.ReadAsync(cancellation))
                await ServerEvents.SendAsync(context.Response, "text", JsonSerializer.Serialize(new AnswerPart(part), ServingJson.Plain.AnswerPart), cancellation);
        }
        finally
        {
            // What the request holds is given back after this: nobody may be at work on it any more.
            await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        cancellation.ThrowIfCancellationRequested();
        var result = JsonSerializer.Serialize(answer(await work), ServingJson.Plain.Prediction);
        await ServerEvents.SendAsync(context.Response, "result", result, cancellation);
    }

    private static async Task<Description> FinishAsync(Func<TextStream, Task<Description>> describe, TextStream stream)
    {
        try
        {
            var description = await describe(stream);
            if (description.Outputs.FirstOrDefault(output => output.Answer is not null) is { Answer: { } text })
                stream.Write(text.Text);
            return description;
        }
        finally
        {
            stream.End();
        }
    }
}

/// <summary>A part of an answer.</summary>
/// <param name="Text">What comes behind the parts before.</param>
internal sealed record AnswerPart(string Text);
