using System.CommandLine;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Conversion;

namespace VlWorker.Models;

/// <summary><c>vl-worker model convert</c> and <c>vl-worker model optimize</c>: the same way from two kinds of source.</summary>
internal static class ConvertCommand
{
    private const string ConvertDescription = """
        Makes an optimised model folder of a Hugging Face checkpoint: config.json, the preprocessor's and the tokenizer's files, and weights as
        safetensors or, where there are none, as pytorch_model.bin (fp32, fp16 or bf16, in one file or in shards). No Python is needed. The worker
        runs the folder as it is.
        Exit code: 0 done; 2 the arguments or the model can't be used.
        """;

    private const string OptimizeDescription = """
        Makes an optimised model folder of an exported one, as the Hub ships it for ONNX. The weights are found by the structure of the graphs,
        whichever exporter wrote them; those of int8 exports are dequantised. The worker runs the folder as it is.
        Exit code: 0 done; 2 the arguments or the model can't be used.
        """;

    /// <summary>Builds <c>convert</c>.</summary>
    public static Command CreateConvert()
    {
        var options = new Options("Folder of the checkpoint.");
        var command = options.AddTo(new Command("convert", ConvertDescription));
        command.SetAction(result => options.Run(result, static folder => SourceModel.OpenCheckpoint(folder)));
        return command;
    }

    /// <summary>Builds <c>optimize</c>.</summary>
    public static Command CreateOptimize()
    {
        var options = new Options("Folder of the exported model.");
        var from = new Option<ModelPrecision>("--from")
        {
            Description = "Which of its graphs to read, by the suffix of their files; Auto takes the first that is there in full.",
            DefaultValueFactory = _ => ModelPrecision.Auto,
        };
        var command = options.AddTo(new Command("optimize", OptimizeDescription));
        command.Options.Add(from);
        command.SetAction(result => options.Run(result, folder => SourceModel.OpenExport(folder, result.GetValue(from))));
        return command;
    }

    /// <summary>What both verbs take.</summary>
    private sealed class Options(string folder)
    {
        private readonly Argument<string> _folder = new("FOLDER") { Description = folder };

        private readonly Option<string> _out = new("--out")
        {
            Description = "The folder to make. What is there already must be empty, or an optimised model, which is replaced.",
            HelpName = "DIR",
            Required = true,
        };

        private readonly Option<ConversionTarget> _target = new("--target")
        {
            Description = "The kind of processor to build for.",
            DefaultValueFactory = _ => ConversionTarget.Cpu,
        };

        private readonly Option<ConversionPrecision?> _precision = new("--precision")
        {
            Description = "The number format of the weights. [default: Fp32 for a processor, Fp16 for a GPU]",
        };

        public Command AddTo(Command command)
        {
            command.Arguments.Add(_folder);
            command.Options.Add(_out);
            command.Options.Add(_target);
            command.Options.Add(_precision);
            return command;
        }

        public int Run(ParseResult result, Func<string, SourceModel> open)
        {
            var target = result.GetValue(_target);
            var precision = result.GetValue(_precision) ?? (target == ConversionTarget.Cuda ? ConversionPrecision.Fp16 : ConversionPrecision.Fp32);
            return new ConversionRun(Console.Out, Console.Error, TimeProvider.System).Run(
                () => open(result.GetRequiredValue(_folder)), new ConversionOptions(target, precision), result.GetRequiredValue(_out));
        }
    }
}
