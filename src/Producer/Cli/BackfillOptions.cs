using System.CommandLine;
using System.CommandLine.Parsing;
using VlWorker.Contracts;
using VlWorker.Producer.Backfill;
using VlWorker.Producer.Jobs;
using VlWorker.Producer.Requests;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Cli;

/// <summary>Options that say what a job is.</summary>
internal sealed class BackfillOptions
{
    private readonly ImageOptions _image = new();
    private readonly Option<string?> _job = new("--job") { Description = "The job's name; it is part of every request's id.", HelpName = "JOB" };

    private readonly Option<string?> _bucket = new("--bucket", "-b")
    {
        Description = "The bucket to list, or that of a manifest's lines or a folder's files.",
        HelpName = "BUCKET",
    };

    private readonly Option<string?> _prefix = new("--prefix") { Description = "Only keys that begin so.", HelpName = "PREFIX" };

    private readonly Option<string?> _manifest = new("--manifest")
    {
        Description = "A list of images: JSON lines, CSV, Parquet, or a key a line.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _format =
        CommonOptions.Choice("--manifest-format", "Form of the manifest; default: by the file's name.", [.. ItemSources.Formats]);

    private readonly Option<string?> _folder = new("--folder")
    {
        Description = "A folder whose files are the images, as workers with a folder store see it.",
        HelpName = "DIR",
    };

    private readonly Option<string[]> _include = new("--include")
    {
        Description = "Only keys like this, as *.jpg; can be given several times.",
        HelpName = "PATTERN",
    };

    private readonly Option<long?> _limit = new("--limit") { Description = "Ends after so many images.", HelpName = "N" };
    private readonly Option<bool> _ifMatch = new("--if-match") { Description = "Describes an object only if it still has the listed entity tag." };

    private readonly Option<string?> _encoding =
        CommonOptions.Choice("--embedding", "How embeddings are written; default: base64, a third of the size.", [.. EmbeddingEncodings.All]);

    private readonly Option<Dictionary<string, string>?> _context =
        CommonOptions.Map("--context", "NAME=VALUE", "Echoed in every answer; can be given several times.");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_job, _bucket, _prefix, _manifest, _format, _folder, _include, _limit, _ifMatch, _encoding, _context])
            command.Add(option);
        _image.AddTo(command);
    }

    /// <summary>Whether a source is named.</summary>
    public bool HasSource(CommandResult result) => (result.GetValue(_manifest) ?? result.GetValue(_folder) ?? result.GetValue(_bucket)) is not null;

    /// <summary>Whether options say which part of a source is meant, or how to read it.</summary>
    public bool NarrowsSource(CommandResult result) =>
        ((Option[])[_prefix, _format, _include, _limit]).Any(option => result.GetResult(option) is not null);

    /// <summary>The job's name, or null.</summary>
    public string? Job(ParseResult result) => result.GetValue(_job);

    /// <summary>The job that the options describe.</summary>
    /// <exception cref="ProducerException">They do not go together.</exception>
    public JobSettings Settings(ParseResult result) => Settings(result, Job(result) ?? throw Wrong("a job needs a name: --job"));

    private JobSettings Settings(ParseResult result, string job) => Checked(new JobSettings
    {
        Job = job,
        Source = Source(result),
        Template = new DescribeImage { EmbeddingEncoding = EmbeddingEncodings.Base64 }.With(Template(result)),
        IfMatch = result.GetValue(_ifMatch),
    });

    /// <summary>An earlier job as the options change it: another source with all that goes with it, or what they say in place of its own.</summary>
    /// <exception cref="ProducerException">They do not go together.</exception>
    public JobSettings Again(ParseResult result, JobSettings before)
    {
        if (Job(result) is { } job && job != before.Job)
            throw Wrong($"the file holds the job '{before.Job}', not '{job}'");
        return HasSource(result.CommandResult)
            ? Settings(result, before.Job)
            : Checked(before with { Template = before.Template.With(Template(result)), IfMatch = before.IfMatch || result.GetValue(_ifMatch) });
    }

    private DescribeImage Template(ParseResult result) =>
        _image.Apply(result, new DescribeImage { EmbeddingEncoding = result.GetValue(_encoding), Context = result.GetValue(_context) });

    private static JobSettings Checked(JobSettings settings)
    {
        var image = new ImageReference { Bucket = "b", Key = "k" };
        var probe = settings.Template with { Id = settings.Job + "-1000000000.1000", JobId = settings.Job, Image = image };
        if (probe.Validate() is { Count: > 0 } faults)
            throw Wrong(string.Join("; ", faults));
        return settings.Template.Tasks?.FirstOrDefault(task => !Tasks.All.Contains(task)) is { } unknown
            ? throw Wrong($"'{unknown}' is no task: the tasks are {string.Join(", ", Tasks.All)}")
            : settings;
    }

    private SourceSettings Source(ParseResult result)
    {
        var (bucket, manifest, folder) = (result.GetValue(_bucket), result.GetValue(_manifest), result.GetValue(_folder));
        if (manifest is not null && folder is not null)
            throw Wrong("--manifest and --folder exclude each other");
        if (bucket is null && manifest is null)
            throw Wrong(folder is null ? "say which images: --bucket, --manifest or --folder" : "--folder needs --bucket: the name by which workers know the folder");
        if (result.GetValue(_prefix) is not null && (manifest ?? folder) is not null)
            throw Wrong("--prefix goes with a bucket that is listed; --include selects from manifests and folders");
        if (result.GetValue(_limit) is < 1)
            throw Wrong("--limit takes a number from 1");
        return new SourceSettings
        {
            Bucket = bucket,
            Prefix = result.GetValue(_prefix),
            Manifest = manifest is null ? null : Path.GetFullPath(manifest),
            ManifestFormat = result.GetValue(_format),
            Folder = folder is null ? null : Path.GetFullPath(folder),
            Include = result.GetValue(_include) ?? [],
            Limit = result.GetValue(_limit),
        };
    }

    private static ProducerException Wrong(string message) => new(ExitCode.Usage, message);
}

/// <summary>Options that say how a job is run.</summary>
internal sealed class BackfillPaceOptions
{
    private readonly Option<double?> _rate = new("--rate") { Description = "So many requests a second at most.", HelpName = "N" };

    private readonly Option<int> _maxQueue =
        CommonOptions.Number("--max-queue", "Publishes nothing while so many requests wait in the backfill queue.", 10_000, 100_000_000);

    private readonly Option<int> _window =
        CommonOptions.Number("--window", "Requests on their way at most: what a killed producer may publish twice.", 4096, 65_536);

    private readonly Option<bool> _noWait = new("--no-wait") { Description = "Ends when everything is published; --resume takes the answers later." };

    private readonly Option<int> _patience =
        CommonOptions.Number("--patience", "Tries for so many seconds to reach a broker or a store that went away.", 600, 864_000);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_rate, _maxQueue, _window, _noWait, _patience])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_rate) is <= 0)
                result.AddError("--rate takes a number above 0");
        });
    }

    /// <summary>What they say.</summary>
    public BackfillSettings Settings(ParseResult result) => new(
        result.GetValue(_rate), result.GetValue(_maxQueue), result.GetValue(_window), !result.GetValue(_noWait), TimeSpan.FromSeconds(result.GetValue(_patience)));
}
