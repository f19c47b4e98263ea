using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using VlWorker.Serving.Embeddings;
using VlWorker.Serving.Predict;
using VlWorker.Serving.Problems;
using VlWorker.Serving.Status;

namespace VlWorker.Serving;

/// <summary>How answers become JSON: as messages do, camelCase and without fields that are null.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProblemDocument))]
[JsonSerializable(typeof(Prediction))]
[JsonSerializable(typeof(AnswerPart))]
[JsonSerializable(typeof(EmbeddingsResponse))]
[JsonSerializable(typeof(float[]))]
[JsonSerializable(typeof(StatusSnapshot))]
[JsonSerializable(typeof(IReadOnlyList<Setting>))]
internal sealed partial class ServingJson : JsonSerializerContext
{
    /// <summary>Text stays as it is, as in messages: the JSON is never put into HTML.</summary>
    public static ServingJson Plain { get; } = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
