using System.Text.Encodings.Web;
using System.Text.Json;

namespace VlWorker.Hosting;

/// <summary>The form of log lines.</summary>
internal enum LogFormat
{
    /// <summary>Text in a terminal, JSON elsewhere.</summary>
    Auto,

    /// <summary>One JSON object a line.</summary>
    Json,

    /// <summary>One line of text.</summary>
    Text,
}

/// <summary>Where log lines go, and in what form.</summary>
internal static class LogOutput
{
    /// <summary>Lets lines go to the standard output.</summary>
    public static void Configure(ILoggingBuilder logging, LogFormat format)
    {
        logging.ClearProviders();
        if (format == LogFormat.Json || (format == LogFormat.Auto && Console.IsOutputRedirected))
        {
            logging.AddJsonConsole(console =>
            {
                console.IncludeScopes = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
                // Lines are read by people, too, and are no part of a page: apostrophes and letters beyond ASCII stay what they are.
                console.JsonWriterOptions = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
            });
        }
        else
        {
            logging.AddSimpleConsole(console => console.SingleLine = true);
        }
    }
}
