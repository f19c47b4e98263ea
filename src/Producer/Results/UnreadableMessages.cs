using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using RabbitMQ.Client;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Printing;

namespace VlWorker.Producer.Results;

/// <summary>Messages that are no results: told, counted, and where there is a file for them written there as they came.</summary>
/// <param name="path">The file, made when the first comes; null leaves messages where they are.</param>
/// <param name="terminal">For messages and the clock.</param>
internal sealed class UnreadableMessages(string? path, Terminal terminal)
{
    private const int Told = 20;
    private const int Tries = 200;

    /// <summary>Bytes that wait for a flush at most, but for the last message.</summary>
    private const int Most = 8 << 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _lines = new();

    /// <summary>Messages so far.</summary>
    public long Count { get; private set; }

    /// <summary>Whether messages are kept, so that they may be acknowledged after the next flush.</summary>
    public bool IsKept => path is not null;

    /// <summary>What became of them, to be put behind other figures; empty if there was none.</summary>
    public string Summary => Count == 0 ? "" : string.Create(
        CultureInfo.InvariantCulture, $", {Count:N0} not readable and {(path is null ? "left in the queue" : $"written to {path}")}");

    /// <summary>Takes one.</summary>
    /// <param name="arrival">The message.</param>
    /// <param name="why">What is wrong with it.</param>
    /// <exception cref="ProducerException">The file can't be written.</exception>
    public async Task AddAsync(Arrival arrival, string why)
    {
        if (path is not null)
        {
            _lines.Write(JsonSerializer.SerializeToUtf8Bytes(Line(arrival, why), Readable));
            _lines.Write("\n"u8);
            if (_lines.WrittenCount >= Most)
                await FlushAsync();
        }

        Count++;
        if (Count <= Told)
        {
            await SayAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"a message of {arrival.Body.Length:N0} bytes is no result and {(path is null ? "stays in the queue" : $"goes to {path}")}: {why}"));
        }
        else if (Count == Told + 1)
            await SayAsync("further messages that are no results are counted only");
    }

    /// <summary>Makes everything that was added durable. Several processes may write to one file.</summary>
    /// <exception cref="ProducerException">It can't be written.</exception>
    public async Task FlushAsync()
    {
        if (_lines.WrittenCount == 0)
            return;
        await using (var file = await OpenAsync(path!))
        {
            DurableFile.Guard(path!, () =>
            {
                Append(file);
                return true;
            });
        }

        _lines.Clear();
    }

    private static JsonObject Line(Arrival arrival, string why)
    {
        var properties = arrival.Properties;
        JsonNode? time = properties.IsTimestampPresent() ? properties.Timestamp.UnixTime : null;
        var headers = (properties.Headers ?? new Dictionary<string, object?>()).Select(header => Pair(header.Key, HeaderReader.Show(header.Value))).ToList();
        KeyValuePair<string, JsonNode?>[] all =
        [
            Pair("error", why), Pair("exchange", arrival.Exchange), Pair("routingKey", arrival.RoutingKey), Pair("messageId", properties.MessageId),
            Pair("correlationId", properties.CorrelationId), Pair("type", properties.Type), Pair("contentType", properties.ContentType),
            Pair("appId", properties.AppId), Pair("timestamp", time), Pair("headers", headers.Count > 0 ? new JsonObject(headers) : null),
            Pair("body", Convert.ToBase64String(arrival.Body)),
        ];
        return new JsonObject(all.Where(pair => pair.Value is not null));
    }

    private static KeyValuePair<string, JsonNode?> Pair(string name, JsonNode? value) => new(name, value);

    private async Task<FileStream> OpenAsync(string file)
    {
        for (var left = Tries; ; left--)
        {
            try
            {
                return DurableFile.Guard(file, () =>
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
                    return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                });
            }
            catch (ProducerException error) when (left > 0 && error.InnerException is IOException inner && JobLease.IsLocked(inner))
            {
                await Task.Delay(Pause, terminal.Time);
            }
        }
    }

    private void Append(FileStream file)
    {
        TornLine.Mend(file);
        file.Write(_lines.WrittenSpan);
        file.Flush(flushToDisk: true);
        DurableFile.SyncFolderOf(path!);
    }

    private Task SayAsync(string text) => terminal.Error.WriteLineAsync($"vl-producer: {Plain.Line(text)}");
}
