using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Backfill;

/// <summary>Makes of a message of the job's queue what is recorded of it.</summary>
internal sealed class AnswerReader(RequestComposer composer)
{
    /// <summary>What became of an item; null for what belongs to another job or is no answer.</summary>
    public Settlement? Read(Arrival arrival)
    {
        try
        {
            if (arrival.Exchange == Topology.DeadExchange)
                return Dead(arrival);
            var answer = AnswerBody.Read(arrival.Body);
            var item = composer.ItemOf(answer.Id, answer.JobId);
            return item == 0 ? null : answer switch
            {
                { Image: { } image } => Described(item, image),
                { Rejection: { } rejection } => new Settlement(item, OutcomeKind.Rejected, rejection.Reason, rejection.Detail, null, null, 0),
                _ => null,
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static Settlement Described(long item, ImageDescribed result)
    {
        var models = string.Join(" ", result.Outputs.Select(output => $"{output.Task}={output.Model.Alias}@{output.Model.Revision}"));
        var timings = result.Timings;
        return new Settlement(
            item,
            OutcomeKind.Described,
            models,
            null,
            result.Image.Etag,
            [.. result.Outputs.SelectMany(output => Bytes(output.ResultId))],
            timings.Fetch + timings.Decode + timings.BatchWait + timings.Inference);
    }

    private Settlement? Dead(Arrival arrival)
    {
        var request = ContractsJson.Read<DescribeImage>(arrival.Body);
        var item = composer.ItemOf(request.Id ?? "", request.JobId);
        var reason = DeadLetters.DeadLetter.ReasonOf(arrival.Properties);
        return item == 0 ? null : new Settlement(item, OutcomeKind.Dead, reason, arrival.Properties.Text(Topology.DeadErrorHeader), null, null, 0);
    }

    private static byte[] Bytes(string id)
    {
        try
        {
            return Convert.FromHexString(id);
        }
        catch (FormatException)
        {
            return [];
        }
    }
}
