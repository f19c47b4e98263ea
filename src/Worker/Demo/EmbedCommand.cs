using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using VlWorker.Contracts;
using VlWorker.Hosting;

namespace VlWorker.Demo;

/// <summary><c>vl-worker embed</c>: text embeddings on the command line, from the worker's own engine.</summary>
internal static class EmbedCommand
{
    private const int UnderWay = 64;

    private const string Description = """
        Prints the embeddings of texts, in the space of the image embeddings, one line a text in the order given.
        Exit code: 0 done; 1 a text was rejected (the error output says which); 2 nothing was done; 130 interrupted.
        """;

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var text = new Option<string[]>("--text")
        {
            Description = "The text; can be given several times. - reads lines from the standard input.",
            HelpName = "TEXT",
            Required = true,
        };
        var format = new Option<string>("--format")
        {
            Description = "json: the TextDescribed message, with the embedding as an array. base64: only the embedding, as little-endian float32.",
            DefaultValueFactory = _ => "json",
        };
        format.AcceptOnlyFromAmong("json", "base64");
        var command = new Command("embed", Description) { text, format };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(async (result, cancellation) =>
        {
            using var signals = new StopSignals(cancellation);
            return await RunAsync(
                result.GetRequiredValue(text),
                result.GetRequiredValue(format) == "base64",
                [.. result.UnmatchedTokens],
                (Console.In, Console.Out, Console.Error),
                signals.Token);
        });
        return command;
    }

    /// <summary>Runs the command.</summary>
    public static async Task<int> RunAsync(
        string[] texts, bool base64, string[] settings, (TextReader In, TextWriter Out, TextWriter Error) console, CancellationToken cancellation)
    {
        try
        {
            if (settings.FirstOrDefault(token => !WorkerSetting.Is(token)) is { } unknown)
                throw new DemoException($"'{unknown}' is not an option of embed; see embed --help");
            await using var worker = await EmbeddedWorker.StartAsync(EmbeddedWorker.Options(settings, AppContext.BaseDirectory), cancellation);
            await using var client = await worker.ConnectAsync(cancellation: cancellation);
            var failed = false;
            foreach (var window in Texts(texts, console.In).Chunk(UnderWay))
            {
                var replies = await Task.WhenAll(window.Select((text, i) => AskAsync(client, text, i, base64, cancellation)));
                foreach (var (text, reply) in window.Zip(replies))
                    failed |= !await PrintAsync(text, reply, base64, console);
            }

            return failed ? DemoExit.Incomplete : DemoExit.Complete;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return DemoExit.Interrupted;
        }
        catch (Exception error) when (error is DemoException or StartupException or NoAnswerException)
        {
            await console.Error.WriteLineAsync($"Error: {error.Message}");
            return DemoExit.CannotStart;
        }
    }

    private static IEnumerable<string> Texts(string[] texts, TextReader input)
    {
        foreach (var text in texts)
        {
            if (text != "-")
            {
                yield return text;
                continue;
            }

            while (input.ReadLine() is { } line)
                yield return line;
        }
    }

    private static Task<Reply> AskAsync(RequestClient client, string text, int index, bool base64, CancellationToken cancellation)
    {
        var request = new DescribeText
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"text-{index + 1}"),
            Text = text,
            EmbeddingEncoding = base64 ? EmbeddingEncodings.Base64 : EmbeddingEncodings.Float,
        };
        return client.AskAsync(request.Id, Topology.TextRoutingKey, ContractsJson.Write(request), cancellation);
    }

    private static async Task<bool> PrintAsync(string text, Reply reply, bool base64, (TextReader In, TextWriter Out, TextWriter Error) console)
    {
        if (reply.Answer.Text is { } described)
        {
            await console.Out.WriteLineAsync(base64 ? described.Embedding.Base64 : System.Text.Encoding.UTF8.GetString(reply.Body));
            return true;
        }

        // The line stays empty, so that lines still belong to texts.
        await console.Out.WriteLineAsync();
        await console.Error.WriteLineAsync($"{JsonSerializer.Serialize(text)}: {reply.Answer.Rejection?.Reason}: {reply.Answer.Rejection?.Detail}");
        return false;
    }
}
