using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;

namespace VlWorker.Bench.Decoding;

/// <summary>Another library behind a script of bench/peers: one JSON line in, one JSON line and raw bytes out.</summary>
internal sealed class Peer : IDisposable
{
    private readonly Process _process;
    private readonly Stream _output;

    private Peer(string program, string script, string version, Process process)
    {
        (Program, Script, Version, _process) = (program, script, version, process);
        _output = process.StandardOutput.BaseStream;
    }

    /// <summary>The interpreter.</summary>
    public string Program { get; }

    /// <summary>The script's path.</summary>
    public string Script { get; }

    /// <summary>The library with its version.</summary>
    public string Version { get; private set; }

    /// <summary>Starts a script with the first interpreter that can run it; null when none can.</summary>
    public static Peer? TryStart(string script, params string[] programs)
    {
        var path = Path.Combine(Repository.Root, "bench", "peers", script);
        foreach (var program in programs)
        {
            try
            {
                var process = Process.Start(new ProcessStartInfo(program, [path])
                {
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                    WorkingDirectory = Path.GetDirectoryName(path),
                })!;
                process.ErrorDataReceived += (_, _) => { };
                process.BeginErrorReadLine();
                var peer = new Peer(program, path, "", process);
                peer.Version = peer.Ask(new JsonObject { ["op"] = "version" })["version"]!.GetValue<string>();
                return peer;
            }
            catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException)
            {
                // Not installed, or without the library: the next one may do.
            }
        }

        return null;
    }

    /// <summary>Pillow under Debian's or the first Python.</summary>
    public static Peer? Pillow() => TryStart(Path.Combine("pillow", "peer.py"), "/usr/bin/python3", "python3");

    /// <summary>sharp under Node.</summary>
    public static Peer? Sharp() => TryStart(Path.Combine("sharp", "peer.mjs"), "node");

    /// <summary>Sends a request and reads the answer's line.</summary>
    public JsonObject Ask(JsonObject request)
    {
        _process.StandardInput.WriteLine(request.ToJsonString());
        _process.StandardInput.Flush();
        var line = new List<byte>();
        for (int next; (next = _output.ReadByte()) != '\n'; line.Add((byte)next))
        {
            if (next < 0)
                throw new IOException($"{Script} ended.");
        }

        var answer = JsonNode.Parse(Encoding.UTF8.GetString([.. line]))!.AsObject();
        return answer["error"] is { } error ? throw new InvalidOperationException($"{Script}: {error}") : answer;
    }

    /// <summary>The RGB bytes of a file for each plan.</summary>
    public IReadOnlyList<byte[]> Prepare(string file, IEnumerable<JsonObject> plans)
    {
        var answer = Ask(new JsonObject { ["op"] = "prepare", ["file"] = file, ["plans"] = new JsonArray([.. plans]) });
        var images = new List<byte[]>();
        foreach (var size in answer["sizes"]!.AsArray())
        {
            var bytes = new byte[size![0]!.GetValue<int>() * size[1]!.GetValue<int>() * 3];
            _output.ReadExactly(bytes);
            images.Add(bytes);
        }

        return images;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit(5000);
        _process.Dispose();
    }
}
