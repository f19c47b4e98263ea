using System.Text;
using VlWorker.Consuming;
using VlWorker.Contracts;
using VlWorker.Decoding;
using VlWorker.Describing;
using VlWorker.Failures;
using VlWorker.Fetching;
using VlWorker.ModelKit.Configuration;
using VlWorker.Publishing;

namespace VlWorker.Fuzzing;

/// <summary>The readers of what strangers send. A refusal is a rejection or a dead letter; here it counts as InvalidDataException.</summary>
internal static class InputTargets
{
    /// <summary>Working memory beside an image's own bytes: a decoder's tables, and the input's copy.</summary>
    private const long DecodingBytes = 64L << 20;

    private static readonly IReadOnlySet<string> Allowed = new HashSet<string>(StringComparer.Ordinal) { "photos" };

    private static readonly Lane Lane = new(LaneKind.Interactive, Topology.InteractiveQueue, Topology.InteractiveRoutingKey, 1);

    /// <summary>Requests: the reader, the rules, the reference's rules, and the answer that goes back.</summary>
    public static FuzzTarget Messages(string folder) => new(
        "messages", Place(folder, "messages", "input.json"),
        [
            """
            {"id":"42","jobId":"archive-7","image":{"bucket":"photos","key":"2026/11/cat.jpg","versionId":"v1","etag":"\"abc\""},"tasks":["caption","embedding"],
            "models":{"caption":"demo-captioner"},"prompt":"a photo of","generation":{"maxNewTokens":20,"numBeams":3,"lengthPenalty":1.5,"noRepeatNgramSize":2},
            "deadline":"2099-01-01T00:00:00Z","context":{"a":"b"},"embeddingEncoding":"float"}
            """u8.ToArray(),
            """{"id":"1","image":{"bucket":"photos","key":"a"}}"""u8.ToArray(),
            """{"id":"t","text":"a dog on a beach","model":"demo-clip","context":{}}"""u8.ToArray(),
            Encoding.UTF8.GetBytes("""{"id":"猫","image":{"bucket":"photos","key":"写真/猫 🐈.png"},"tasks":["caption"],"context":{"名":"値"}}"""),
        ],
        0, ReadMessage);

    /// <summary>Images of all formats, decoded for two models.</summary>
    /// <param name="folder">An empty folder.</param>
    /// <param name="originals">Encoded images.</param>
    public static FuzzTarget Images(string folder, IReadOnlyList<byte[]> originals)
    {
        var decoder = new ImageDecoder(new DecodingOptions { Decoders = 1, MaxPixels = 4_000_000, PixelBudgetBytes = 256L << 20 });
        return new FuzzTarget("images", Place(folder, "images", "input"), originals, DecodingBytes, path => ReadImage(decoder, path));
    }

    private static string Place(string folder, string name, string file) => Path.Combine(Directory.CreateDirectory(Path.Combine(folder, name)).FullName, file);

    private static void ReadMessage(string path)
    {
        var image = new Delivery(Lane, File.ReadAllBytes(path), new MessageProperties());
        var text = image with { };
        try
        {
            var request = RequestReader.ReadImage(image);
            _ = RequestReader.ReadText(text);
            if (image.Unreadable is MalformedException malformed)
                throw new InvalidDataException($"{path}: {malformed.Message}", malformed);
            // Whatever was read or salvaged, an answer can be written.
            _ = ContractsJson.Write(RequestFacts.Of(request, image).Reject(new RejectedException(RejectionReason.BadRequest, "fuzzed"), DateTimeOffset.UnixEpoch));
            if (image.Unreadable is { } wrong)
                throw new InvalidDataException($"{path}: {wrong.Message}", wrong);
            RequestChecks.Validate(request.Validate());
            _ = ReferenceRules.Check(request.Image!, Allowed);
            if (!ContractsJson.Write(ContractsJson.Read<DescribeImage>(ContractsJson.Write(request))).AsSpan().SequenceEqual(ContractsJson.Write(request)))
                throw new InvalidOperationException("read and written twice, the request is another one");
        }
        catch (RejectedException error)
        {
            throw new InvalidDataException($"{path}: {error.Message}", error);
        }
    }

    private static void ReadImage(ImageDecoder decoder, string path)
    {
        ResizePlan[] plans = [new(224, 224, null, null, null, 2), new(0, 0, 224, 224, 224, 3)];
        RejectedException? refusal = null;
        try
        {
            foreach (var prepared in decoder.DecodeAsync(File.ReadAllBytes(path), plans, CancellationToken.None).GetAwaiter().GetResult().Prepared)
            {
                using (prepared)
                {
                    if (prepared.Rgb.Length != prepared.Width * prepared.Height * 3)
                        throw new InvalidOperationException("the pixels are not of the size that was asked for");
                }
            }
        }
        catch (RejectedException error)
        {
            refusal = error;
        }

        if (decoder.PixelBudget.Used != 0)
            throw new InvalidOperationException($"{decoder.PixelBudget.Used} bytes of the budget were not given back");
        if (refusal is not null)
            throw new InvalidDataException($"{path}: {refusal.Message}", refusal);
    }
}
