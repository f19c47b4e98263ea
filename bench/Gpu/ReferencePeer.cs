using System.Diagnostics;
using System.Text.Json;

namespace VlWorker.Bench.Gpu;

/// <summary>Hugging Face transformers in a Python process of its own, which takes turns: a line of JSON is asked, a line is answered.</summary>
internal sealed class ReferencePeer : IDisposable
{
    private readonly Process _process;

    private ReferencePeer(Process process, string versions) => (_process, Versions) = (process, versions);

    /// <summary>Versions of what answers.</summary>
    public string Versions { get; }

    /// <summary>Starts it.</summary>
    /// <param name="python">A Python with torch, transformers and numpy.</param>
    /// <param name="script">Of bench/peers/transformers.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <exception cref="InvalidOperationException">It does not start.</exception>
    public static ReferencePeer Start(string python, string script, params ReadOnlySpan<string> arguments)
    {
        var process = Process.Start(new ProcessStartInfo(python, [Script(script), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var ready = Read(process);
        return new ReferencePeer(process, $"torch {ready.GetProperty("torch").GetString()}, transformers {ready.GetProperty("transformers").GetString()}");
    }

    /// <summary>A script of the reference's.</summary>
    public static string Script(string name) => Path.Combine(Repository.Root, "bench", "peers", "transformers", name);

    /// <summary>Milliseconds of each of some runs of a model on a batch; null, and the reason on the error output, where it can't.</summary>
    public IReadOnlyList<double>? Time(object request) =>
        Ask(request) is { } answer ? [.. answer.GetProperty("milliseconds").EnumerateArray().Select(value => value.GetDouble())] : null;

    /// <summary>What a model gives for each image: tokens with the start token in front, or an embedding.</summary>
    public double[][]? Result(object request) => Ask(request) is { } answer
        ? [.. answer.GetProperty("result").EnumerateArray().Select(row => row.EnumerateArray().Select(value => value.GetDouble()).ToArray())]
        : null;

    /// <summary>Ends the process.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(30)))
            _process.Kill(true);
        _process.Dispose();
    }

    private JsonElement? Ask(object request)
    {
        _process.StandardInput.WriteLine(JsonSerializer.Serialize(request));
        _process.StandardInput.Flush();
        var answer = Read(_process);
        if (answer.TryGetProperty("error", out var error))
        {
            Console.Error.WriteLine($"reference: {error.GetString()} for {JsonSerializer.Serialize(request)}");
            return null;
        }

        if (answer.GetProperty("lost").GetInt32() is > 0 and var lost)
            Console.Error.WriteLine($"reference: {lost} parameters found no place: its weights are not ours");
        return answer;
    }

    private static JsonElement Read(Process process)
    {
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (!line.StartsWith('{'))
                continue;
            using var json = JsonDocument.Parse(line);
            return json.RootElement.Clone();
        }

        throw new InvalidOperationException("the reference ended; what it said is above");
    }
}
