using System.Text;
using System.Text.Json;

namespace VlWorker.Deploy.Tests.Docker;

/// <summary>One instruction.</summary>
/// <param name="Name">In capitals.</param>
/// <param name="Arguments">Everything behind it, continued lines joined.</param>
internal sealed record Instruction(string Name, string Arguments)
{
    /// <summary>The arguments: of the JSON form, or separated by blanks, without flags.</summary>
    public IReadOnlyList<string> Words => Arguments.StartsWith('[')
        ? JsonSerializer.Deserialize<string[]>(Arguments)!
        : [.. Arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => !word.StartsWith("--", StringComparison.Ordinal))];

    /// <summary>The value of a flag, such as --from; null if it is not given.</summary>
    public string? Flag(string name) => Arguments.Split(' ').FirstOrDefault(word => word.StartsWith($"--{name}=", StringComparison.Ordinal))?[(name.Length + 3)..];
}

/// <summary>A stage: FROM and what follows until the next one.</summary>
/// <param name="Base">An image, or an earlier stage; variables replaced by their defaults.</param>
/// <param name="Name">AS; empty if it has none.</param>
/// <param name="Instructions">What follows FROM.</param>
internal sealed record Stage(string Base, string Name, IReadOnlyList<Instruction> Instructions)
{
    /// <summary>The instructions of a name.</summary>
    public IEnumerable<Instruction> Of(string name) => Instructions.Where(instruction => instruction.Name == name);
}

/// <summary>A Dockerfile, parsed: https://docs.docker.com/reference/dockerfile/.</summary>
internal sealed record Dockerfile(IReadOnlyList<Stage> Stages)
{
    private static readonly HashSet<string> Known =
        ["FROM", "ARG", "RUN", "COPY", "ADD", "ENV", "WORKDIR", "USER", "EXPOSE", "VOLUME", "HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT", "CMD", "LABEL", "SHELL"];

    /// <summary>Parses a text.</summary>
    /// <exception cref="InvalidDataException">It is not a Dockerfile.</exception>
    public static Dockerfile Parse(string text)
    {
        var defaults = new Dictionary<string, string>(StringComparer.Ordinal);
        var stages = new List<Stage>();
        foreach (var instruction in Instructions(text))
        {
            if (instruction.Name == "FROM")
                stages.Add(From(instruction, defaults));
            else if (stages.Count > 0)
                ((List<Instruction>)stages[^1].Instructions).Add(instruction);
            else if (instruction.Name == "ARG" && instruction.Arguments.Split('=', 2) is [var name, var value])
                defaults[name] = value;
            else
                throw new InvalidDataException($"{instruction.Name} before FROM");
        }

        return new Dockerfile(stages);
    }

    private static Stage From(Instruction from, Dictionary<string, string> defaults)
    {
        var words = from.Words;
        var image = words[0];
        foreach (var (name, value) in defaults)
            image = image.Replace($"${{{name}}}", value, StringComparison.Ordinal);
        if (image.Contains('$', StringComparison.Ordinal))
            throw new InvalidDataException($"FROM {image}: a variable without a default");
        return new Stage(image, words is [_, "AS", var alias] ? alias : "", new List<Instruction>());
    }

    private static IEnumerable<Instruction> Instructions(string text)
    {
        var joined = new StringBuilder();
        foreach (var line in text.Split('\n').Select(line => line.TrimEnd()).Where(line => !line.TrimStart().StartsWith('#')))
        {
            joined.Append(line.TrimEnd('\\').Trim()).Append(' ');
            if (line.EndsWith('\\'))
                continue;
            var whole = joined.ToString().Trim();
            joined.Clear();
            if (whole.Length == 0)
                continue;
            var parts = whole.Split(' ', 2, StringSplitOptions.TrimEntries);
            yield return parts.Length == 2 && Known.Contains(parts[0])
                ? new Instruction(parts[0], parts[1])
                : throw new InvalidDataException($"'{parts[0]}' is not an instruction, or has no arguments");
        }
    }
}
