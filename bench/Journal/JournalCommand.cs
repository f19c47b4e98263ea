using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using VlWorker.Journal;

namespace VlWorker.Bench.Journal;

/// <summary><c>journal</c>: what it costs an image to be written into the crash journal.</summary>
internal static class JournalCommand
{
    /// <summary>Decoding begins and ends, two rows are inferred: a caption and an embedding.</summary>
    private const int RowsAnImage = 2;

    /// <summary>Images whose rows run together, as in a worker that has enough to do.</summary>
    private const int Batch = 32;

    public static Command Create()
    {
        var count = new Option<int>("--images") { DefaultValueFactory = _ => 200_000, Description = "Images a round." };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 5, Description = "Rounds of each, alternating." };
        var folder = new Option<string?>("--folder") { Description = "Where the journal is kept; by default below the temporary folder." };
        var output = new Option<string?>("--out") { Description = "File for the result, Markdown." };
        var command = new Command("journal", "Time an image spends in the crash journal, caption and embedding, against no journal.") { count, rounds, folder, output };
        command.SetAction(result =>
        {
            using var report = new Report("What the crash journal costs an image", result.GetValue(output));
            var place = Directory.CreateDirectory(Path.Combine(result.GetValue(folder) ?? Path.GetTempPath(), $"vl-bench-journal-{Environment.ProcessId}")).FullName;
            try
            {
                Run(place, result.GetValue(count), result.GetValue(rounds), report);
            }
            finally
            {
                Directory.Delete(place, recursive: true);
            }
        });
        return command;
    }

    private static void Run(string folder, int count, int rounds, Report report)
    {
        using var on = Open(new JournalOptions { Folder = folder });
        using var off = Open(new JournalOptions { Deaths = 0 });
        (int Batch, List<double> With, List<double> Without)[] sizes = [(1, [], []), (Batch, [], [])];
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (batch, with, without) in sizes)
            {
                var (a, b) = (Microseconds(on, count, batch), Microseconds(off, count, batch));
                if (round == 0)
                    continue;
                with.Add(a);
                without.Add(b);
            }
        }

        if (!on.IsWritten)
            throw new InvalidOperationException("the journal could not be written");
        foreach (var (batch, with, without) in sizes)
        {
            report.Line(string.Create(
                CultureInfo.InvariantCulture,
                $"an image with caption and embedding, recognised, decoded and inferred in batches of {batch}, on one thread, median of {rounds} rounds of {count:N0}: {Statistics.Median(with):F1} µs with the journal, {Statistics.Median(without):F2} µs without"));
        }

        report.Line($"file: {new FileInfo(Path.Combine(folder, "0.journal")).Length / 1024} KiB");
    }

    private static CrashJournal Open(JournalOptions options)
    {
        var journal = new CrashJournal(options, TimeProvider.System, NullLogger<CrashJournal>.Instance);
        journal.Open();
        return journal;
    }

    private static double Microseconds(CrashJournal journal, int count, int batch)
    {
        var (body, marks) = (new byte[300], new WorkMark[batch]);
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i += batch)
        {
            for (var place = 0; place < batch; place++)
                marks[place] = Decode(journal, body, i + place);
            for (var row = 0; row < RowsAnImage; row++)
                NativeWork.Begin(marks, WorkStage.Inference).Dispose();
            foreach (var mark in marks)
                journal.Forget(mark.Fingerprint);
        }

        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / count;
    }

    private static WorkMark Decode(CrashJournal journal, byte[] body, int number)
    {
        BitConverter.TryWriteBytes(body, number);
        var fingerprint = journal.IsOn ? Fingerprint.Of(body, "order-4711/front") : 0;
        var deaths = journal.DeathsOf(fingerprint, returned: false);
        var mark = new WorkMark(journal, fingerprint, "order-4711/front", returns: true, deaths: deaths ?? 0);
        NativeWork.Begin([mark], WorkStage.Decoding).Dispose();
        return mark;
    }
}
