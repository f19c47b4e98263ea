namespace VlWorker.Contracts;

/// <summary>What can be said about the labels of a request without a model.</summary>
internal static class LabelRules
{
    private const string Place = "{}";

    /// <param name="errors">Takes what is wrong.</param>
    /// <param name="labels">The labels, if any.</param>
    /// <param name="template">What stands around them, if anything.</param>
    /// <param name="asked">Whether a task needs them.</param>
    public static void Check(List<string> errors, IReadOnlyList<string>? labels, string? template, bool asked)
    {
        if (asked && labels is not { Count: > 0 })
            errors.Add("labels is missing: task classify needs at least one");
        if (!asked && labels is not null)
            errors.Add("labels are for task classify, which is not asked for");
        else if (labels is not null)
            Labels(errors, labels);
        if (template is not null)
            Template(errors, template, asked);
    }

    private static void Labels(List<string> errors, IReadOnlyList<string> labels)
    {
        if (labels.Count > RequestLimits.Labels)
            errors.Add("labels has more than 1,024 entries");
        if (labels.Any(string.IsNullOrWhiteSpace))
            errors.Add("labels has an empty entry");
        if (labels.Any(label => label?.Length > RequestLimits.LabelLength))
            errors.Add("labels has an entry that is longer than 512 characters");
        if (labels.Sum(label => (long)(label?.Length ?? 0)) > RequestLimits.LabelsLength)
            errors.Add("labels are longer than 32,768 characters together");
        if (labels.Any(label => label?.Any(char.IsControl) is true))
            errors.Add("labels has an entry with a control character");
        if (labels.Distinct(StringComparer.Ordinal).Count() != labels.Count)
            errors.Add("labels names a label twice");
    }

    private static void Template(List<string> errors, string template, bool asked)
    {
        if (!asked)
            errors.Add("labelTemplate is for task classify, which is not asked for");
        else if (template.Length > RequestLimits.LabelLength)
            errors.Add("labelTemplate is longer than 512 characters");
        else if (template.Split(Place).Length != 2)
            errors.Add("labelTemplate does not have one {} for the label");
    }
}
