namespace VlWorker.Worker.Tests;

/// <summary>A folder of the worker is a stage, data walks one way through them, and nothing points back.</summary>
public sealed class LayeringTests
{
    /// <summary>What every stage may use.</summary>
    private static readonly string[] Vocabulary = ["Failures", "Buffers", "Files", "Security", "Telemetry", "Journal"];

    /// <summary>What a folder may use besides itself and, for a stage, the vocabulary. A folder that is not here may use everything.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Failures"] = [],
        ["Buffers"] = ["Failures"],
        ["Security"] = [],
        ["Telemetry"] = ["Failures"],
        ["Files"] = [],
        ["Journal"] = ["Files"],
        ["Fetching"] = Vocabulary,
        ["Decoding"] = Vocabulary,
        ["Inference"] = [.. Vocabulary, "Decoding"],
        ["Batching"] = [.. Vocabulary, "Inference"],
        ["Publishing"] = Vocabulary,
        ["Describing"] = [.. Vocabulary, "Fetching", "Decoding", "Batching", "Inference"],
        ["Consuming"] = [.. Vocabulary, "Fetching", "Decoding", "Batching", "Inference", "Publishing", "Describing"],
        ["Serving"] = [.. Vocabulary, "Fetching", "Batching", "Inference", "Publishing", "Describing", "Consuming"],
    };

    /// <summary>Folders that put the stages together.</summary>
    private static readonly string[] Composition = ["Hosting", "Demo", "Diagnostics", "Models", "Program"];

    private static readonly (string User, string Used)[] Pairs =
    [
        .. TypeDependencies.Read(typeof(Failures.RejectedException).Assembly.Location)
            .Where(static pair => pair.User.StartsWith("VlWorker.", StringComparison.Ordinal) && pair.Used.StartsWith("VlWorker.", StringComparison.Ordinal)),
    ];

    [Fact]
    public void Stages_use_only_what_lies_before_them()
    {
        var offending = Pairs.Select(static pair => (pair.User, pair.Used, From: FolderOf(pair.User), To: FolderOf(pair.Used)))
            .Where(static pair => pair.From != pair.To && Allowed.TryGetValue(pair.From, out var allowed) && !allowed.Contains(pair.To))
            .Select(static pair => $"{pair.From} must not use {pair.To}: {pair.User} uses {pair.Used}").Order().ToArray();

        Assert.True(offending.Length == 0, string.Join('\n', offending));
    }

    [Fact]
    public void Inference_takes_nothing_of_decoding_but_its_pixels()
    {
        var offending = Pairs.Where(static pair => FolderOf(pair.User) == "Inference" && FolderOf(pair.Used) == "Decoding")
            .Where(static pair => pair.Used != typeof(global::VlWorker.Decoding.PreparedPixels).FullName).Select(static pair => $"{pair.User} uses {pair.Used}").Order().ToArray();

        Assert.True(offending.Length == 0, string.Join('\n', offending));
    }

    [Fact]
    public void Every_folder_has_its_rule()
    {
        var folders = Pairs.SelectMany(static pair => (string[])[FolderOf(pair.User), FolderOf(pair.Used)]).Distinct().Order().ToArray();

        Assert.Equal([], folders.Except(Allowed.Keys).Except(Composition));
    }

    /// <summary>The reader sees what matters, so that the other tests can't pass by seeing nothing.</summary>
    [Theory]
    [InlineData("VlWorker.Inference.ImageInput", "VlWorker.Decoding.PreparedPixels")] // a property's type
    [InlineData("VlWorker.Fetching.FolderObjectStore", "VlWorker.Failures.RejectedException")] // only in a method's body
    [InlineData("VlWorker.Describing.ImageDescriber", "VlWorker.Fetching.FetchedObject")] // inside an async method's state machine
    public void The_reader_finds_dependencies(string user, string used) => Assert.Contains((user, used), Pairs);

    /// <summary>The folder under src/Worker, which is the namespace below VlWorker; Program for what lies beside the folders.</summary>
    private static string FolderOf(string type) => type.Split('.') is { Length: > 2 } parts ? parts[1] : "Program";
}
