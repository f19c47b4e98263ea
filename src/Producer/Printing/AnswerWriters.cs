namespace VlWorker.Producer.Printing;

/// <summary>The forms of output by name.</summary>
internal static class AnswerWriters
{
    /// <summary>Rows for a person.</summary>
    public const string Table = "table";

    /// <summary>JSON documents for a program.</summary>
    public const string JsonLines = "jsonl";

    /// <summary>The writer of a form; without a name, rows in a terminal and JSON lines elsewhere.</summary>
    public static IAnswerWriter Create(string? form, Terminal terminal) => (form ?? (terminal.IsInteractive ? Table : JsonLines)) == Table
        ? new TableWriter(terminal.Output, terminal.Width, terminal.IsInteractive && string.IsNullOrEmpty(terminal.Environment("NO_COLOR")))
        : new JsonLinesWriter(terminal.Output);
}

/// <summary>Shows answers, one at a time, and does not return before they are out: what is shown is acknowledged next.</summary>
internal interface IAnswerWriter
{
    /// <summary>Shows one message.</summary>
    /// <param name="body">Its bytes.</param>
    /// <exception cref="System.Text.Json.JsonException">They are not JSON; nothing was shown.</exception>
    /// <exception cref="IOException">Nobody reads the output any more.</exception>
    void Write(ReadOnlyMemory<byte> body);
}
