using VlWorker.Contracts;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Tests.Jobs;

/// <summary>A job file in a folder of its own, and items and outcomes for it.</summary>
public abstract class PassedJob : IDisposable
{
    private protected const string Models = "caption=captioner@1 embedding=clip@2";

    private protected TestFolder Folder { get; } = new();

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected JobFile Create() => JobFile.Create(
        Folder["j.vljob"], new JobSettings { Job = "autumn", Source = new SourceSettings { Bucket = "photos" }, Template = new DescribeImage() }, TimeProvider.System);

    private protected static ListedItem Item(string key, string? own = null) => new("photos", key, $"etag-{key}", own);

    private protected static Settlement Described(long id, string models = Models) => new(id, OutcomeKind.Described, models, null, null, new byte[64], 5);
}
