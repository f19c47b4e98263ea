using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Exports;

/// <summary>The three graphs of Idefics3 and SmolVLM.</summary>
internal static class Idefics3Export
{
    /// <summary>Reads all graphs.</summary>
    /// <exception cref="InvalidDataException">The structure is not understood; the message names the node.</exception>
    /// <exception cref="NotSupportedException">config.json asks for something that is not implemented.</exception>
    public static Idefics3Parameters Read(ExportedGraph vision, ExportedGraph embeddings, ExportedGraph decoder, ModelFamily family, JsonFile config)
    {
        var sizes = Idefics3Config.Read(config);
        var (tower, connector) = Vision(vision, sizes.Vision, sizes.FeatureInputs, sizes.Text.HiddenSize);
        return new Idefics3Parameters(family.ModelType, tower, sizes.Scale, connector, LlamaExport.Read(decoder, embeddings, sizes.Text));
    }

    private static (VisionParameters Tower, Linear Connector) Vision(ExportedGraph graph, VisionConfig config, int inputs, int width)
    {
        var output = graph.Output("image_features");
        var linears = new LinearReader(graph);
        var connector = linears.Find(output) ?? throw graph.NotUnderstood(output, "the connector");
        if (connector.Inputs != inputs || connector.Outputs != width)
            throw graph.NotUnderstood(output, $"a connector from {inputs} to {width} (config.json)");
        var final = new NormReader(graph).Find(connector.Input) ?? throw graph.NotUnderstood(connector.Input, "the norm behind the last block");
        var found = new BlockReader(graph, linears, config.HeadSize).Walk(final.Input, out var rest);
        var layers = new LayerAssembly(graph, config.Layers, config.HiddenSize, config.HeadSize, config.Activation).Encoder(found, rest);
        var (projection, bias, table, places) = new EmbeddingReader(graph).Places(rest, config);
        var tower = new VisionParameters(
            config.ImageWidth, config.ImageHeight, config.PatchSize, config.HiddenSize, config.Activation,
            projection, bias, [], Idefics3Positions.OfSquare(table, Factor(graph, places)), null, layers, final.Norm, null);
        return (tower, connector.Read());
    }

    // Newer versions of transformers multiply the places by a little less than one.
    private static float Factor(ExportedGraph graph, string places)
    {
        var (open, seen) = (new Stack<string>([places]), new HashSet<string>(StringComparer.Ordinal));
        while (open.TryPop(out var value))
        {
            if (!seen.Add(value) || graph.Producer(value) is not { } node)
                continue;
            foreach (var input in node.Inputs)
            {
                if (node.Op == "Mul" && graph.Constants.Scalar(input) is > 0.999f and < 1 and var factor)
                    return factor;
                open.Push(input);
            }
        }

        return 1;
    }
}
