namespace VlWorker.Producer.Declaring;

/// <summary>What was found out about one thing on the broker.</summary>
/// <param name="Entity">Its kind and name.</param>
/// <param name="State">In short.</param>
/// <param name="Detail">What differs or was done, for a person; empty where there is nothing to say.</param>
internal sealed record Finding(string Entity, FindingState State, string Detail = "");

/// <summary>Whether a thing is as it must be.</summary>
internal enum FindingState
{
    /// <summary>As it must be.</summary>
    Ok,

    /// <summary>It was made.</summary>
    Made,

    /// <summary>It does not exist.</summary>
    Missing,

    /// <summary>It is otherwise.</summary>
    Differs,

    /// <summary>It could not be looked at.</summary>
    Unknown,
}
