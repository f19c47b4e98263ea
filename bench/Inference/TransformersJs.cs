using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace VlWorker.Bench.Inference;

/// <summary>transformers.js in a process of its own, which takes turns: one round over the images for each line it is sent.</summary>
internal sealed class TransformersJs : IDisposable
{
    private readonly Process _process;

    private TransformersJs(Process process, string version) => (_process, Version) = (process, version);

    /// <summary>Its version.</summary>
    public string Version { get; }

    /// <summary>Starts it and waits until it has loaded the model and warmed up.</summary>
    /// <exception cref="InvalidOperationException">It does not start: Node or its packages are missing.</exception>
    public static TransformersJs Start(string model, string images, IReadOnlyList<int> batches, int most)
    {
        var folder = Path.Combine(Repository.Root, "bench", "peers", "transformersjs");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
            throw new InvalidOperationException($"the peer is not installed: run \"npm ci --ignore-scripts\" in {folder}");
        var process = Process.Start(new ProcessStartInfo("node")
        {
            WorkingDirectory = folder,
            ArgumentList = { "bench.mjs", "--model", model, "--images", images, "--batch", string.Join(',', batches), "--limit", most.ToString(CultureInfo.InvariantCulture), "--interactive" },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var ready = Read(process);
        return new TransformersJs(process, ready.GetProperty("version").GetString()!);
    }

    /// <summary>One round; the images a second, and how many captions were the truth.</summary>
    public (double PerSecond, int Correct) Round(int batch)
    {
        _process.StandardInput.WriteLine(batch.ToString(CultureInfo.InvariantCulture));
        _process.StandardInput.Flush();
        var result = Read(_process);
        return (result.GetProperty("images").GetInt32() / result.GetProperty("seconds").GetDouble(), result.GetProperty("captions_correct").GetInt32());
    }

    /// <summary>Ends the process.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(30)))
            _process.Kill(true);
        _process.Dispose();
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

        throw new InvalidOperationException("the peer ended; what it said is above");
    }
}
