using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace VlWorker.Hosting;

/// <summary>Writes the reference of all settings from the option records, so that it can't drift from the code.</summary>
internal static class ConfigurationReference
{
    /// <summary>The whole reference as Markdown.</summary>
    public static string Markdown()
    {
        var text = new StringBuilder();
        text.Append("""
            # Settings

            Settings come from `appsettings.json` (beside the executable, then in the current directory), then environment variables
            (`Section__Name`), then the command line (`--Section:Name=value`); later ones win. All errors are reported at once at start-up, and a
            setting that does not exist is an error. This page is the output of `vl-worker config`.

            """);
        foreach (var (section, type) in WorkerOptions.Sections)
            Section(text, section, type, type.Name);
        return text.ToString();
    }

    private static void Section(StringBuilder text, string section, Type type, string title)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n## {section}\n\n| setting | default | range | meaning |\n|---|---|---|---|\n");
        var defaults = Activator.CreateInstance(type)!;
        var nested = new List<(string, Type)>();
        foreach (var property in OptionsReader.Settings(type))
        {
            var description = property.GetCustomAttribute<DescriptionAttribute>()?.Description
                ?? throw new InvalidOperationException($"{title}.{property.Name} has no description");
            text.Append(CultureInfo.InvariantCulture, $"| {section}:{property.Name} | {Value(property.GetValue(defaults))} | {Range(property)} | {description} |\n");
            if (OptionsReader.RecordOf(property.PropertyType) is { } element)
                nested.Add(($"{section}:{property.Name}:<n>", element));
        }

        foreach (var (path, element) in nested)
            Section(text, path, element, element.Name);
    }

    private static string Range(PropertyInfo property)
    {
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
            return string.Create(CultureInfo.InvariantCulture, $"{range.Minimum} to {range.Maximum}");
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type.IsEnum)
            return string.Join(", ", Enum.GetNames(type));
        return type == typeof(bool) ? "true, false" : property.GetCustomAttribute<RequiredAttribute>() is null ? "" : "required";
    }

    private static string Value(object? value) => value switch
    {
        null => "",
        string { Length: 0 } => "",
        bool flag => flag ? "true" : "false",
        string text => $"`{text}`",
        IEnumerable list => string.Join("<br>", list.Cast<object>().Select(Value)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture)!,
        // An entry of a list of records: what it is called, which is the first of its settings.
        _ => Value(OptionsReader.Settings(value.GetType()).First().GetValue(value)),
    };
}
