using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Failures;
using VlWorker.Integration.Infrastructure;
using VlWorker.Publishing;

namespace VlWorker.Integration.Messaging;

/// <summary>What only a real broker can promise: nothing is lost, nothing is buried for a fault that was not its own.</summary>
public sealed class RabbitMqGuaranteeTests
{
    [Fact]
    public async Task No_more_messages_are_in_hand_than_the_prefetch()
    {
        await using var bench = await RabbitMqBench.StartAsync(TestWorker.Quick with { BackfillPrefetch = 7 });
        var release = new TaskCompletionSource();
        bench.Worker.Store.Always = release.Task.WaitAsync;
        for (var i = 0; i < 30; i++)
            await bench.PublishCaptionAsync($"p{i}", routingKey: Topology.BackfillRoutingKey);
        await Eventually.TrueAsync("seven to be in hand", () => bench.Worker.Store.InFlight == 7);
        await bench.Broker.WaitForCountAsync(Topology.BackfillQueue, 23);

        release.SetResult();
        await bench.Results.NextAsync(30);

        Assert.Equal(7, bench.Worker.Store.Peak);
    }

    [Fact]
    public async Task Results_that_no_queue_is_bound_for_are_kept_until_one_is()
    {
        await using var bench = await RabbitMqBench.StartAsync(publishing: new PublishingOptions { DeclareResultsQueue = false }, listen: false);
        for (var i = 0; i < 40; i++)
            await bench.PublishCaptionAsync($"n{i}");
        await Eventually.TrueAsync("the worker to say why", () => bench.Worker.Service.NotReady?.Contains("no queue is bound to exchange 'vl.results'", StringComparison.Ordinal) == true);

        // Nobody takes what comes from now on.
        for (var i = 40; i < 45; i++)
            await bench.PublishCaptionAsync($"n{i}");
        await bench.Broker.WaitForAtLeastAsync(Topology.InteractiveQueue, 5);
        await bench.Broker.UseAsync(channel => channel.QueueDeclareAsync("indexer", durable: true, exclusive: false, autoDelete: false));
        await bench.Broker.UseAsync(channel => channel.QueueBindAsync("indexer", Topology.ResultsExchange, "described.#"));

        var results = await bench.Broker.TakeAsync("indexer", 45);

        Assert.Equal(45, results.Select(result => Answer.Read(result.Body).Id).Distinct().Count());
        Assert.Equal(45, bench.Worker.Model.Rows);
        await Eventually.TrueAsync("the worker to be ready", () => bench.Worker.Service.NotReady is null);
        await bench.Broker.WaitForCountAsync(Topology.DeadLettersQueue, 0);
    }

    [Fact]
    public async Task Results_may_be_dropped_where_that_is_wanted()
    {
        var options = new PublishingOptions { DeclareResultsQueue = false, DropUnroutable = true };
        await using var bench = await RabbitMqBench.StartAsync(publishing: options, listen: false);
        await bench.PublishCaptionAsync("dropped");

        await Eventually.TrueAsync("the drop to be logged", () => bench.Worker.Log.Lines.Any(line => line.Contains("described.interactive.- dropped", StringComparison.Ordinal)));

        Assert.Null(bench.Worker.Service.NotReady);
    }

    [Fact]
    public async Task A_full_results_queue_stops_consumption_until_there_is_room()
    {
        await using var bench = await RabbitMqBench.StartAsync(listen: false);
        await bench.Broker.UseAsync(channel => channel.QueueDeclareAsync("small", durable: true, exclusive: false, autoDelete: false,
            new Dictionary<string, object?> { ["x-max-length"] = 5, ["x-overflow"] = "reject-publish" }));
        await bench.Broker.UseAsync(channel => channel.QueueBindAsync("small", Topology.ResultsExchange, "#"));
        for (var i = 0; i < 20; i++)
            await bench.PublishCaptionAsync($"f{i}");
        await Eventually.TrueAsync("the worker to say why", () => bench.Worker.Service.NotReady?.Contains("its queue is full", StringComparison.Ordinal) == true);

        var results = await bench.Broker.TakeAsync("small", 20);

        Assert.Equal(20, results.Select(result => Answer.Read(result.Body).Id).Distinct().Count());
        Assert.Equal(20, bench.Worker.Model.Rows);
    }

    [Fact]
    public async Task A_requester_that_is_gone_holds_nothing_up()
    {
        await using var bench = await RabbitMqBench.StartAsync();
        await bench.PublishAsync("""{"id":"g1","image":{"bucket":"b","key":"k"}}""", new MessageProperties { ReplyTo = "nobody-here" });
        await bench.PublishAsync("""{"id":"g2","image":{"bucket":"b","key":"k"}}""");

        Assert.Equal(["g1", "g2"], (await bench.Results.NextAsync(2)).Select(mail => mail.Answer.Id).Order(StringComparer.Ordinal));

        await bench.Broker.WaitForCountAsync(Topology.InteractiveQueue, 0);
        await Eventually.TrueAsync("the log to say so", () => bench.Worker.Log.Lines.Any(line => line.Contains("the queue nobody-here is gone", StringComparison.Ordinal)));
        Assert.Null(bench.Worker.Service.NotReady);
    }

    [Theory]
    [InlineData("full", "its queue is full")]
    [InlineData("amq.rabbitmq.reply-to.g2gCZAAnAAAAAA==.x", "amq.rabbitmq.reply-to.g2gCZAAnAAAAAA==.x")]
    public async Task A_reply_that_the_broker_does_not_take_stops_nothing(string replyTo, string logged)
    {
        await using var bench = await RabbitMqBench.StartAsync();
        var nothing = new Dictionary<string, object?> { ["x-max-length"] = 0, ["x-overflow"] = "reject-publish" };
        await bench.Broker.UseAsync(channel => channel.QueueDeclareAsync("full", durable: true, exclusive: false, autoDelete: false, nothing));
        await bench.PublishAsync("""{"id":"h1","image":{"bucket":"b","key":"k"}}""", new MessageProperties { ReplyTo = replyTo });
        await Eventually.TrueAsync("the log to say so", () => bench.Worker.Log.Lines.Any(line => line.Contains(logged, StringComparison.Ordinal)));
        await bench.PublishAsync("""{"id":"h2","image":{"bucket":"b","key":"k"}}""", new MessageProperties { ReplyTo = bench.ReplyTo });

        Assert.Equal("h2", (await bench.Replies.NextAsync()).Answer.Id);
        await bench.Broker.WaitForCountAsync(Topology.InteractiveQueue, 0);
        Assert.DoesNotContain(bench.Worker.Log.Lines, line => line.Contains("No messages are taken", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_outage_costs_a_message_next_to_none_of_its_deliveries()
    {
        await using var bench = await RabbitMqBench.StartAsync();
        var gone = true;
        bench.Worker.Store.Always = _ => Volatile.Read(ref gone) ? throw new DependencyException(Dependency.Store, "503 for all") : Task.CompletedTask;
        bench.Worker.Store.On("b", _ => throw new TransientException("to be seen as a dead letter"));
        for (var i = 0; i < 60; i++)
            await bench.PublishCaptionAsync($"o{i}", "b");
        await Eventually.TrueAsync("the gate to close", () => !bench.Worker.Gate.State.IsOpen);
        await Eventually.TrueAsync("the consumers to be cancelled", async () => await bench.Broker.ConsumersAsync(Topology.InteractiveQueue) == 0);
        await bench.Broker.WaitForCountAsync(Topology.InteractiveQueue, 60);

        var counts = (await bench.Broker.TakeAsync(Topology.InteractiveQueue, 60)).Select(message => long.Parse(message.Header("x-delivery-count") ?? "0")).ToArray();

        Assert.InRange(counts.Max(), 0, 2);
        Volatile.Write(ref gone, false);
    }

    [Fact]
    public async Task A_message_is_renewed_before_the_brokers_delivery_limit_buries_it()
    {
        await using var bench = await RabbitMqBench.StartAsync();
        bench.Worker.Store.Always = _ => throw new DependencyException(Dependency.Store, "503 for all");
        var body = """{"id":"r1","image":{"bucket":"b","key":"k"}}""";
        var twentyTimes = new Dictionary<string, object?> { ["x-delivery-count"] = 20L, ["own"] = "kept" };

        await bench.Broker.PublishAsync(Topology.RequestsExchange, "interactive", body, new BasicProperties { Headers = twentyTimes, MessageId = "m" });
        await Eventually.TrueAsync("the gate to close", () => !bench.Worker.Gate.State.IsOpen);
        var renewed = Assert.Single(await bench.Broker.TakeAsync(Topology.InteractiveQueue, 1));

        Assert.Equal((body, "m", "kept", false), (renewed.Text, renewed.Properties.MessageId, renewed.Header("own"), renewed.Redelivered));
        Assert.Equal("0", renewed.Header("x-delivery-count") ?? "0");
        Assert.Null(renewed.Header(Topology.AttemptHeader));
    }

    [Fact]
    public async Task Copies_leave_out_what_the_broker_would_refuse_or_act_on()
    {
        await using var bench = await RabbitMqBench.StartAsync();
        var user = Uri.UnescapeDataString(bench.Broker.Uri.UserInfo.Split(':')[0]);
        var properties = new BasicProperties
        {
            Persistent = true,
            UserId = user,
            Expiration = "600000",
            Priority = 3,
            AppId = "shop",
            Headers = new Dictionary<string, object?> { ["CC"] = new List<object?> { "backfill" }, ["count"] = 7L, ["list"] = new List<object?> { 1, "two" } },
        };
        await bench.Broker.PublishAsync(Topology.RequestsExchange, "interactive", "no json", properties);

        var mails = await bench.DeadLetters.NextAsync(2);

        Assert.Equal([Topology.BackfillQueue, Topology.InteractiveQueue], mails.Select(mail => mail.Properties.Text(Topology.OriginHeader)).Order(StringComparer.Ordinal));
        Assert.All(mails, mail => Assert.Equal(("shop", (byte?)3, 7L), (mail.Properties.AppId, mail.Properties.Priority, mail.Properties.Number("count"))));
        Assert.All(mails, mail => Assert.Equal(2, Assert.IsType<List<object>>(mail.Properties.Headers["list"]).Count));
        Assert.All(mails, mail => Assert.False(mail.Properties.Headers.ContainsKey("CC")));
    }

    [Fact]
    public async Task A_message_put_into_the_queue_itself_comes_back_from_its_wait_too()
    {
        await using var bench = await RabbitMqBench.StartAsync();
        var attempts = 0;
        bench.Worker.Store.On("flaky", _ => Interlocked.Increment(ref attempts) == 1 ? throw new TransientException("503") : Task.CompletedTask);
        await bench.Broker.PublishAsync("", Topology.BackfillQueue, """{"id":"q1","image":{"bucket":"b","key":"flaky"}}""");

        Assert.Equal("q1", (await bench.Results.NextAsync()).Answer.Image!.Id);
    }

    [Fact]
    public async Task The_password_is_never_logged()
    {
        await using var broker = await TestBroker.CreateAsync();
        var uri = new UriBuilder(broker.Uri) { UserName = "nobody", Password = "s3cr3t-word" }.Uri;
        await using var worker = new TestWorker(new BrokerOptions { Uri = uri.ToString() });

        await worker.StartAsync();

        await Eventually.TrueAsync("the refusal to be named", () => worker.Service.NotReady?.Contains("refuses the user or the password", StringComparison.Ordinal) == true);
        Assert.DoesNotContain(worker.Log.Lines, line => line.Contains("s3cr3t-word", StringComparison.Ordinal));
        Assert.DoesNotContain("s3cr3t-word", worker.Broker.ToString(), StringComparison.Ordinal);
    }
}
