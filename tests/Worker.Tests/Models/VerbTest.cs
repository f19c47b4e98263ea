using VlWorker.Worker.Tests.Demo;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Models;

/// <summary>What tests of a verb need: tiny models, their pictures, a folder that goes with the test, and a console that remembers.</summary>
public abstract class VerbTest : IDisposable
{
    private protected static readonly string Captioner = FixtureArchive.Extract("vit-gpt2-tiny");
    private protected static readonly string Clip = FixtureArchive.Extract("clip-tiny");
    private protected static readonly string Pictures = Path.Combine(Clip, "golden", "images");

    private protected TempFolder Folder { get; } = new();

    private protected VerbConsole Console { get; } = new();

    public void Dispose()
    {
        Folder.Dispose();
        Console.Dispose();
        GC.SuppressFinalize(this);
    }
}
