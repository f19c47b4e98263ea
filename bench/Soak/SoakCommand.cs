using System.CommandLine;
using System.Diagnostics;
using VlWorker.Bench.Pipeline;
using VlWorker.Integration.Faults;

namespace VlWorker.Bench.Soak;

/// <summary><c>soak</c>: mixed lanes under random faults, and an account of every request in the end.</summary>
internal static class SoakCommand
{
    private static readonly Option<double> Minutes = new("--minutes") { DefaultValueFactory = _ => 30, Description = "Time during which things go wrong." };
    private static readonly Option<double> Every = new("--every") { DefaultValueFactory = _ => 20, Description = "Seconds from one fault to the next." };
    private static readonly Option<int> Workers = new("--workers") { DefaultValueFactory = _ => 2, Description = "Workers at a time." };
    private static readonly Option<double> Rate = new("--rate") { DefaultValueFactory = _ => 3, Description = "Interactive requests a second, besides texts and a backfill." };
    private static readonly Option<int?> Seed = new("--seed") { Description = "Repeats a run's faults and requests; by chance if absent." };
    private static readonly Option<string?> Output = new("--out") { Description = "File for the result, Markdown." };
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    public static Command Create()
    {
        var command = new Command("soak", "Workers on a broker and a store that fail at random; nothing may be lost. Ends with 1 if something was.")
        {
            Minutes, Every, Workers, Rate, Seed, Output,
        };
        command.SetAction((result, cancellation) => RunAsync(
            new SoakPlan(
                result.GetValue(Minutes),
                result.GetValue(Every),
                result.GetValue(Workers),
                result.GetValue(Rate),
                result.GetValue(Seed) ?? Random.Shared.Next(1, 1_000_000)),
            result.GetValue(Output),
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(SoakPlan plan, string? file, CancellationToken cancellation)
    {
        using var services = Services.Start(own: true);
        using var bucket = new Bucket(services);
        await bucket.CreateAsync();
        var keys = await Samples.UploadAsync(bucket);
        await bucket.PutAsync(SoakLoad.Corrupt, "no image at all, but long enough to look at"u8.ToArray());
        await using var brokerProxy = FaultProxy.Start(new Uri(services.Broker));
        await using var storeProxy = FaultProxy.Start(services.Store);
        string[] settings =
        [
            $"--Broker:Uri={new UriBuilder(services.Broker) { Port = brokerProxy.Port }.Uri}", $"--Store:Endpoint=http://127.0.0.1:{storeProxy.Port}",
            // Short, so that a fault of seconds is felt.
            "--Fetching:StallTimeoutMs=2000", "--Publishing:ConfirmTimeout=00:00:05", "--Consuming:ProbeMaximum=00:00:05",
        ];
        using var workers = new SoakWorkers(services, bucket.Name, settings);
        await workers.StartFirstAsync();
        for (var i = 1; i < plan.Workers; i++)
            workers.Start();

        var ledger = new Ledger();
        var answers = new SoakAnswers(services.Broker, ledger);
        await answers.DeclareAsync();
        var load = new SoakLoad(services.Broker, bucket.Name, keys, ledger, plan.Seed);
        var faults = new SoakFaults(services, workers, brokerProxy, storeProxy, new Random(plan.Seed + 1));
        var started = Stopwatch.GetTimestamp();
        var injected = await UnderFaultsAsync(plan, ledger, answers, load, faults, workers, cancellation);
        var left = await answers.LeftAsync();
        workers.Dispose();
        return SoakSummary.Write(
            new SoakOutcome(plan, answers.Version, ledger.Entries, injected, load.PublishedAgain, workers.Ended, left, Stopwatch.GetElapsedTime(started)), file);
    }

    /// <summary>Runs load and faults for the time asked for, then waits until everything is answered.</summary>
    private static async Task<IReadOnlyList<string>> UnderFaultsAsync(
        SoakPlan plan, Ledger ledger, SoakAnswers answers, SoakLoad load, SoakFaults faults, SoakWorkers workers, CancellationToken cancellation)
    {
        var injected = new List<string>();
        using var stopLoad = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var stopAnswers = new CancellationTokenSource();
        var taking = answers.RunAsync(stopAnswers.Token);
        var publishing = load.RunAsync(plan.Rate, stopLoad.Token);
        var choice = new Random(plan.Seed);
        var started = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(plan.Every));
        while (Stopwatch.GetElapsedTime(started).TotalMinutes < plan.Minutes && await TickAsync(timer, cancellation))
        {
            workers.Watch();
            var (name, injectAsync) = faults.Kinds[choice.Next(faults.Kinds.Count)];
            Console.WriteLine($"{Stopwatch.GetElapsedTime(started):mm\\:ss} {name}; open {ledger.OpenInAll} of {ledger.Entries.Count}");
            injected.Add(name);
            await injectAsync();
        }

        await stopLoad.CancelAsync();
        await publishing;
        for (var since = Stopwatch.GetTimestamp(); ledger.OpenInAll > 0 && Stopwatch.GetElapsedTime(since) < Patience && await TickAsync(timer, cancellation);)
        {
            workers.Watch();
            Console.WriteLine($"waiting for {ledger.OpenInAll} of {ledger.Entries.Count}");
        }

        await stopAnswers.CancelAsync();
        await taking;
        return injected;
    }

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken cancellation)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
