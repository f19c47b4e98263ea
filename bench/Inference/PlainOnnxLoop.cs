using System.Diagnostics;
using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using VlWorker.Decoding;
using VlWorker.Inference.Tokenizing;
using VlWorker.ModelKit;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.Bench.Inference;

/// <summary>
/// The loop that one writes with ONNX Runtime's package and an exported captioner: decode a batch, run the encoder, run the merged decoder with
/// its cache until every row has had its end token, decode the text. Images are decoded by the worker's decoder, on all cores.
/// </summary>
internal sealed class PlainOnnxLoop : IDisposable
{
    private readonly InferenceSession _encoder;
    private readonly InferenceSession _decoder;
    private readonly RunOptions _run = new();
    private readonly HubTokenizer _tokenizer;
    private readonly PreprocessorConfig _preprocessor;
    private readonly ImageDecoder _images = new(new DecodingOptions());
    private readonly string[] _pastNames;
    private readonly (long Heads, long Size) _past;
    private readonly int _start;
    private readonly int _end;
    private readonly int _maxLength;

    public PlainOnnxLoop(string model, int threads)
    {
        var folder = ModelFolder.Open(model, ModelPrecision.Quantized);
        using var options = new SessionOptions { IntraOpNumThreads = threads };
        _encoder = new InferenceSession(folder.Graphs[ModelFamily.Graphs.Encoder], options);
        _decoder = new InferenceSession(folder.Graphs[ModelFamily.Graphs.DecoderMerged], options);
        _tokenizer = HubTokenizer.Load(folder.Path);
        _preprocessor = PreprocessorConfig.Load(folder.Path);
        _pastNames = [.. _decoder.InputMetadata.Keys.Where(static name => name.StartsWith("past_key_values.", StringComparison.Ordinal))];
        var past = _decoder.InputMetadata[_pastNames[0]].Dimensions;
        var generation = GenerationConfig.Load(folder);
        (_past, _end, _start) = ((past[1], past[3]), generation.EndTokens[0], generation.StartToken ?? folder.Config.Int32("decoder_start_token_id")!.Value);
        _maxLength = generation.MaxNewTokens + 1 ?? generation.MaxLength ?? 20;
    }

    /// <summary>Captions all images; returns the seconds it took and the captions.</summary>
    public (double Seconds, List<string> Captions) Run(IReadOnlyList<byte[]> images, int batch)
    {
        var clock = Stopwatch.StartNew();
        var captions = new List<string>(images.Count);
        foreach (var part in images.Chunk(batch))
            captions.AddRange(Caption(part));
        return (clock.Elapsed.TotalSeconds, captions);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
        _run.Dispose();
        _images.Dispose();
    }

    private IEnumerable<string> Caption(byte[][] files)
    {
        using var pixels = Pixels(files);
        using var encoded = _encoder.Run(_run, ["pixel_values"], [pixels], ["last_hidden_state"]);
        var rows = files.Length;
        var tokens = Enumerable.Range(0, rows).Select(_ => new List<int> { _start }).ToArray();
        var ended = new bool[rows];
        IDisposableReadOnlyCollection<OrtValue>? last = null;
        for (var length = 1; length < _maxLength && ended.Contains(false); length++)
        {
            var next = Step(tokens, encoded[0], last);
            last?.Dispose();
            last = next;
            var logits = next[0].GetTensorDataAsSpan<float>();
            var vocabulary = logits.Length / rows;
            for (var row = 0; row < rows; row++)
            {
                var token = ended[row] ? _end : TensorPrimitives.IndexOfMax(logits.Slice(row * vocabulary, vocabulary));
                tokens[row].Add(token);
                ended[row] |= token == _end;
            }
        }

        last?.Dispose();
        return tokens.Select(row => _tokenizer.Decode([.. row], true));
    }

    private IDisposableReadOnlyCollection<OrtValue> Step(List<int>[] tokens, OrtValue hidden, IDisposableReadOnlyCollection<OrtValue>? last)
    {
        using var ids = OrtValue.CreateTensorValueFromMemory(tokens.Select(static row => (long)row[^1]).ToArray(), [tokens.Length, 1]);
        using var useCache = OrtValue.CreateTensorValueFromMemory(new[] { last is not null }, [1]);
        using var empty = OrtValue.CreateTensorValueFromMemory(Array.Empty<float>(), [tokens.Length, _past.Heads, 0, _past.Size]);
        string[] names = ["input_ids", "encoder_hidden_states", "use_cache_branch", .. _pastNames];
        OrtValue[] inputs = [ids, hidden, useCache, .. _pastNames.Select((_, i) => last is null ? empty : last[i + 1])];
        return _decoder.Run(_run, names, inputs, ["logits", .. _pastNames.Select(static name => "present" + name["past_key_values".Length..])]);
    }

    // [images, 3, height, width], rescaled and normalised.
    private OrtValue Pixels(byte[][] files)
    {
        var decoded = Task.WhenAll(files.Select(file => _images.DecodeAsync(file, [_preprocessor.Resize], CancellationToken.None))).GetAwaiter().GetResult();
        var (width, height) = (decoded[0].Prepared[0].Width, decoded[0].Prepared[0].Height);
        var values = new float[files.Length * 3 * width * height];
        var writer = new VlWorker.Inference.Engine.PixelWriter(_preprocessor.Normalization);
        for (var i = 0; i < files.Length; i++)
        {
            writer.Write(decoded[i].Prepared[0], values.AsSpan(i * 3 * width * height, 3 * width * height));
            decoded[i].Prepared[0].Dispose();
        }

        return OrtValue.CreateTensorValueFromMemory(values, [files.Length, 3, height, width]);
    }
}
