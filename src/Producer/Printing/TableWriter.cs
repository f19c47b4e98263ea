using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;
using VlWorker.Contracts;

namespace VlWorker.Producer.Printing;

/// <summary>One row an answer, printed as it arrives: whether it worked, which image or request, what came out, how long it took.</summary>
internal sealed class TableWriter : IAnswerWriter
{
    private const int MarkWidth = 1;
    private const int TimeWidth = 8;

    private readonly Stream _output;
    private readonly StringBuilder _text = new();
    private readonly IAnsiConsole _console;
    private readonly int _width;
    private bool _begun;

    /// <param name="output">Where the rows go.</param>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="colour">Whether it is a terminal that shows colours.</param>
    public TableWriter(Stream output, int width, bool colour)
    {
        _output = output;
        _width = width = Math.Max(width, Terminal.Narrowest);
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(new StringWriter(_text, CultureInfo.InvariantCulture)),
            Ansi = colour ? AnsiSupport.Yes : AnsiSupport.No,
            Interactive = InteractionSupport.No,
        });
        _console.Profile.Width = width;
        _console.Profile.Capabilities.Unicode = true;
    }

    /// <inheritdoc/>
    public void Write(ReadOnlyMemory<byte> body)
    {
        var row = RowOf(body);
        if (!_begun)
            Row(new AnswerRow("", "image", "result", "ms", "bold"));
        _begun = true;
        Row(row);
        _output.Write(Encoding.UTF8.GetBytes(_text.ToString()));
        _output.Flush();
        _text.Clear();
    }

    private static AnswerRow RowOf(ReadOnlyMemory<byte> body)
    {
        try
        {
            return AnswerRow.Of(AnswerBody.Read(body.Span));
        }
        catch (JsonException)
        {
            // Another kind of message, a dead letter for one. What is not even JSON throws here too.
            using var document = JsonDocument.Parse(body);
            return new AnswerRow("?", "", document.RootElement.GetRawText(), "", "grey");
        }
    }

    private void Row(AnswerRow row)
    {
        var rest = _width - MarkWidth - TimeWidth - 6;
        var name = Math.Clamp(rest * 2 / 5, 8, 48);
        var style = Style.Parse(row.Style);
        var grid = new Grid()
            .AddColumn(new GridColumn { Width = MarkWidth, NoWrap = true, Padding = new Padding(0, 0, 1, 0) })
            .AddColumn(new GridColumn { Width = name, NoWrap = true, Padding = new Padding(0, 0, 2, 0) })
            .AddColumn(new GridColumn { Width = Math.Max(rest - name, 8), NoWrap = true, Padding = new Padding(0, 0, 2, 0) })
            .AddColumn(new GridColumn { Width = TimeWidth, NoWrap = true, Padding = new Padding(0), Alignment = Justify.Right });
        grid.AddRow([.. row.Cells.Select(cell => new Text(Plain.Line(cell), style) { Overflow = Overflow.Ellipsis })]);
        _console.Write(grid);
    }
}
