using System.Text;

namespace VlWorker.Models.Verification;

/// <summary>The folder that the reports go to. It replaces what an earlier run wrote there, and nothing else.</summary>
internal sealed class ReportFolder
{
    private const int HeadLength = 2048;

    private ReportFolder(string folder)
    {
        JsonPath = Path.Combine(folder, "verification.json");
        PagePath = Path.Combine(folder, "verification.html");
        Refuse(JsonPath);
        Refuse(PagePath);
    }

    /// <summary>Full path of the report for machines.</summary>
    public string JsonPath { get; }

    /// <summary>Full path of the report for people.</summary>
    public string PagePath { get; }

    /// <summary>Creates the folder if need be.</summary>
    /// <exception cref="ModelCommandException">It can't be written to, or holds files of somebody else.</exception>
    public static ReportFolder Open(string folder)
    {
        try
        {
            return new ReportFolder(Directory.CreateDirectory(Path.GetFullPath(folder)).FullName);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException or ArgumentException)
        {
            throw new ModelCommandException($"can't write to the folder '{folder}': {error.Message}", error);
        }
    }

    /// <summary>Writes both reports, each as a whole.</summary>
    public void Write(VerificationReport report, DateTimeOffset at)
    {
        Replace(JsonPath, VerificationJson.Write(report));
        Replace(PagePath, VerificationPage.Write(report, at));
    }

    private static void Replace(string path, string content)
    {
        var partial = path + ".partial";
        try
        {
            File.WriteAllText(partial, content, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private static void Refuse(string path)
    {
        if (Directory.Exists(path))
            throw new ModelCommandException($"'{path}' is a folder: choose another folder with --out");
        if (!File.Exists(path))
            return;
        using var reader = new StreamReader(path);
        var head = new char[HeadLength];
        if (!head.AsSpan(0, reader.ReadBlock(head)).Contains(VerificationJson.Tool, StringComparison.Ordinal))
            throw new ModelCommandException($"'{path}' was not written by this verb and would be overwritten: choose another folder with --out");
    }
}
