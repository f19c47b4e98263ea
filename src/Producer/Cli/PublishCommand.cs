using System.CommandLine;
using System.Runtime.CompilerServices;
using VlWorker.Contracts;
using VlWorker.Producer.Requests;
using VlWorker.Producer.Sources;

namespace VlWorker.Producer.Cli;

/// <summary><c>publish</c>: one image, several, or a list.</summary>
internal sealed class PublishCommand
{
    private readonly CommonOptions _common = new();
    private readonly PublishOptions _publish = new();
    private readonly ImageOptions _image = new();

    private readonly Option<string?> _bucket = new("--bucket", "-b") { Description = "The bucket.", HelpName = "BUCKET" };

    private readonly Option<string[]> _keys = new("--key", "-k")
    {
        Description = "A key, or s3://bucket/key; can be given several times.",
        HelpName = "KEY",
    };

    private readonly Option<string?> _list = new("--list")
    {
        Description = "A file (- is standard input) with one key, s3:// address or DescribeImage as JSON a line; "
            + "what a JSON line does not say comes from the options.",
        HelpName = "FILE",
    };

    private readonly Option<long> _skip = new("--skip")
    {
        Description = "Leaves out so many lines of the list: takes up an interrupted run.",
        HelpName = "N",
    };

    private readonly Option<string?> _version = new("--version-id") { Description = "Reads exactly this version (one key only).", HelpName = "ID" };

    private readonly Option<string?> _etag = new("--etag")
    {
        Description = "Only if the entity tag is still this one (one key only).",
        HelpName = "TAG",
    };

    private readonly Option<string?> _lane = CommonOptions.Choice(
        "--lane", "interactive (default): somebody waits; backfill: fills idle time.", Topology.InteractiveRoutingKey, Topology.BackfillRoutingKey);

    /// <summary>The command.</summary>
    public Command Create(Terminal terminal)
    {
        var command = new Command("publish", "Publishes requests to describe images.");
        foreach (var option in (Option[])[_bucket, _keys, _list, _skip, _version, _etag, _lane])
            command.Add(option);
        _image.AddTo(command);
        _publish.AddTo(command);
        _common.AddTo(command);
        command.Validators.Add(result =>
        {
            var keys = result.GetValue(_keys) ?? [];
            var list = result.GetValue(_list) is not null;
            if (list == keys.Length > 0)
                result.AddError("publish takes either --key, once or several times, or --list");
            if ((list || keys.Length > 1) && (result.GetValue(_version) ?? result.GetValue(_etag)) is not null)
                result.AddError("--version-id and --etag are for one --key alone");
            if (result.GetValue(_skip) < 0)
                result.AddError("--skip takes a number of lines");
        });
        command.SetAction((result, cancellation) => RunAsync(result, terminal, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, Terminal terminal, CancellationToken cancellation)
    {
        var keys = result.GetValue(_keys) ?? [];
        var list = result.GetValue(_list);
        if (_publish.HasId(result) && (list is not null || keys.Length > 1))
            throw new ProducerException(ExitCode.Usage, "--id is for one --key alone; --id-prefix numbers several");
        var lane = result.GetValue(_lane) ?? Topology.InteractiveRoutingKey;
        var template = _image.Apply(result, _publish.ImageTemplate(result, terminal.Time)) with
        {
            Image = new ImageReference
            {
                Bucket = result.GetValue(_bucket),
                VersionId = result.GetValue(_version),
                Etag = result.GetValue(_etag),
            },
        };
        var requests = new ImageRequests(template, lane, _publish.Ids(result, terminal.Time));
        var run = new PublishRun(
            terminal, _common.Address(result, terminal), _publish.Settings(result, lane, result.GetValue(_common.Format), terminal));
        return await run.RunAsync(
            list is null
                ? keys.Select((key, i) => (Func<OutgoingRequest>)(() => requests.FromKey(i + 1, key))).ToAsyncEnumerable()
                : FromListAsync(requests, list, terminal, result.GetValue(_skip), cancellation),
            cancellation);
    }

    private static async IAsyncEnumerable<Func<OutgoingRequest>> FromListAsync(
        ImageRequests requests, string list, Terminal terminal, long skip, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var (number, line) in LineReader.ReadAsync(list, terminal.Input, skip, cancellation))
            yield return () => requests.FromLine(number, line ?? throw new InvalidRequestException(number, [ManifestFile.Garbled]));
    }
}
