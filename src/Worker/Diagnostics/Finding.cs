namespace VlWorker.Diagnostics;

/// <summary>How a check ended.</summary>
internal enum Verdict
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>The worker runs, but not as well as it could.</summary>
    Warn,

    /// <summary>The worker can't run, or not as it is set up.</summary>
    Fail,
}

/// <summary>What a check found.</summary>
/// <param name="Check">What was looked at, in a word or two.</param>
/// <param name="Verdict">How it ended.</param>
/// <param name="Detail">What was found; no secrets.</param>
/// <param name="Remedy">What to do; null where nothing is to be done.</param>
internal sealed record Finding(string Check, Verdict Verdict, string Detail, string? Remedy = null)
{
    public static Finding Ok(string check, string detail) => new(check, Verdict.Ok, detail);

    public static Finding Warn(string check, string detail, string remedy) => new(check, Verdict.Warn, detail, remedy);

    public static Finding Fail(string check, string detail, string remedy) => new(check, Verdict.Fail, detail, remedy);
}
