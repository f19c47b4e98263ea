using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using VlWorker.Serving.Status;

namespace VlWorker.Hosting;

/// <summary>All settings as people may see them. What could be a secret is hidden by its name, and what could hold one by its form.</summary>
internal static partial class SettingsView
{
    /// <summary>In place of a secret that is set.</summary>
    public const string Hidden = "(hidden)";

    /// <summary>Every setting of every section, in the order of the reference.</summary>
    public static IReadOnlyList<Setting> Of(WorkerOptions options)
    {
        var settings = new List<Setting>();
        foreach (var (section, type) in WorkerOptions.Sections)
        {
            var record = typeof(WorkerOptions).GetProperties().Single(property => property.PropertyType == type).GetValue(options)!;
            Add(settings, section, record, Activator.CreateInstance(type)!);
        }

        return settings;
    }

    private static void Add(List<Setting> settings, string path, object record, object defaults)
    {
        foreach (var property in OptionsReader.Settings(record.GetType()))
        {
            var (name, value) = ($"{path}:{property.Name}", property.GetValue(record));
            if (OptionsReader.RecordOf(property.PropertyType) is { } element)
            {
                var place = 0;
                foreach (var item in (IEnumerable)value!)
                    Add(settings, $"{name}:{place++}", item, Activator.CreateInstance(element)!);
                continue;
            }

            var text = Text(value);
            settings.Add(new Setting(name, Show(property, text), text == Text(property.GetValue(defaults))));
        }
    }

    private static string Show(PropertyInfo property, string text)
    {
        if (text.Length == 0)
            return "";
        return Secret().IsMatch(property.Name) ? Hidden : UserInfo().Replace(text, $"$1{Hidden}@");
    }

    private static string Text(object? value) => value switch
    {
        null => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        IEnumerable list => string.Join(", ", list.Cast<object>().Select(Text)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>Names that end in a word for a secret; a file that holds one, or a path to it, may be seen.</summary>
    [GeneratedRegex("(Key|Secret|Token|Password|Passphrase|Headers)s?$", RegexOptions.CultureInvariant)]
    private static partial Regex Secret();

    /// <summary>User and password inside a URL.</summary>
    [GeneratedRegex("([A-Za-z][A-Za-z0-9+.-]*://)[^/@]*@", RegexOptions.CultureInvariant)]
    private static partial Regex UserInfo();
}
