using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace VlWorker.Hosting;

/// <summary>Reads option records from the configuration and collects everything that is wrong, instead of stopping at the first error.</summary>
internal sealed class OptionsReader(IConfiguration configuration)
{
    private readonly List<string> _errors = [];

    /// <summary>All errors so far, each starting with the full name of the setting.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>Reads one section. Values that can't be read keep their defaults, so that later checks can go on.</summary>
    public T Read<T>(string section)
        where T : class, new()
    {
        var options = new T();
        Fill(options, configuration.GetSection(section));
        return options;
    }

    /// <summary>Adds errors found by other checks.</summary>
    public void Add(IEnumerable<string> errors) => _errors.AddRange(errors);

    /// <summary>Reports settings that nobody reads: most are typing errors.</summary>
    /// <param name="prefixes">Sections of ours are looked for below the root; those of the framework and of the environment are let pass.</param>
    public void RejectUnknownKeys(IEnumerable<(string Section, Type Type)> prefixes)
    {
        foreach (var (section, type) in prefixes)
            RejectUnknownKeys(configuration.GetSection(section), type);
    }

    private void RejectUnknownKeys(IConfigurationSection section, Type type)
    {
        var known = Settings(type).ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var child in section.GetChildren())
        {
            if (!known.TryGetValue(child.Key, out var property))
                _errors.Add($"{child.Path}: there is no such setting");
            else if (RecordOf(property.PropertyType) is { } element)
            {
                foreach (var item in child.GetChildren())
                    RejectUnknownKeys(item, element);
            }
        }
    }

    /// <summary>The properties of an option record that can be set.</summary>
    public static IEnumerable<PropertyInfo> Settings(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite && property.GetIndexParameters().Length == 0);

    private void Fill(object options, IConfigurationSection section)
    {
        foreach (var property in Settings(options.GetType()))
        {
            var child = section.GetSection(property.Name);
            if (child.Exists())
                Set(options, property, child);
            foreach (var rule in property.GetCustomAttributes<ValidationAttribute>())
            {
                if (!rule.IsValid(property.GetValue(options)))
                    _errors.Add($"{child.Path}: {Explain(rule, property.GetValue(options))}");
            }
        }
    }

    private void Set(object options, PropertyInfo property, IConfigurationSection child)
    {
        if (RecordOf(property.PropertyType) is { } element)
        {
            property.SetValue(options, ReadList(element, child));
            return;
        }

        try
        {
            property.SetValue(options, child.Get(property.PropertyType));
        }
        catch (Exception error) when (error is InvalidOperationException or FormatException)
        {
            var expected = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            var kind = expected.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(expected)) : Noun(expected);
            _errors.Add($"{child.Path}: '{child.Value}' is not {kind}");
        }
    }

    private Array ReadList(Type element, IConfigurationSection section)
    {
        var children = section.GetChildren().ToArray();
        var list = Array.CreateInstance(element, children.Length);
        for (var i = 0; i < children.Length; i++)
        {
            var item = Activator.CreateInstance(element)!;
            Fill(item, children[i]);
            list.SetValue(item, i);
        }

        return list;
    }

    /// <summary>The element type of a list of option records; null for everything else.</summary>
    public static Type? RecordOf(Type type) => ElementOf(type) is { IsClass: true } element && element != typeof(string) ? element : null;

    private static Type? ElementOf(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
        ? type.GetGenericArguments()[0]
        : type.IsArray ? type.GetElementType() : null;

    private static string Noun(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Int32 or TypeCode.Int64 => "a whole number",
        TypeCode.Double => "a number",
        TypeCode.Boolean => "true or false",
        _ when type == typeof(TimeSpan) => "a time span (hh:mm:ss)",
        _ => $"a {type.Name}",
    };

    private static string Explain(ValidationAttribute rule, object? value) => rule switch
    {
        RangeAttribute range => $"{value} is outside {range.Minimum} to {range.Maximum}",
        RequiredAttribute => "is missing",
        _ => rule.FormatErrorMessage("value"),
    };
}
