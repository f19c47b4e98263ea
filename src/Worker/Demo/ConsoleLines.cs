using Spectre.Console;

namespace VlWorker.Demo;

/// <summary>Plain lines beside Spectre's tables.</summary>
internal static class ConsoleLines
{
    /// <summary>Writes a line as it is: neither wrapped, so that paths can be copied, nor read as markup.</summary>
    public static void Line(this IAnsiConsole console, string text)
    {
        console.Profile.Out.Writer.WriteLine(text);
        console.Profile.Out.Writer.Flush();
    }
}
