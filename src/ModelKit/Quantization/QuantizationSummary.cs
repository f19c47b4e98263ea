namespace VlWorker.ModelKit.Quantization;

/// <summary>What was done to a graph.</summary>
/// <param name="Rewritten">Nodes that were rewritten.</param>
/// <param name="LeftOut">Nodes with weights that were not, and why.</param>
internal sealed record QuantizationSummary(IReadOnlyList<NodeNote> Rewritten, IReadOnlyList<NodeNote> LeftOut);

/// <summary>A node in a report.</summary>
/// <param name="Name">The node's name; where it has none, that of its output.</param>
/// <param name="Operator">Its operator.</param>
/// <param name="Note">The shape of its weight, or why it was left out.</param>
internal sealed record NodeNote(string Name, string Operator, string Note);
