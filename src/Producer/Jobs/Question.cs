using System.Text;
using VlWorker.Contracts;
using VlWorker.Producer.Requests;

namespace VlWorker.Producer.Jobs;

/// <summary>What a request asks of an image: all that <see cref="ResultIds.ResultId"/> depends on beside the object and the model's revision.</summary>
/// <remarks>How answers are written, the deadline and the context are no part of it: with others of these the same result would come.</remarks>
internal static class Question
{
    /// <summary>The question of an item in a form that is equal for equal questions.</summary>
    /// <param name="template">What the job says for all.</param>
    /// <param name="own">What the request has of its own, as JSON, or null.</param>
    public static string Of(DescribeImage template, string? own)
    {
        var line = Read(own);
        var request = Bare(template.With(line));
        var tasks = (request.Tasks ?? Tasks.Default).Distinct().Order(StringComparer.Ordinal).ToList();
        var models = (request.Models ?? new Dictionary<string, string>()).Where(model => tasks.Contains(model.Key));
        return Json(request with
        {
            Image = line.Image,
            Tasks = tasks,
            Models = new SortedDictionary<string, string>(models.ToDictionary(), StringComparer.Ordinal),
            Generation = request.Generation == new GenerationOptions() ? null : request.Generation,
        });
    }

    /// <summary>Whether two templates make the same question of any line.</summary>
    public static bool IsSame(DescribeImage one, DescribeImage other) => Json(Bare(one)) == Json(Bare(other));

    /// <summary>Whether what a request has of its own names a version of the object, so that its content can't change.</summary>
    public static bool IsPinned(string? own) => Read(own).Image?.VersionId is { } version && version != "null";

    private static DescribeImage Bare(DescribeImage request) => request with { EmbeddingEncoding = null, Deadline = null, Context = null };

    private static DescribeImage Read(string? own) =>
        own is null ? new DescribeImage() : ContractsJson.Read<DescribeImage>(Encoding.UTF8.GetBytes(own));

    private static string Json(DescribeImage request) => Encoding.UTF8.GetString(ContractsJson.Write(request));
}
