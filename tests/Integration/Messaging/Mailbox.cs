using System.Text.Json;
using System.Threading.Channels;
using VlWorker.Contracts;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>A message that came out of the worker.</summary>
internal sealed record Mail(string RoutingKey, MessageProperties Properties, byte[] Body)
{
    public Answer Answer => Contracts.Answer.Read(Body);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;
}

/// <summary>What arrived somewhere, in order.</summary>
internal sealed class Mailbox
{
    private readonly Channel<Mail> _mails = Channel.CreateBounded<Mail>(100_000);

    public int Count => _mails.Reader.Count;

    public Task PutAsync(string routingKey, MessageProperties properties, byte[] body) =>
        _mails.Writer.WriteAsync(new Mail(routingKey, properties, body)).AsTask();

    /// <summary>The next one; fails after a minute.</summary>
    public async Task<Mail> NextAsync()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        try
        {
            return await _mails.Reader.ReadAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException("nothing arrived within a minute");
        }
    }

    /// <summary>The next so many.</summary>
    public async Task<IReadOnlyList<Mail>> NextAsync(int count)
    {
        var mails = new List<Mail>(count);
        while (mails.Count < count)
            mails.Add(await NextAsync());
        return mails;
    }
}
