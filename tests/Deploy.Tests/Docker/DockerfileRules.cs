using System.Text.RegularExpressions;

namespace VlWorker.Deploy.Tests.Docker;

/// <summary>What our images promise, judged from the Dockerfile.</summary>
internal static partial class DockerfileRules
{
    private static readonly string[] Labels =
    [
        "org.opencontainers.image.title", "org.opencontainers.image.description", "org.opencontainers.image.licenses", "org.opencontainers.image.version",
        "org.opencontainers.image.revision", "org.opencontainers.image.created", "org.opencontainers.image.base.name", "vlworker.sbom.packages",
    ];

    /// <summary>Everything that is wrong, one sentence each.</summary>
    /// <param name="file">The Dockerfile.</param>
    /// <param name="exists">Whether a path of the build's context is there and not ignored.</param>
    /// <param name="shipped">Names of the stages that are shipped.</param>
    public static IReadOnlyList<string> Check(Dockerfile file, Func<string, bool> exists, params string[] shipped)
    {
        var problems = new List<string>();
        for (var i = 0; i < file.Stages.Count; i++)
            problems.AddRange(Stage(file, i, exists).Select(problem => $"{file.Stages[i].Name}: {problem}"));
        foreach (var name in shipped)
        {
            if (file.Stages.FirstOrDefault(stage => stage.Name == name) is { } stage)
                problems.AddRange(Shipped(file, stage).Select(problem => $"{name}: {problem}"));
            else
                problems.Add($"there is no stage {name}");
        }

        return problems;
    }

    private static IEnumerable<string> Stage(Dockerfile file, int index, Func<string, bool> exists)
    {
        var (stage, earlier) = (file.Stages[index], file.Stages.Take(index).Select(other => other.Name).ToHashSet(StringComparer.Ordinal));
        if (stage.Name.Length == 0)
            yield return "a stage without a name";
        if (!earlier.Contains(stage.Base) && !Pinned().IsMatch(stage.Base))
            yield return $"{stage.Base} has no version of its own: give a tag with a full version, never latest";
        if (stage.Of("ADD").Any())
            yield return "ADD fetches and unpacks unasked: use COPY";
        foreach (var copy in stage.Of("COPY"))
        {
            var from = copy.Flag("from");
            if (from is not null && !earlier.Contains(from))
                yield return $"COPY --from={from}: there is no such earlier stage";
            foreach (var source in copy.Words.SkipLast(1).Where(source => from is null && !exists(source)))
                yield return $"COPY {source}: not in the build's context";
        }

        foreach (var run in stage.Of("RUN").Where(run => run.Arguments.Contains("apt-get install", StringComparison.Ordinal)))
        {
            if (!run.Arguments.Contains("--no-install-recommends", StringComparison.Ordinal) || !run.Arguments.Contains("rm -rf /var/lib/apt/lists", StringComparison.Ordinal)
                || !run.Arguments.Contains("apt-get update", StringComparison.Ordinal))
                yield return "apt-get: update, install --no-install-recommends and removing the lists belong into one RUN";
        }
    }

    private static IEnumerable<string> Shipped(Dockerfile file, Stage stage)
    {
        if (file.Stages.Any(other => other.Name == stage.Base))
            yield return "built on a stage that builds";
        if (stage.Of("USER").LastOrDefault() is not { } user || !NumericUser().IsMatch(user.Arguments))
            yield return "USER must be a number other than 0, so that Kubernetes can tell that it is not root";
        if (stage.Of("HEALTHCHECK").Count() != 1)
            yield return "HEALTHCHECK (or HEALTHCHECK NONE) is missing";
        foreach (var instruction in stage.Instructions.Where(instruction => instruction.Name is "ENTRYPOINT" or "CMD" && !instruction.Arguments.StartsWith('[')))
            yield return $"{instruction.Name} in the shell's form: signals would not reach the process";
        if (!stage.Of("ENTRYPOINT").Any())
            yield return "no ENTRYPOINT";
        var labels = string.Join(' ', stage.Of("LABEL").Select(label => label.Arguments));
        foreach (var label in Labels.Where(label => !labels.Contains($"{label}=\"", StringComparison.Ordinal)))
            yield return $"no label {label}";
        if (!labels.Contains($"{stage.Base}\"", StringComparison.Ordinal))
            yield return $"the label base.name is not {stage.Base}";
        if (stage.Of("ENV").Concat(stage.Of("ARG")).Any(entry => Secret().IsMatch(entry.Arguments)))
            yield return "a secret in ENV or ARG stays in the image for ever";
        var copies = stage.Of("COPY").ToList();
        if (copies.Count == 0 || copies[^1].Arguments.Contains("/own ", StringComparison.Ordinal) is false)
            yield return "our own assemblies change most often: they are copied last";
        if (stage.Instructions.ToList().FindIndex(entry => entry.Name == "ARG") is >= 0 and var argument
            && stage.Instructions.Skip(argument).Any(entry => entry.Name is "RUN" or "COPY"))
            yield return "ARG before RUN or COPY: another version number would rebuild them";
    }

    [GeneratedRegex(@"^[a-z0-9./-]+:v?[0-9]+\.[0-9]+(\.[0-9]+)?([.-][a-z0-9.-]+)?$|@sha256:[0-9a-f]{64}$")]
    private static partial Regex Pinned();

    [GeneratedRegex("^[1-9][0-9]*(:[1-9][0-9]*)?$")]
    private static partial Regex NumericUser();

    [GeneratedRegex("password|secret|token|access_?key", RegexOptions.IgnoreCase)]
    private static partial Regex Secret();
}
